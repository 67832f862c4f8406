"""Pictures with detail everywhere, and copies of known place in them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from assay.types import Array


def scene(height: int = 420, width: int = 520, seed: int = 1) -> Array:
    """Blots of all sizes with noise on them: nothing is there twice."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for size, strength in ((4, 20), (12, 25), (40, 30)):
        small = random.normal(0, strength, (height // size + 2, width // size + 2, 3))
        layers = [Image.fromarray(small[..., c].astype(np.float32), mode="F") for c in range(3)]
        big = [one.resize((width, height), Image.Resampling.BICUBIC) for one in layers]
        total += np.stack([np.asarray(one) for one in big], axis=-1)
    noise = random.normal(0, 2, total.shape)
    return np.asarray(np.clip(total + noise + 128, 0, 255).astype(np.uint8))


def with_copy(rgb: Array, source: tuple[int, int], target: tuple[int, int], side: int) -> Array:
    """The square of `side` px at `source` (x, y) put at `target` (x, y) as well."""
    made = rgb.copy()
    (sx, sy), (tx, ty) = source, target
    made[ty : ty + side, tx : tx + side] = rgb[sy : sy + side, sx : sx + side]
    return made


def with_turned_copy(
    rgb: Array, source: tuple[int, int], target: tuple[int, int], radius: int, turn_deg: float
) -> Array:
    """The disc about `source` (x, y), turned clockwise and enlarged by 1.2, put about `target`."""
    turn = np.deg2rad(turn_deg)
    cos, sin = np.cos(turn) / 1.2, np.sin(turn) / 1.2
    (sx, sy), (tx, ty) = source, target
    places = (cos, sin, sx - cos * tx - sin * ty, -sin, cos, sy + sin * tx - cos * ty)
    height, width = rgb.shape[:2]
    picture = Image.fromarray(rgb)
    moved = picture.transform(
        (width, height), Image.Transform.AFFINE, places, Image.Resampling.BICUBIC
    )
    ys, xs = np.mgrid[:height, :width]
    inside = (xs - tx) ** 2 + (ys - ty) ** 2 < radius**2
    return np.asarray(np.where(inside[..., None], np.asarray(moved), rgb))


def resaved(rgb: Array, quality: int) -> Array:
    stored = io.BytesIO()
    Image.fromarray(rgb).save(stored, "JPEG", quality=quality)
    return np.asarray(Image.open(stored).convert("RGB"))


def windows(height: int = 420, width: int = 520) -> Array:
    """A front of equal windows, no whole number of pixels apart, each with its own noise."""
    random = np.random.default_rng(3)
    ys, xs = np.mgrid[:height, :width]
    across, down = (xs % 47.3) / 47.3, (ys % 61.7) / 61.7
    edges = np.tanh(20 * (np.abs(across - 0.5) - 0.3)) + np.tanh(20 * (np.abs(down - 0.5) - 0.3))
    grey = 128 + 40 * edges + 15 * np.sin(30 * across) * np.cos(25 * down)
    noisy = grey[..., None] + random.normal(0, 3, (height, width, 3))
    return np.asarray(np.clip(noisy, 0, 255).astype(np.uint8))
