"""Change the size and the frame of pictures: shrink by area, enlarge by line, turn, blur, re-save.

numpy and Pillow only. Shrinking is an exact area filter, every source pixel weighted by the share
of it that a target pixel covers; Pillow's box filter takes a pixel whole or not at all, which
leaves a moiré in fine detail (docs/decisions/024).
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from assay.types import Array, FloatArray


def resized(picture: Array, size: tuple[int, int]) -> Array:
    """The picture at `size` (width, height) px: by area where it shrinks, else linear.

    `picture` is (h, w, 3) or (h, w) uint8.
    """
    width, height = max(1, size[0]), max(1, size[1])
    own_height, own_width = picture.shape[:2]
    if (width, height) == (own_width, own_height):
        return picture
    if width <= own_width and height <= own_height:
        shrunk = area_mean(area_mean(picture, height, axis=0), width, axis=1)
        return np.asarray(np.clip(np.rint(shrunk), 0, 255), np.uint8)
    return quickly_resized(picture, (width, height))


def bounded(picture: Array, max_side: int) -> tuple[Array, float]:
    """The picture with its longer side at most `max_side`, and the factor it was shrunk by."""
    height, width = picture.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale == 1.0:
        return picture, 1.0
    whole = int(1 / scale)
    if whole > 1:  # means over whole blocks are cheap; the rest of the way is exact
        picture = _reduced(picture, whole)
    return resized(picture, (round(width * scale), round(height * scale))), scale


def _reduced(picture: Array, factor: int) -> Array:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.reduce(factor), np.uint8)


def quickly_bounded(picture: Array, max_side: int) -> tuple[Array, float]:
    """As `bounded`, several times faster on large pictures, not exact: for finding only."""
    height, width = picture.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    if scale == 1.0:
        return picture, 1.0
    if 0.5 <= scale < 0.67:  # halving is ten times quicker than any other factor
        return _reduced(picture, 2), 0.5
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return quickly_resized(picture, size), scale


def quickly_resized(picture: Array, size: tuple[int, int]) -> Array:
    """As `resized`, by Pillow's own filter: for finding, not for judging."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0), np.uint8)


def area_mean(values: Any, length: int, axis: int) -> FloatArray:
    """Means over `length` equal stretches of one axis, parts of pixels counted as parts."""
    n = values.shape[axis]
    total = np.cumsum(values, axis=axis, dtype=np.float64)
    zero = np.zeros_like(np.take(total, [0], axis=axis))
    total = np.concatenate([zero, total], axis=axis)
    edges = np.linspace(0, n, length + 1)
    whole = np.minimum(np.floor(edges).astype(np.intp), n - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    part = (edges - whole).reshape(shape)
    at = np.take(total, whole, axis=axis)
    at += part * (np.take(total, whole + 1, axis=axis) - at)
    return np.asarray(np.diff(at, axis=axis) * (length / n), np.float32)


def warped(rgb: Array, to_source: FloatArray, size: tuple[int, int]) -> Array:
    """Sample a turned, moved or scaled part of a picture, linearly; black outside.

    `to_source` (2, 3) maps target pixels (x, y, 1) to source pixels, counted at pixel centres.
    `size` is (width, height). It has no area filter: shrink before a warp that shrinks.
    """
    from PIL import Image

    (a, b, c), (d, e, f) = np.asarray(to_source, np.float64)
    # Pillow counts from pixel corners.
    c, f = c + 0.5 - 0.5 * (a + b), f + 0.5 - 0.5 * (d + e)
    image = Image.fromarray(np.ascontiguousarray(rgb))
    out = image.transform(
        size, Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    return np.asarray(out, np.uint8)


def bordered(picture: Array, top: int, bottom: int, left: int, right: int) -> Array:
    """The picture with its edge pixels repeated outwards."""
    sides: list[tuple[int, int]] = [(top, bottom), (left, right)]
    sides += [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, sides, mode="edge")


def blurred(rgb: Array, sigma_px: float) -> Array:
    """A Gaussian blur."""
    from PIL import Image, ImageFilter

    image = Image.fromarray(np.ascontiguousarray(rgb))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(sigma_px)), np.uint8)


def luma(rgb: Array) -> FloatArray:
    """Brightness as seen, (h, w) float32 in [0, 1] (ITU-R BT.601 weights)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    return np.asarray(rgb.astype(np.float32) @ weights, np.float32)


def resaved(rgb: Array, quality: int) -> Array:
    """The picture after being saved as JPEG of that quality and opened again."""
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "JPEG", quality=quality)
    with Image.open(store) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def smoothed(values: FloatArray, kernel: FloatArray, axis: int) -> FloatArray:
    """A convolution along one axis of (h, w); edges are repeated, the size stays."""
    half = len(kernel) // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half, half)
    padded = np.pad(values, pad, mode="edge")
    n = values.shape[axis]
    moved = (np.take(padded, range(k, k + n), axis=axis) * kernel[k] for k in range(len(kernel)))
    return np.asarray(sum(moved), np.float32)


def gaussian_kernel(sigma: float) -> FloatArray:
    """Weights that sum to one, three sigmas to each side."""
    reach = max(1, int(np.ceil(3 * sigma)))
    x = np.arange(-reach, reach + 1, dtype=np.float32)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum(), np.float32)
