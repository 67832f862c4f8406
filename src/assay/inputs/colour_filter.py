"""The mosaic of a sensor: of each two by two pixels two were seen in green and two were made up.

Made-up pixels are foretold by their neighbours better than seen ones, so the errors of a predictor
are larger on one diagonal of the mosaic than on the other; the ratio, in squares, says whether a
mosaic is there and which diagonal was seen (Ferrara, Bianchi, De Rosa and Piva, IEEE TIFS 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.copied_regions import blurred
from assay.types import Array, FloatArray

BLOCK_PX = 16
MAX_PX = 2_000_000
REACH, LEAST_TOLD = 2, 12
LEAST_ERROR = 0.05
"""Mean square of errors under which a square is flat or saturated and tells nothing."""


@dataclass(frozen=True, slots=True)
class Mosaic:
    """`balance` (h, w) per square of 16 px: log error on one diagonal over that on the other.

    Positive where pixels with an even sum of places were seen in green, NaN where a square tells
    nothing. `mean` and `noise` are its mean and the standard error of that mean.
    """

    balance: FloatArray
    mean: float
    noise: float

    @property
    def strength(self) -> float:
        """How many standard errors the mean lies from none."""
        return abs(self.mean) / self.noise if self.noise > 0 else 0.0


def read_mosaic(rgb: Array) -> Mosaic | None:
    """The balance of the green channel of a part (h, w, 3) uint8; None where hardly any tells."""
    green = rgb[..., 1].astype(np.float32)
    errors = _errors(green)
    height, width = (size // BLOCK_PX * BLOCK_PX for size in errors.shape)
    if min(height, width) < 4 * BLOCK_PX:
        return None
    errors = errors[:height, :width]
    even = _parity(height, width)
    one, other = (_square_means(errors * which) for which in (even, 1 - even))
    told = np.asarray(one + other > LEAST_ERROR) & ~_clipped(green[:height, :width])
    if told.sum() < 30:
        return None
    balance = np.full(one.shape, np.nan, np.float32)
    balance[told] = np.log((one[told] + 0.01) / (other[told] + 0.01))
    found = balance[told].astype(np.float64)
    return Mosaic(balance, float(found.mean()), float(found.std() / np.sqrt(found.size)))


def _errors(green: FloatArray) -> FloatArray:
    """Squares of what the four neighbours' mean misses by; their share of edges levelled out."""
    rest = np.zeros_like(green)
    sides = green[:-2, 1:-1] + green[2:, 1:-1] + green[1:-1, :-2] + green[1:-1, 2:]
    rest[1:-1, 1:-1] = green[1:-1, 1:-1] - sides / 4
    squared = rest * rest
    # One edge must not decide a square: errors count against those around them.
    return np.asarray(np.minimum(squared, 4 * blurred(squared, 7) + np.float32(0.01)), np.float32)


def _parity(height: int, width: int) -> FloatArray:
    """1 where the sum of row and column is even, else 0."""
    sums = np.arange(height)[:, None] + np.arange(width)
    return np.asarray(1 - sums % 2, np.float32)


def _square_means(values: FloatArray) -> FloatArray:
    height, width = values.shape
    cut = values.reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX)
    return np.asarray(cut.mean(axis=1).mean(axis=-1), np.float32)


def _clipped(green: FloatArray) -> NDArray[np.bool_]:
    """Where a tenth of a square is black or white."""
    clipped = ((green < 2) | (green > 253)).astype(np.float32)
    return np.asarray(_square_means(clipped) > 0.1)


@dataclass(frozen=True, slots=True)
class Places:
    """Per square of 16 px: `share` (h, w) of the picture's own mosaic found about it, and `gap`.

    A share of 1 is the same mosaic, 0 none, below 0 one shifted by a pixel. `gap` says in standard
    errors how far that lies below the picture's; both are NaN where too little tells.
    """

    share: FloatArray
    gap: FloatArray


def places_of(mosaic: Mosaic) -> Places:
    """Where the mosaic is missing or shifted, in overlapping fields of 80 px."""
    told = np.isfinite(mosaic.balance)
    size = 2 * REACH + 1
    n = blurred(told.astype(np.float32), size) * size**2
    total = blurred(np.where(told, mosaic.balance, 0).astype(np.float32), size) * size**2
    usual = float(np.median(mosaic.balance[told]))
    spread = 1.4826 * float(np.median(np.abs(mosaic.balance[told] - usual))) + 1e-3
    share = np.where(n > LEAST_TOLD - 0.5, total / np.maximum(n, 1) / usual, np.nan)
    gap = (1 - share) * abs(usual) / (spread / np.sqrt(np.maximum(n, 1)))
    return Places(np.asarray(share, np.float32), np.asarray(gap, np.float32))
