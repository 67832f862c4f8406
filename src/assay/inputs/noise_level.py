"""How much a picture's finest grain varies, block by block, against what its brightness predicts.

The noise of a sensor rises with the light (shot noise) and then goes through the camera's tone
curve, so that smooth blocks of one brightness carry one level of noise in one picture. Textured
blocks are left out: their detail reaches into the finest band and looks like noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

BLOCK_PX = 32
DARK, BRIGHT = 12.0, 243.0
MOST_CLIPPED = 0.02
TO_SIGMA = 1.4826
"""The standard deviation of a Gaussian in median absolute deviations."""
MEAN_TO_SIGMA = 1.2533
CAPPED = 3.0
LEAST_SIGMA = 0.25
"""Whole grey levels alone leave this much: what lies below was smoothed away."""
COARSE_RATIO, SLOPE_RATIO = 1.5, 1.5
LEAST_SMOOTH = 20
FIT_ROUNDS = 8
SPARSE_PX = 3_000_000
"""From here on every other line of 2 x 2 squares is read: there are enough of them."""


@dataclass(frozen=True, slots=True)
class NoiseLevels:
    """One value a block of 32 px, each (rows, columns), blocks from the upper left.

    `sigma` is the standard deviation of the finest diagonal detail in grey levels, `brightness`
    the mean, `smooth` where neither too dark, too bright, clipped, smoothed away nor textured,
    `deviation` log2 of `sigma` over what the picture's own curve predicts (0 where not smooth, and
    everywhere where fewer than 20 blocks are).
    """

    sigma: FloatArray
    brightness: FloatArray
    smooth: NDArray[np.bool_]
    deviation: FloatArray

    @property
    def enough(self) -> bool:
        """Whether there are smooth blocks enough for a curve."""
        return int(self.smooth.sum()) >= LEAST_SMOOTH


def noise_levels(luma: FloatArray) -> NoiseLevels:
    """The noise of each whole block of 32 px of `luma` (h, w) in [0, 255].

    The finest diagonal band of a Haar transform, in which edges are few (Donoho and Johnstone
    1994), and the mean of its magnitudes, each capped at three standard deviations that the median
    tells: the median alone knows only steps where the values are whole grey levels.
    """
    rows, columns = luma.shape[0] // BLOCK_PX, luma.shape[1] // BLOCK_PX
    if not rows or not columns:
        none = np.zeros((rows, columns), np.float32)
        return NoiseLevels(none, none, none.astype(bool), none)
    part = luma[: rows * BLOCK_PX, : columns * BLOCK_PX]
    every = 2 if luma.size < SPARSE_PX else 4
    a, b = part[::every, ::2], part[::every, 1::2]
    c, d = part[1::every, ::2], part[1::every, 1::2]
    grid = (rows, columns)
    finest: FloatArray = np.abs(a - b - c + d) / np.float32(2)
    sigma = _spread(_blocks(finest, grid))
    mean: FloatArray = (a + b + c + d) / np.float32(4)
    blocks = _blocks(mean, grid)
    clipped = ((blocks < DARK / 2) | (blocks > 252)).mean(axis=-1)
    brightness = blocks.mean(axis=-1)
    usable = (clipped <= MOST_CLIPPED) & (brightness >= DARK) & (brightness <= BRIGHT)
    usable &= sigma >= LEAST_SIGMA
    smooth = usable & _little_texture(mean, grid, sigma, usable)
    return NoiseLevels(sigma, brightness, smooth, _deviation(sigma, brightness, smooth))


def _spread(magnitudes: FloatArray) -> FloatArray:
    """The standard deviation behind the last axis, with large values capped."""
    most = CAPPED * np.maximum(TO_SIGMA * np.median(magnitudes, axis=-1, keepdims=True), 0.5)
    mean: FloatArray = np.minimum(magnitudes, most).mean(axis=-1, dtype=np.float32)
    return mean * np.float32(MEAN_TO_SIGMA)


def _blocks(values: FloatArray, grid: tuple[int, int]) -> FloatArray:
    """(h, w) as (rows, columns, what lies in each)."""
    rows, columns = grid
    height, width = values.shape[0] // rows, values.shape[1] // columns
    cut = values.reshape(rows, height, columns, width).swapaxes(1, 2)
    return cut.reshape(rows, columns, height * width)


def _little_texture(
    mean: FloatArray, grid: tuple[int, int], sigma: FloatArray, usable: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Where coarser detail is no more than noise makes it.

    `mean` (h / 2, w / 2). Twice: the next coarser diagonal detail beside the finest (of white
    noise it is a half; demosaicing and compression raise it in all blocks alike), and the slopes.
    """
    if not usable.any():
        return usable
    diagonal = np.zeros_like(mean)
    diagonal[:-1, :-1] = np.abs(mean[:-1, :-1] - mean[:-1, 1:] - mean[1:, :-1] + mean[1:, 1:]) / 2
    coarse = _spread(_blocks(diagonal, grid))
    ratio = coarse / np.maximum(sigma, LEAST_SIGMA)
    height, width = mean.shape[0] // 2, mean.shape[1] // 2
    quarters = mean[: height * 2, : width * 2].reshape(height, 2, width, 2).mean(axis=(1, 3))
    slope = np.median(_blocks(np.hypot(*np.gradient(quarters)), grid), axis=-1)
    usual = float(np.quantile(ratio[usable], 0.25))
    little: NDArray[np.bool_] = ratio <= COARSE_RATIO * usual
    return little & (slope <= SLOPE_RATIO * np.maximum(sigma, 0.5))


def _deviation(sigma: FloatArray, brightness: FloatArray, smooth: NDArray[np.bool_]) -> FloatArray:
    """log2 of the noise over that of the smooth blocks of like brightness."""
    deviation = np.zeros(sigma.shape, np.float32)
    if smooth.sum() < LEAST_SMOOTH:
        return deviation
    light: FloatArray = brightness[smooth] / np.float32(255)
    deviation[smooth] = _from_a_line(light, np.log2(sigma[smooth]))
    return deviation


def _from_a_line(light: FloatArray, level: FloatArray) -> FloatArray:
    """How far each point (n,) lies above the line with the least absolute deviations.

    A line, not a curve: a curve would follow a foreign region that has its own brightness.
    """
    given = np.stack([np.ones_like(light), light - light.mean()], axis=1).astype(np.float64)
    held = np.diag([1e-9, 5e-4 * len(light)])  # one brightness alone gives no slope
    weights = np.ones(len(light))
    left = np.zeros(len(light), np.float64)
    for _ in range(FIT_ROUNDS):
        weighed = given * weights[:, None]
        line = np.linalg.solve(given.T @ weighed + held, weighed.T @ level.astype(np.float64))
        left = level.astype(np.float64) - given @ line
        weights = 1 / np.maximum(np.abs(left), 0.1)
    result: FloatArray = left.astype(np.float32)
    return result
