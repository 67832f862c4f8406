"""Pictures of simulated sensors: known patterns multiplied into different scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 384, 512


def sensor(seed: int, strength: float = 0.02) -> np.ndarray:
    """How each pixel answers beside the others: (384, 512)."""
    return np.random.default_rng(seed).normal(0, strength, (HEIGHT, WIDTH))


def shot(pattern: np.ndarray, scene: int) -> np.ndarray:
    """One scene through one sensor, with shot noise: (384, 512, 3) uint8."""
    rng = np.random.default_rng(1000 + scene)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    a, b, c, d = rng.uniform(30, 90, 4)
    light = 120 + 45 * np.sin(x / a + c) + 35 * np.cos(y / b + d)
    for _ in range(4):
        left, top = rng.integers(0, WIDTH - 60), rng.integers(0, HEIGHT - 60)
        light[top : top + 60, left : left + 60] += rng.uniform(-40, 40)
    seen = np.stack([light, light * 0.9 + 9, light * 0.8 + 20], axis=-1) * (1 + pattern[..., None])
    seen += rng.normal(0, 1, seen.shape) * np.sqrt(0.1 * np.maximum(seen, 0))
    return np.round(seen).clip(0, 255).astype(np.uint8)


def saved(rgb: np.ndarray, path: Path, quality: int = 92) -> Path:
    """The picture as a JPEG file."""
    Image.fromarray(rgb).save(path, quality=quality)
    return path


def folder_of(pattern: np.ndarray, folder: Path, n: int = 6) -> Path:
    """A folder with `n` pictures of one camera."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in range(n):
        saved(shot(pattern, scene), folder / f"{scene}.jpg")
    return folder
