"""The mosaic of a sensor's colour filter: is it there, and where is it missing or shifted?"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from assay.case import Case
from assay.detectors import file_evidence
from assay.findings import FileView, Finding, Region
from assay.inputs.colour_filter import (
    BLOCK_PX,
    MAX_PX,
    Mosaic,
    Places,
    places_of,
    read_mosaic,
)
from assay.inputs.copied_regions import bounds, largest_part
from assay.inputs.grey_picture import window_of
from assay.types import Evidence, MediaKind

LEAST_SIDE_PX = 192
PRESENT = 8.0
"""Standard errors; pictures whose pixels were resized stay below 4."""
SHIFTED_SHARE, SHIFTED_GAP, SHIFTED_SQUARES = -0.4, 9.0, 6
MISSING_SHARE, MISSING_GAP, MISSING_SQUARES = 0.2, 12.0, 12
TEXTS = {
    "too_small": f"The picture has a side of under {LEAST_SIDE_PX} pixels.",
    "too_flat": "Hardly any part of the picture has detail that is neither black nor white.",
    "no_trace": (
        "No trace of a colour filter is left. Resizing, compression and most of today's cameras "
        "leave none, so this says nothing about the picture."
    ),
}
WEAKNESS = (
    "Flat, clipped and finely patterned parts tell little and can look like missing ones. "
    "Compression weakens the trace everywhere, and resizing removes it."
)
INNOCENT = (
    "parts out of focus, clipped or with fine patterns",
    "captions, logos and frames put in openly",
    "noise reduction or retouching by the camera or a program, in some parts only",
)


class ColourFilterArray:
    """Which diagonal of each two by two pixels was seen in green, whole and in squares of 16 px.

    Looks at: the green channel of the middle two million pixels. Abstains when: a side is under
    192 px, hardly anything has detail, or no trace of a mosaic is there. Fails on: resized pictures
    and most compressed ones, cameras whose processing leaves no trace, parts put in with the same
    phase of the mosaic (one in two), small parts. Licences: none, plain arithmetic.
    """

    name = "colour_filter_array"
    version = "1"
    family = "noise"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "the trace of the sensor's colour mosaic, and parts where it is missing or shifted"
    fails_on = "resized and most compressed pictures, which have no such trace left"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file: that a trace is there, and where it is another."""
        started = time.monotonic()
        rgb = case.picture_views[0].rgb
        height, width = rgb.shape[:2]
        x0, y0, x1, y1 = window_of(width, height, MAX_PX)
        if min(x1 - x0, y1 - y0) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        case.deadline.check()
        mosaic = read_mosaic(rgb[y0:y1, x0:x1])
        if mosaic is None:
            return [self._abstained("too_flat", started)]
        if mosaic.strength < PRESENT:
            return [self._abstained("no_trace", started)]
        places = places_of(mosaic)
        whole = (x1 - x0, y1 - y0) == (width, height)
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=(_present(mosaic), *_elsewhere(places, (x0, y0))),
                views=(_view(places, (x0, y0), whole),),
                details={
                    "raw_logit": round(_raw_logit(places), 3),
                    "strength": round(mosaic.strength, 1),
                    "balance": round(mosaic.mean, 3),
                    "searched_whole": whole,
                },
            )
        ]

    def _abstained(self, code: str, started: float) -> Evidence:
        return file_evidence(self, started, status="abstained", reason=f"{code}: {TEXTS[code]}")


def _present(mosaic: Mosaic) -> Finding:
    return Finding(
        code="colour_filter_present",
        title="The trace of a camera's colour filter is there",
        meaning=(
            "The green of every other pixel was made up from its neighbours, as cameras do. The "
            "pixels lie as the sensor took them: they were not resized or turned since."
        ),
        values={
            "green_seen_on": "even" if mosaic.mean > 0 else "odd",
            "balance": round(mosaic.mean, 3),
            "strength": round(mosaic.strength, 1),
        },
        innocent_causes=(
            "it is what an untouched picture looks like",
            "it can be made by a program",
        ),
    )


def _elsewhere(places: Places, corner: tuple[int, int]) -> list[Finding]:
    """The largest part with the mosaic shifted, else the largest without it."""
    known = np.isfinite(places.share)
    share, gap = np.nan_to_num(places.share, nan=1.0), np.nan_to_num(places.gap)
    shifted = known & (share < SHIFTED_SHARE) & (gap > SHIFTED_GAP)
    missing = known & (np.abs(share) < MISSING_SHARE) & (gap > MISSING_GAP)
    if int(shifted.sum()) >= SHIFTED_SQUARES:
        return [_local("colour_filter_shifted", shifted, places, corner)]
    if int(missing.sum()) >= MISSING_SQUARES:
        return [_local("colour_filter_missing", missing, places, corner)]
    return []


_WORDS = {
    "colour_filter_shifted": (
        "In a part the colour filter's trace is shifted",
        "There the other half of the pixels was made up. One sensor has one mosaic: something that "
        "was moved or put in by an odd number of pixels shows this.",
    ),
    "colour_filter_missing": (
        "In a part the colour filter's trace is missing",
        "The rest of the picture has the trace and the marked part has not, though it has detail. "
        "Something put in, painted, resized or smoothed would show this.",
    ),
}


def _local(code: str, mask: NDArray[np.bool_], places: Places, corner: tuple[int, int]) -> Finding:
    part = largest_part(mask)
    part = part if part.any() else mask
    left, top, right, bottom = (float(one * BLOCK_PX) for one in bounds(part))
    title, meaning = _WORDS[code]
    x0, y0 = corner
    return Finding(
        code=code,
        title=title,
        meaning=meaning,
        severity="notable",
        values={
            "share": round(float(places.share[part].mean()), 2),
            "gap": round(float(places.gap[part].max()), 1),
            "n_squares": int(part.sum()),
        },
        innocent_causes=INNOCENT,
        region=Region(box_px=(left + x0, top + y0, right + x0, bottom + y0)),
    )


def _raw_logit(places: Places) -> float:
    """The largest gap where less than a third of the mosaic is left, in units of ten, less one."""
    low = np.isfinite(places.share) & (places.share < 1 / 3)
    return float(np.where(low, places.gap, 0).max()) / 10 - 1


def _view(places: Places, corner: tuple[int, int], whole: bool) -> FileView:
    x0, y0 = corner
    height, width = (n * BLOCK_PX for n in places.share.shape)
    part = "" if whole else " Of this large picture only the middle was searched."
    return FileView(
        name="colour_filter_array",
        title="Trace of the colour filter",
        caption=f"Dark: as in most of the picture. Half bright: missing. White: shifted.{part}",
        weakness=WEAKNESS,
        values=np.clip((1 - np.nan_to_num(places.share, nan=1.0)) / 2, 0, 1).astype(np.float32),
        box_px=(float(x0), float(y0), float(x0 + width), float(y0 + height)),
    )


DETECTOR = ColourFilterArray
