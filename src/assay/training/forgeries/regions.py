"""Random regions of a picture, for edits: boxes, ellipses and blobs, on an object or away."""

from __future__ import annotations

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.forgery import Subject
from assay.types import Array, FloatArray

SMALLEST_PICTURE_PX = 96
SHAPES = ("box", "ellipse", "blob")
CANDIDATES = 12


def picture_of(subject: Subject | None) -> Array:
    """The picture (h, w, 3) uint8 of a subject. Raises InputError where there is none."""
    if subject is None:
        raise InputError("This forgery needs a picture.")
    rgb = np.ascontiguousarray(subject.rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise InputError("A picture to forge is (h, w, 3) uint8.")
    return rgb


def draw_region(
    rgb: Array, rng: np.random.Generator, sides: tuple[float, float], largest_px: int
) -> FloatArray:
    """A region, (h, w) float32 of 0 and 1, that touches no edge of the picture.

    `sides` bounds its width and height as shares of the picture's shorter side; neither exceeds
    `largest_px`. Of twelve random places it takes, with even odds, the one with most detail (on
    an object) or the one with least (background). Raises InputError below 96 px.
    """
    shorter = min(rgb.shape[:2])
    if shorter < SMALLEST_PICTURE_PX:
        raise InputError(f"An edit needs a picture of {SMALLEST_PICTURE_PX} px or more.")
    width, height = (min(largest_px, round(share * shorter)) for share in rng.uniform(*sides, 2))
    x, y = _place(rgb, rng, (width, height))
    region = np.zeros(rgb.shape[:2], np.float32)
    region[y : y + height, x : x + width] = _shape((width, height), rng)
    return region


def _place(rgb: Array, rng: np.random.Generator, size: tuple[int, int]) -> tuple[int, int]:
    """The left upper corner of the chosen place; 2 px or more from every edge."""
    import cv2

    detail = np.abs(cv2.Laplacian(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    sums = cv2.integral(detail)
    (width, height), (rows, columns) = size, rgb.shape[:2]
    xs = rng.integers(2, columns - width - 1, CANDIDATES)
    ys = rng.integers(2, rows - height - 1, CANDIDATES)
    energy = sums[ys + height, xs + width] - sums[ys, xs + width]
    energy = energy - sums[ys + height, xs] + sums[ys, xs]
    chosen = int(np.argmax(energy) if rng.random() < 0.5 else np.argmin(energy))
    return int(xs[chosen]), int(ys[chosen])


def _shape(size: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    import cv2

    (width, height), kind = size, str(rng.choice(SHAPES))
    shape = np.zeros((height, width), np.float32)
    if kind == "box":
        shape[:] = 1
        return shape
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radii = np.ones(len(angles))
    if kind == "blob":
        for waves in range(2, 6):
            phase = rng.uniform(0, 2 * np.pi)
            radii += rng.uniform(0, 0.5 / waves) * np.cos(waves * angles + phase)
        radii /= radii.max()
    half = np.array([width - 1, height - 1]) / 2
    outline = half + half * radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(shape, [np.rint(outline).astype(np.int32)], 1.0)
    return shape
