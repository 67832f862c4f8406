"""Write the marks that the tests look for: the published scheme by its description, and stamps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.inputs.corner_marks import SQUARES, sparkle_template

STEP = 36.0


def scene(side_px: int = 384, seed: int = 4) -> np.ndarray:
    """(side, side, 3) uint8: a coloured scene of slopes, edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side_px, :side_px].astype(np.float64)
    shades = [
        110 + 50 * np.sin(x / a) * np.cos(y / b) + 30 * (x * c + y > side_px)
        for a, b, c in ((61, 45, 0.4), (83, 38, 1.1), (47, 71, 0.7))
    ]
    noisy = np.stack(shades, axis=-1) + rng.normal(0, 2.5, (side_px, side_px, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def with_message(rgb: np.ndarray, bits: Sequence[int], floats: bool = False) -> np.ndarray:
    """The picture with the bits in the coarse wavelet part of its blue difference, dwtDct."""
    picture = rgb.astype(np.float64)
    luma = picture @ np.array([0.299, 0.587, 0.114])
    plane = (picture[..., 2] - luma) * 0.492 + (0.5 if floats else 128.0)
    height, width = (size // 8 * 8 for size in plane.shape)
    part = plane[:height, :width]
    coarse = (part[0::2, 0::2] + part[1::2, 0::2] + part[0::2, 1::2] + part[1::2, 1::2]) / 2
    moved = coarse.copy()
    columns = width // 8
    for k in range((height // 8) * columns):
        y, x = k // columns * 4, k % columns * 4
        block = moved[y : y + 4, x : x + 4]
        largest = int(np.abs(block.ravel()[1:]).argmax()) + 1
        value = block.flat[largest]
        place = (abs(value) // STEP + 0.25 + 0.5 * bits[k % len(bits)]) * STEP
        block.flat[largest] = place if value >= 0 else -place
    change = np.zeros_like(plane)
    change[:height, :width] = ((moved - coarse) / 2).repeat(2, axis=0).repeat(2, axis=1)
    # Brightness and the red difference stay; blue and green follow the blue difference.
    picture[..., 2] += change / 0.492
    picture[..., 1] -= change / 0.492 * 0.114 / 0.587
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def with_sparkle(rgb: np.ndarray, size_px: int = 48, share: float = 0.5) -> np.ndarray:
    """The picture with a half-transparent white sparkle where Gemini puts it."""
    from PIL import Image

    rim = 6
    drawn = Image.fromarray(sparkle_template()[rim:-rim, rim:-rim])
    alpha = share * np.asarray(drawn.resize((size_px, size_px), Image.Resampling.BILINEAR))
    margin = size_px * 2 // 3
    marked = rgb.astype(np.float64)
    height, width = rgb.shape[:2]
    place = (
        slice(height - margin - size_px, height - margin),
        slice(width - margin - size_px, width - margin),
    )
    marked[place] = marked[place] * (1 - alpha[..., None]) + 255 * alpha[..., None]
    return np.rint(marked).astype(np.uint8)


def with_squares(rgb: np.ndarray, side_px: int = 16) -> np.ndarray:
    """The picture with the five coloured squares flush in the lower right corner."""
    marked, width = rgb.copy(), rgb.shape[1]
    for index, colour in enumerate(SQUARES):
        left = width - (5 - index) * side_px
        marked[-side_px:, left : left + side_px] = colour
    return marked
