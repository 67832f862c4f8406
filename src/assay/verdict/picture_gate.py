"""Is the picture as a whole of a kind that its detectors were measured on? With reason codes.

picture_too_small    smaller than one window: its edges were mirrored
picture_too_blurred  it holds less fine detail than any picture measured
too_compressed       blocks show, or the video spends too few bits a pixel
truncated            the file ends early
The face has a gate of its own: neither speaks for the other.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from assay.case import Case
from assay.media.resample import luma
from assay.subjects.quality import blockiness_of, sharpness_of
from assay.types import Array, Evidence, Reason

MAX_MEASURED = 4


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Where judging a whole picture ends.

    Measured on 40 photographs of five public sets, in windows of their own resolution: the softest
    untouched one has sharpness 0.21, a blur of sigma 3 leaves 0.11 to 0.20; blockiness 1.54 is the
    highest seen untouched, and JPEG quality 10 has 1.6 in the median.
    """

    min_picture_px: float = 224.0
    min_picture_sharpness: float = 0.16
    max_picture_blockiness: float = 1.6
    min_bits_per_pixel: float = 0.01

    @classmethod
    def from_card(cls, in_domain: Mapping[str, Any]) -> PictureLimits:
        """The limits of a bundle card; a limit that it does not state keeps its default."""
        known = {field.name for field in fields(cls)}
        stated = {name: value for name, value in in_domain.items() if name in known}
        return cls(**{name: float(value) for name, value in stated.items()})


def picture_faults(
    case: Case, evidence: Evidence, limits: PictureLimits, bits: float | None
) -> tuple[list[Reason], dict[str, Any]]:
    """What is wrong with the picture that this evidence is about, and what was measured.

    `bits` are the video's bits a pixel. Measured in at most four of the evidence's windows.
    """
    views = case.picture_views
    side = min((min(view.rgb.shape[:2]) for view in views), default=0)
    summary: dict[str, Any] = {"windows": len(evidence.patches), "picture_px": side}
    reasons = []
    if side < limits.min_picture_px:
        text = f"The picture is {side} pixels wide or high; {limits.min_picture_px:.0f} are needed."
        reasons.append(Reason("picture_too_small", text))
    greys = [luma(window) for window in _windows(case, evidence)]
    if greys:
        sharpness = statistics.median(sharpness_of(grey) for grey in greys)
        blocks = statistics.median(blockiness_of(grey) for grey in greys)
        summary |= {
            "picture_sharpness": round(sharpness, 4),
            "picture_blockiness": round(blocks, 4),
        }
        if sharpness < limits.min_picture_sharpness:
            text = "The picture is too blurred to hold fine traces."
            reasons.append(Reason("picture_too_blurred", text))
        starved = bits is not None and bits < limits.min_bits_per_pixel
        if blocks > limits.max_picture_blockiness or starved:
            text = "The file is compressed so strongly that traces vanish."
            reasons.append(Reason("too_compressed", text))
    if "truncated" in case.media.notes:
        reasons.append(Reason("truncated", "The file ends before its end: a part is missing."))
    return reasons, summary


def _windows(case: Case, evidence: Evidence) -> list[Array]:
    """At most four of the windows that were read, evenly spread."""
    views = {view.time_s: view.rgb for view in case.picture_views}
    usable = [patch for patch in evidence.patches if patch.time_s in views]
    n = min(MAX_MEASURED, len(usable))
    chosen = [usable[(2 * i + 1) * len(usable) // (2 * n)] for i in range(n)]
    boxes = [(patch.time_s, *(int(side) for side in patch.box_px)) for patch in chosen]
    cut = [views[time_s][y0:y1, x0:x1] for time_s, x0, y0, x1, y1 in boxes]
    return [window for window in cut if min(window.shape[:2]) >= 2]
