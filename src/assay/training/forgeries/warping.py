"""Resampling as forgeries do it: drawn interpolations, smooth bends, passages through few pixels.

Which filter resampled a part, and how much it smoothed, must not tell the label: every forger
draws its filter here, and may resample the genuine twin in the same way.
"""

from __future__ import annotations

import numpy as np

from assay.training.forgeries.faces import Box
from assay.types import Array, FloatArray

GRID = 24
_ODDS = (0.35, 0.35, 0.3)


def draw_interpolation(rng: np.random.Generator) -> int:
    """One of OpenCV's linear, cubic and Lanczos filters."""
    import cv2

    return int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4], p=_ODDS))


def moved(rgb: Array, matrix: FloatArray, interpolation: int) -> Array:
    """The picture (h, w, 3) moved by an affine map (2, 3); mirrored at its border."""
    import cv2

    size = (rgb.shape[1], rgb.shape[0])
    out = cv2.warpAffine(
        rgb,
        np.asarray(matrix, np.float32),
        size,
        flags=interpolation,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(out, np.uint8)


def resampled_in_place(rgb: Array, interpolation: int, rng: np.random.Generator) -> Array:
    """The picture turned, scaled and moved by about a pixel: the same picture, resampled."""
    import cv2

    height, width = rgb.shape[:2]
    reach = 1.0 / max(height, width)
    turn = float(np.degrees(rng.uniform(-reach, reach)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1 + rng.uniform(-reach, reach))
    shift = np.array([[0, 0, rng.uniform(-0.5, 0.5)], [0, 0, rng.uniform(-0.5, 0.5)]])
    return moved(rgb, (matrix + shift).astype(np.float32), interpolation)


def through_pixels(rgb: Array, box: Box, n_px: int, blur: float, rng: np.random.Generator) -> Array:
    """A copy whose part within `box` went through n_px x n_px pixels, as through a decoder of that
    size; `blur` is the softness there, in px of the small picture."""
    import cv2

    x0, y0, x1, y1 = box
    part = rgb[y0:y1, x0:x1]
    shrinks = n_px < min(part.shape[:2])
    down = cv2.INTER_AREA if shrinks and rng.random() < 0.6 else cv2.INTER_LINEAR
    small = cv2.resize(part, (n_px, n_px), interpolation=down)
    if blur > 0.2:
        small = cv2.GaussianBlur(small, (0, 0), blur)
    up = draw_interpolation(rng) if shrinks else cv2.INTER_AREA
    out = rgb.copy()
    out[y0:y1, x0:x1] = cv2.resize(small, (x1 - x0, y1 - y0), interpolation=up)
    return out


def bent(
    rgb: Array,
    points_px: FloatArray,
    shifts_px: FloatArray,
    reach_px: float,
    interpolation: int,
    placed: tuple[FloatArray, tuple[int, int]] | None = None,
) -> Array:
    """The picture bent smoothly so that content at `points_px` (n, 2) moves by `shifts_px`.

    A point's pull fades over `reach_px`; points with no shift hold their surroundings in place.
    `placed` is an affine map (2, 3) that goes before the bend, and the shape (h, w) it maps to.
    """
    import cv2

    matrix, (height, width) = placed or (np.eye(2, 3, dtype=np.float32), rgb.shape[:2])
    field = _bend_field((height, width), points_px + shifts_px, shifts_px, reach_px)
    xs = np.arange(width, dtype=np.float32)[None, :] - field[..., 0]
    ys = np.arange(height, dtype=np.float32)[:, None] - field[..., 1]
    if placed is not None:
        (a, b, c), (d, e, f) = np.asarray(cv2.invertAffineTransform(matrix), np.float32)
        xs, ys = a * xs + b * ys + c, d * xs + e * ys + f
    out = cv2.remap(rgb, xs, ys, interpolation, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(out, np.uint8)


def _bend_field(
    shape: tuple[int, int], points_px: FloatArray, shifts_px: FloatArray, reach_px: float
) -> FloatArray:
    """Weighted means of the shifts (Shepard, with Gaussian weights) on a coarse grid, enlarged;
    (h, w, 2) float32. A small constant weight lets the field fade far from all points."""
    import cv2

    height, width = shape
    gx = (np.arange(GRID, dtype=np.float32) + 0.5) * (width / GRID) - 0.5
    gy = (np.arange(GRID, dtype=np.float32) + 0.5) * (height / GRID) - 0.5
    scale = np.float32(0.5 / max(reach_px, 1.0) ** 2)
    wx = np.exp(-((gx[:, None] - points_px[None, :, 0]) ** 2) * scale)
    wy = np.exp(-((gy[:, None] - points_px[None, :, 1]) ** 2) * scale)
    values = np.concatenate([shifts_px, np.ones((len(shifts_px), 1))], axis=1).astype(np.float32)
    sums = np.einsum("yn,xn,nc->yxc", wy, wx, values, optimize=True)
    coarse = np.ascontiguousarray(sums[..., :2] / (sums[..., 2:] + 0.2), np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
