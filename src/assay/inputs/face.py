"""The face crop: one recipe, one cutter, for training and inference alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from assay.errors import BundleMismatchError, EmptyBoxError
from assay.inputs.recipe import fingerprint_of
from assay.media.resample import bordered, resized
from assay.types import Array, FaceView, FloatArray


@dataclass(frozen=True, slots=True)
class FaceInput:
    """How a face is cut: a square of `size_px`, its side `scale` times the longer side of the
    landmarks' box, edges repeated where it leaves the view, shrunk with an area filter."""

    size_px: int = 224
    scale: float = 1.4
    edges: str = "repeat"
    shrink: str = "area"
    enlarge: str = "linear"

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)

    def require(self, stored: dict[str, Any]) -> None:
        """Raise BundleMismatchError naming every field in which `stored` differs."""
        own = asdict(self)
        differing = [f.name for f in fields(self) if stored.get(f.name) != own[f.name]]
        if differing:
            named = ", ".join(f"{n}: {stored.get(n)!r} there, {own[n]!r} here" for n in differing)
            raise BundleMismatchError(f"The recipe differs in {named}.")


def prepare(view: FaceView, recipe: FaceInput) -> Array:
    """What the network sees of one view: (size, size, 3) uint8 RGB."""
    return crop_face(view.rgb, view.box_px, recipe)


def crop_window(box_px: FloatArray, recipe: FaceInput) -> tuple[int, int, int]:
    """Left, top and side, in px, of the square that `crop_face` cuts; may leave the picture.

    Raises EmptyBoxError when the box has no area.
    """
    width, height = float(box_px[2] - box_px[0]), float(box_px[3] - box_px[1])
    if not (width > 0 and height > 0):
        raise EmptyBoxError(f"The box {np.asarray(box_px).tolist()} has no area.")
    side = max(2, round(max(width, height) * recipe.scale))
    left = round(float(box_px[0] + box_px[2] - side) / 2)
    top = round(float(box_px[1] + box_px[3] - side) / 2)
    return left, top, side


def frame_window(view: FaceView, recipe: FaceInput) -> tuple[float, float, float, float]:
    """The square that the network sees of a view, (x0, y0, x1, y1) in frame pixels."""
    left, top, side = crop_window(view.box_px, recipe)
    origin = view.frame_box_px[:2] - view.box_px[:2] / view.scale
    x0, y0 = (float(v) for v in origin + np.array([left, top]) / view.scale)
    length = side / view.scale
    return (x0, y0, x0 + length, y0 + length)


def crop_face(rgb: Array, box_px: FloatArray, recipe: FaceInput) -> Array:
    """Cut one square face crop; edges repeat where the square leaves the picture.

    `rgb` is (h, w, 3) uint8 (or (h, w) for a mask), `box_px` xyxy. Returns (size, size, 3) uint8.
    Shrinks with an area filter: a linear one raises fine detail. Raises EmptyBoxError when the
    box has no area.
    """
    left, top, side = crop_window(box_px, recipe)
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x0 >= x1 or y0 >= y1:
        raise EmptyBoxError(f"The box {np.asarray(box_px).tolist()} lies outside the picture.")
    part = rgb[y0:y1, x0:x1]
    borders = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    if any(borders):
        part = bordered(part, *borders)
    return np.ascontiguousarray(resized(part, (recipe.size_px, recipe.size_px)))
