"""Where the noise of a picture does not hang together: its level and the pattern of its grain."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.findings import Box, FileView, Region
from assay.inputs.grey_picture import GreyPicture, grey_picture
from assay.inputs.noise_level import BLOCK_PX, TO_SIGMA, NoiseLevels, noise_levels
from assay.inputs.noise_map import CELL_PX, GrainMap, grain_map, read_blocks
from assay.inputs.noise_region import StandingOut, box_of, filled, largest_part, standing_out
from assay.types import Evidence, Finding, FloatArray, MediaKind

LEAST_SIDE_PX = 200
LEVEL_STEP = 1.0
"""log2: a region with twice or half the noise of equally bright places."""
LEVEL_SPREADS = 4.0
"""And so many times what the smooth blocks of this picture vary anyway."""
LEAST_LEVEL_BLOCKS = 5
MOST_LEVEL_SHARE = 0.4
LEAST_FILLED = 0.4
FULL_SCALE = 2.0
GRAIN_SCALE = 3.0
"""On the map of the grain a distance so many times the usual one is one half."""
TEXTS = {
    "too_small": f"Either side of the picture is under {LEAST_SIDE_PX} px.",
    "too_flat": "Most of the picture is flat, dark or too bright: there is no noise to compare.",
}
PART = " Of this large picture only the middle was looked at."
LEVEL_MEANING = (
    "In this region the finest grain is {times:.1f} times as strong as in equally bright smooth "
    "places of the same picture. One camera's noise depends on brightness and hardly on the "
    "place: a part pasted from another picture, smoothed or sharpened can look like that. It does "
    "not tell what was done, nor by whom."
)
CAUSES = (
    "The phone or camera smooths faces, skies or dark parts more than the rest",
    "Several exposures were merged (night mode, HDR), or the corners were brightened",
    "A fine, even texture such as cloth, sand or grass was taken for noise",
    "A part is out of focus, or was brightened or denoised in an honest edit",
    "Strong JPEG compression kept the noise in some places and removed it in others",
)


class NoiseResidual:
    """The noise of each part of the picture against the picture's own: two maps; no score.

    Looks at: the finest diagonal detail of smooth blocks against their brightness, and how often
    each pattern of neighbouring high-pass residuals is seen in each block, against the picture's
    own distribution. Abstains when: a side is under 200 px, or most of the picture is flat, dark
    or saturated. Fails on: parts from the same camera, textured pictures (texture looks like other
    noise), strong compression, pictures that were shrunk or denoised as a whole.
    Licences: none, plain arithmetic.
    """

    name = "noise_residual"
    version = "1"
    family = "noise"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "whether the level and the pattern of the noise are the same all over the picture"
    fails_on = "parts from the same camera, textured pictures, strong compression"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file, with its maps."""
        started = time.monotonic()
        views = case.picture_views
        if not views or min(views[0].rgb.shape[:2]) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        grey = grey_picture(views[0].rgb)
        grain = grain_map(read_blocks(grey.values, case.deadline.check))
        if grain is None or grain.used.mean() < 0.5:
            return [self._abstained("too_flat", started)]
        levels = noise_levels(grey.values)
        region = standing_out(grain)
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=(_measured(grey, grain, levels, region), *_level_region(grey, levels)),
                views=(_grain_view(grey, grain), *_level_view(grey, levels)),
                details={"raw_logit": round(region.apart if region else 0.0, 4)},
            )
        ]

    def _abstained(self, code: str, started: float) -> Evidence:
        return file_evidence(self, started, status="abstained", reason=f"{code}: {TEXTS[code]}")


def _measured(
    grey: GreyPicture, grain: GrainMap, levels: NoiseLevels, region: StandingOut | None
) -> Finding:
    """The bare figures, and the place that the map shows most: every picture has one."""
    values: dict[str, Any] = {
        "read_share": round(float(grain.used.mean()), 3),
        "smooth_share": round(float(levels.smooth.mean()), 3),
    }
    if levels.smooth.any():
        values["noise_sigma"] = round(float(np.median(levels.sigma[levels.smooth])), 2)
    if region is not None:
        values["most_unlike_box_px"] = [round(one) for one in region.box_px(grey.box_px[:2])]
        values["most_unlike_apart"] = round(region.apart, 2)
    return Finding(
        code="noise_residual_measured",
        title="The noise of the picture was measured",
        meaning=(
            "The values and the map are for an examiner to look at. Some part of every picture is "
            "most unlike the rest, and untouched pictures were measured to look much like edited "
            "ones in this: it says nothing by itself." + ("" if grey.whole else PART)
        ),
        values=values,
    )


def _level_region(grey: GreyPicture, levels: NoiseLevels) -> tuple[Finding, ...]:
    """A compact region with at least twice or at most half the noise, or nothing."""
    if not levels.enough:
        return ()
    usual = TO_SIGMA * float(np.median(np.abs(levels.deviation[levels.smooth])))
    cut = max(LEVEL_STEP, LEVEL_SPREADS * usual)
    parts = [largest_part(levels.smooth & (sign * levels.deviation > cut)) for sign in (1, -1)]
    part = max(parts, key=lambda one: int(one.sum()))
    n = int(part.sum())
    if n < LEAST_LEVEL_BLOCKS or n > MOST_LEVEL_SHARE * levels.smooth.sum():
        return ()
    if filled(part) < LEAST_FILLED:
        return ()
    times = float(2 ** np.median(levels.deviation[part]))
    return (
        Finding(
            code="noise_residual_level",
            title="One region carries another level of noise",
            meaning=LEVEL_MEANING.format(times=times) + ("" if grey.whole else PART),
            severity="info",
            values={"times_as_strong": round(times, 2), "n_blocks": n},
            innocent_causes=CAUSES,
            region=Region(box_px=box_of(part, BLOCK_PX, grey.box_px[:2])),
        ),
    )


def _grain_view(grey: GreyPicture, grain: GrainMap) -> FileView:
    beside = grain.distance / max(grain.usual, 1e-6)
    values = beside / (beside + GRAIN_SCALE)
    return FileView(
        name="noise_grain",
        title="Pattern of the grain",
        caption=(
            "The brighter a place, the less its finest grain looks like that of most of the "
            "picture. Dark, saturated and flat places are left at zero."
            + ("" if grey.whole else PART)
        ),
        weakness=(
            "Texture, blur, darkness and compression change the grain as well: bright places are "
            "seen in every genuine picture. Only a bright place with an edge where the scene has "
            "none is worth a look."
        ),
        values=np.clip(values, 0, 1).astype(np.float32),
        box_px=_covered(grey, grain.distance, CELL_PX),
    )


def _level_view(grey: GreyPicture, levels: NoiseLevels) -> tuple[FileView, ...]:
    if not levels.enough:
        return ()
    values = np.clip(np.abs(levels.deviation) / FULL_SCALE, 0, 1)
    return (
        FileView(
            name="noise_level",
            title="Level of the noise",
            caption=(
                "How far the noise of smooth places lies from that of equally bright ones, up or "
                "down: full scale is four times. Textured, dark and saturated places are left at "
                "zero." + ("" if grey.whole else PART)
            ),
            weakness=(
                "Cameras smooth some parts more than others, and compression removes noise "
                "unevenly. Zero means in most places that nothing could be measured there."
            ),
            values=values.astype(np.float32),
            box_px=_covered(grey, levels.deviation, BLOCK_PX),
        ),
    )


def _covered(grey: GreyPicture, values: FloatArray, cell_px: int) -> Box:
    """The part of the picture that a grid of cells lies over."""
    x0, y0 = grey.box_px[:2]
    rows, columns = values.shape
    return float(x0), float(y0), float(x0 + columns * cell_px), float(y0 + rows * cell_px)


DETECTOR = NoiseResidual
