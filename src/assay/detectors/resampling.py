"""Was the picture, or a part of it, resized or turned? Rhythms of interpolation between pixels."""

from __future__ import annotations

import time

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.findings import FileView, Finding, Region
from assay.inputs.grey_picture import GreyPicture, grey_picture
from assay.inputs.resampling import (
    MAX_PX,
    STEP_PX,
    TILE_PX,
    Rhythm,
    factors_of,
    local_excess,
    surprise,
    tile_powers,
    whole_rhythm,
)
from assay.types import Evidence, FloatArray, MediaKind

LEAST_SIDE_PX = 192
LEAST_LEVELS = 1.0
RESIZED = 8.0
"""No pristine crop of a camera file came above 7.1; see docs/detectors/resampling.md."""
HINT = 6.0
LOCAL, LOCAL_IN_RESIZED, AROUND = 2.4, 3.5, 1.9
LEAST_TILES = 3
LOWEST, HIGHEST = 1.0, 3.0
TEXTS = {
    "too_small": f"The picture has a side of under {LEAST_SIDE_PX} pixels.",
    "too_flat": "The picture has hardly any detail between whose pixels a rhythm could show.",
}
WEAKNESS = (
    "Compression at quality 95 and below removes most of the rhythm, shrinking leaves little, "
    "and enlarging by 2, 4/3, 8/5 and 8/7 hides behind JPEG's own. A dark map is no proof."
)


class Resampling:
    """Peaks in the spectrum of how well neighbours foretell a pixel, whole and in tiles of 64 px.

    Looks at: the middle two million pixels, at their own size; pairs of peaks a quarter turn apart,
    without JPEG's multiples of an eighth. Abstains when: a side is under 192 px, or the picture is
    flat. Fails on: JPEG at quality 95 and below, shrinking, enlarging whose rhythm falls on
    eighths, resizing by one axis only. Licences: none, plain arithmetic.
    """

    name = "resampling"
    version = "1"
    family = "geometry"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "rhythms that resizing and turning leave between neighbouring pixels"
    fails_on = "pictures compressed at quality 95 and below, and shrunken ones"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file: the whole picture's rhythm, and parts that differ from it."""
        started = time.monotonic()
        rgb = case.picture_views[0].rgb
        if min(rgb.shape[:2]) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        picture = grey_picture(rgb, MAX_PX)
        if min(picture.values.shape) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        if float(picture.values[::2, ::2].std()) < LEAST_LEVELS:
            return [self._abstained("too_flat", started)]
        case.deadline.check()
        powers = tile_powers(surprise(picture.values))
        rhythm, excess = whole_rhythm(powers), local_excess(powers)
        findings = _whole(rhythm) + _local(excess, rhythm, picture)
        details = {
            "raw_logit": round(float(excess.max()) - LOCAL - (rhythm.excess >= HINT), 3),
            "whole_excess": round(rhythm.excess, 2),
            "local_excess": round(float(excess.max()), 2),
            "searched_whole": picture.whole,
        }
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=tuple(findings),
                views=(_view(excess, picture),),
                details=details,
            )
        ]

    def _abstained(self, code: str, started: float) -> Evidence:
        return file_evidence(self, started, status="abstained", reason=f"{code}: {TEXTS[code]}")


def _whole(rhythm: Rhythm) -> list[Finding]:
    if rhythm.excess < RESIZED:
        return []
    factors = factors_of(rhythm)
    meaning = (
        "Neighbouring pixels foretell each other in a rhythm, as they do after a picture was "
        "enlarged or turned. Cameras, programs and websites do so every day; it is no sign of "
        "forgery, but the pixels are not those that the camera took."
    )
    values = {
        "cycles_a_pixel": [round(rhythm.across, 3), round(rhythm.down, 3)],
        "factors": list(factors),
        "turned": not factors,
        "excess": round(rhythm.excess, 1),
    }
    innocent = (
        "digital zoom",
        "resizing by a website or program",
        "straightening, lens correction",
    )
    title = "The picture was resized or turned"
    return [Finding("resampling_whole", title, meaning, "info", values, innocent)]


def _local(excess: FloatArray, rhythm: Rhythm, picture: GreyPicture) -> list[Finding]:
    """The tiles about the strongest that stand out of the rest, where there are enough."""
    row, column = divmod(int(excess.argmax()), excess.shape[1])
    # Where all was resized, parts with more detail show more of the same rhythm.
    if excess[row, column] < (LOCAL if rhythm.excess < HINT else LOCAL_IN_RESIZED):
        return []
    top, left = max(0, row - 2), max(0, column - 2)
    near = excess[top : row + 3, left : column + 3] > AROUND
    if int(near.sum()) < LEAST_TILES:
        return []
    rows, columns = np.nonzero(near)
    x0, y0 = picture.box_px[:2]
    box = (
        float(x0 + (left + columns.min()) * STEP_PX),
        float(y0 + (top + rows.min()) * STEP_PX),
        float(x0 + (left + columns.max()) * STEP_PX + TILE_PX),
        float(y0 + (top + rows.max()) * STEP_PX + TILE_PX),
    )
    return [
        Finding(
            code="resampling_local",
            title="A part of the picture has a rhythm of resizing that the rest has not",
            meaning=(
                "In the marked part neighbouring pixels foretell each other in a rhythm that the "
                "rest lacks. Something that was put in and made to fit would show it; so would "
                "fine regular patterns, so look at what lies there."
            ),
            severity="info",
            values={"excess": round(float(excess[row, column]), 2), "n_tiles": int(near.sum())},
            innocent_causes=(
                "fine regular patterns: fabrics, fences, screens, print",
                "a caption, logo or frame that was fitted in openly",
                "corrections of the lens, which stretch the corners more than the middle",
            ),
            region=Region(box_px=box),
        )
    ]


def _view(excess: FloatArray, picture: GreyPicture) -> FileView:
    x0, y0 = picture.box_px[:2]
    height, width = ((n - 1) * STEP_PX + TILE_PX for n in excess.shape)
    part = "" if picture.whole else " Of this large picture only the middle was searched."
    return FileView(
        name="resampling",
        title="Rhythms of resizing",
        caption=f"Bright: parts whose pixels have a rhythm that the rest has not.{part}",
        weakness=WEAKNESS,
        values=np.clip((excess - LOWEST) / (HIGHEST - LOWEST), 0, 1).astype(np.float32),
        box_px=(float(x0), float(y0), float(x0 + width), float(y0 + height)),
    )


DETECTOR = Resampling
