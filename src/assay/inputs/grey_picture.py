"""The brightness of a picture at its own resolution: what the traces of editing are read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.types import Array, FloatArray

MAX_PX = 16_000_000  # of one picture: 64 MB as float32
GRID_PX = 8
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as JPEG weighs them


@dataclass(frozen=True, slots=True)
class GreyPicture:
    """`values` (h, w) float32 in [0, 255] of the part `box_px` (x0, y0, x1, y1) of a picture."""

    values: FloatArray
    box_px: tuple[int, int, int, int]
    whole: bool


def window_of(width: int, height: int, max_px: int = MAX_PX) -> tuple[int, int, int, int]:
    """The middle of a picture with at most `max_px`: (x0, y0, x1, y1), the shape kept.

    Its corner lies on a multiple of 8, so that the grid of a JPEG starts at zero in it.
    """
    if width * height <= max_px:
        return 0, 0, width, height
    shrink = (max_px / (width * height)) ** 0.5
    inner_width = min(width, max(GRID_PX, int(width * shrink)))
    inner_height = min(height, max(GRID_PX, max_px // inner_width))
    inner_width = min(inner_width, max_px // inner_height)
    x0 = (width - inner_width) // 2 // GRID_PX * GRID_PX
    y0 = (height - inner_height) // 2 // GRID_PX * GRID_PX
    return x0, y0, x0 + inner_width, y0 + inner_height


def grey_picture(rgb: Array, max_px: int = MAX_PX) -> GreyPicture:
    """The brightness of `rgb` (h, w, 3) uint8, of its middle where it has more than `max_px`."""
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = window_of(width, height, max_px)
    part = rgb[y0:y1, x0:x1]
    weights = np.array(LUMA, dtype=np.float32)
    values: FloatArray = np.matmul(part, weights, dtype=np.float32)
    box = (x0, y0, x1, y1)
    return GreyPicture(values, box, (x1 - x0, y1 - y0) == (width, height))
