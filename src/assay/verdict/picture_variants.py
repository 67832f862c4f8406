"""Harmless changes of a whole picture, tried on a few of its windows with room around them.

Re-saving twelve megapixels four times costs more than the whole examination; a window and what
lies around it changes just as it would within the picture.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import Any

from assay.case import Case
from assay.media.resample import blurred, resaved, resized
from assay.types import Evidence, Patch, PictureView

RESAVE_QUALITY = 75
RESIZE_FACTOR = 0.75
CROP_SHARE = 0.03
BLUR_SIGMA_PX = 0.8
# Every window costs one run of the network for each of four changes.
MAX_PATCHES = 2
# Codecs work in blocks of 8 or 16 px: a part that begins on one is re-saved as the whole would be.
BLOCK_PX = 16
# Shrunk to three quarters, a part must still hold a window.
ROOM = 4 / 3


@dataclass(frozen=True, slots=True)
class Reading:
    """A case of a few parts of the picture, and the patches of the evidence that they surround."""

    evidence: Evidence
    patches: tuple[Patch, ...]
    case: Case


def reading_of(case: Case, evidence: Evidence) -> Reading | None:
    """The parts on which this evidence is tried again; None where there are none.

    At most two windows of its own resolution, of the lower half and of the upper by score.
    """
    views = {view.time_s: view for view in case.picture_views}
    usable = [p for p in evidence.patches if p.scale == 1.0 and p.time_s in views]
    usable.sort(key=lambda patch: patch.logit)
    n = min(MAX_PATCHES, len(usable))
    patches = tuple(usable[(2 * i + 1) * len(usable) // (2 * n)] for i in range(n))
    if not patches:
        return None
    parts = [part_around(views[patch.time_s], patch) for patch in patches]
    return Reading(evidence, patches, case.narrowed({}, parts))


def shift_of(reading: Reading, after: Evidence) -> float | None:
    """By how much a change moved the logit: the median over the windows; None if not scored."""
    if after.logit is None:
        return None
    before = [patch.logit for patch in reading.patches]
    if len(after.patches) == len(before):
        pairs = zip(after.patches, before, strict=True)
        return statistics.median(new.logit - old for new, old in pairs)
    return after.logit - statistics.fmean(before)


def part_around(view: PictureView, patch: Patch) -> PictureView:
    """The patch with room around it, clipped to the frame, beginning on a codec's block."""
    import numpy as np

    height, width = view.rgb.shape[:2]
    x0, y0, x1, y1 = patch.box_px
    left, right = _with_room(x0, x1, width)
    top, bottom = _with_room(y0, y1, height)
    focus = ((x0 + x1) / 2 - left, (y0 + y1) / 2 - top)
    rgb = np.ascontiguousarray(view.rgb[top:bottom, left:right])
    return replace(view, rgb=rgb, focus_px=focus)


def _with_room(low: float, high: float, length: int) -> tuple[int, int]:
    spare = (ROOM - 1) / 2 * (high - low) + BLOCK_PX
    start = max(0, int(low - spare)) // BLOCK_PX * BLOCK_PX
    return start, min(length, int(high + spare))


def resave(view: PictureView) -> PictureView:
    """Saved once more as JPEG of quality 75."""
    return _with_rgb(view, resaved(view.rgb, RESAVE_QUALITY))


def resize(view: PictureView) -> PictureView:
    """Shrunk to three quarters."""
    height, width = view.rgb.shape[:2]
    size = (max(1, round(width * RESIZE_FACTOR)), max(1, round(height * RESIZE_FACTOR)))
    focus = view.focus_px and (
        view.focus_px[0] * size[0] / width,
        view.focus_px[1] * size[1] / height,
    )
    return replace(_with_rgb(view, resized(view.rgb, size)), focus_px=focus)


def crop(view: PictureView) -> PictureView:
    """The border trimmed, and the window placed 3 % beside: a cropped copy is divided anew."""
    height, width = view.rgb.shape[:2]
    left, top = int(width * CROP_SHARE), int(height * CROP_SHARE)
    trimmed = view.rgb[top : max(top + 1, height - top), left : max(left + 1, width - left)]
    # The trimmed border moves the window by as much against the picture.
    return _with_rgb(view, trimmed)


def soften(view: PictureView) -> PictureView:
    """Blurred by a Gaussian of 0.8 pixels."""
    return _with_rgb(view, blurred(view.rgb, BLUR_SIGMA_PX))


def _with_rgb(view: PictureView, rgb: Any) -> PictureView:
    import numpy as np

    return replace(view, rgb=np.ascontiguousarray(rgb, dtype=np.uint8))
