"""How well a map shows the edited place: pixel AUC, and F1 at every cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.findings import Box, FileView
from assay.training.datasets.edited_pictures import CHANGED, COPIED_FROM

BINS = 4096
CUTS = tuple(float(cut) for cut in np.linspace(0, 1, 41)[1:-1])
Mask = NDArray[np.uint8]


def read_mask(path: Path) -> Mask:
    """(h, w) uint8 of `CHANGED`, `COPIED_FROM` and 0."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.uint8)


def measured(view: FileView, mask: Mask) -> dict[str, Any] | None:
    """`auc`, and `f1` at each of `CUTS`, over the part of the picture that the map covers.

    Where content was copied from is left out: it is genuine, and yet a true trace. None where the
    part holds no changed or no unchanged pixel.
    """
    if view.values is None or not view.over:
        return None
    x0, y0, x1, y1 = (round(v) for v in view.box_px or (0, 0, mask.shape[1], mask.shape[0]))
    part = mask[max(0, y0) : y1, max(0, x0) : x1]
    if not part.size:
        return None
    values = _stretched(np.asarray(view.values, np.float32), part.shape)
    counts = part != COPIED_FROM
    changed = part == CHANGED
    positive, negative = values[counts & changed], values[counts & ~changed]
    if not len(positive) or not len(negative):
        return None
    share = float(changed.sum() / (mask == CHANGED).sum())
    return {
        "auc": pixel_auc(positive, negative),
        "f1": f1_curve(positive, negative, share),
        "covered": share,
    }


def _stretched(values: NDArray[np.float32], shape: Sequence[int]) -> NDArray[np.float32]:
    from PIL import Image

    if values.shape == tuple(shape):
        return values
    image = Image.fromarray(values, mode="F")
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float32)


def pixel_auc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """How often a changed pixel stands above an unchanged one, ties half; over `BINS` steps."""
    p, n = (_histogram(values) for values in (positive, negative))
    below = np.cumsum(n) - n
    return float((p * (below + n / 2)).sum() / (p.sum() * n.sum()))


def _histogram(values: NDArray[np.float32]) -> NDArray[np.float64]:
    steps = np.clip(values * (BINS - 1) + 0.5, 0, BINS - 1).astype(np.int64)
    return np.bincount(steps, minlength=BINS).astype(np.float64)


def f1_curve(
    positive: NDArray[np.float32], negative: NDArray[np.float32], share: float = 1.0
) -> list[float]:
    """F1 of "at or above the cut" at each of `CUTS`; what the map does not cover counts as
    missed (`share` of the changed pixels is covered)."""
    n_changed = len(positive) / share
    found = []
    for cut in CUTS:
        hits, alarms = float((positive >= cut).sum()), float((negative >= cut).sum())
        found.append(2 * hits / (hits + alarms + n_changed))
    return found


def overlap(boxes: Sequence[Box], mask: Mask) -> float:
    """The best intersection over union of a box with what was changed, or copied from."""
    best = 0.0
    for value in (CHANGED, COPIED_FROM):
        place = mask == value
        if not place.any():
            continue
        for x0, y0, x1, y1 in boxes:
            box = np.zeros_like(place)
            box[max(0, round(y0)) : max(0, round(y1)), max(0, round(x0)) : max(0, round(x1))] = True
            joined = (place | box).sum()
            best = max(best, float((place & box).sum() / joined))
    return best
