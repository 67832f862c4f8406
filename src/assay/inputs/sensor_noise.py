"""What a denoiser takes out of a picture: noise, and in it the pattern of the sensor.

The wavelet filter of Mihcak, Kozintsev and Ramchandran (1999), as Lukas, Fridrich and Goljan
(2006) use it: of each detail of a Daubechies transform the part that the local variance does not
explain. Only the noise is put together again, so that nothing is subtracted twice.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assay.types import FloatArray

LEVELS = 4
NOISE_SIGMA = 3.0
"""Grey levels of brightness; the papers take 2 to 5."""
WINDOWS = (3, 5, 7, 9)
LOW = np.array(
    [
        0.23037781330885523,
        0.7148465705525415,
        0.6308807679295904,
        -0.02798376941698385,
        -0.18703481171888114,
        0.030841381835986965,
        0.032883011666982945,
        -0.010597401784997278,
    ],
    np.float32,
)
"""The eight taps of Daubechies' scaling filter with four vanishing moments (Daubechies 1988)."""
HIGH = LOW[::-1] * np.array([1, -1] * 4, np.float32)


def noise_of(luma: FloatArray, check: Callable[[], None] = lambda: None) -> FloatArray:
    """The noise (h, w) of `luma` (h, w) in [0, 255], 32 px or more; sides are mirrored on.

    `check` is called between the steps and may raise to stop it.
    """
    height, width = luma.shape
    step = 2**LEVELS
    room = ((step, step + -height % step), (step, step + -width % step))
    carried = np.pad(luma, room, mode="symmetric")
    noise = _noise_in(carried, LEVELS, check)
    return np.ascontiguousarray(noise[step : step + height, step : step + width])


def _noise_in(values: FloatArray, levels: int, check: Callable[[], None]) -> FloatArray:
    """Noise of the details of this level and, below it, of the coarser ones."""
    check()
    low, high = split(values)
    low_low, low_high = (part.T for part in split(np.ascontiguousarray(low.T)))
    high_low, high_high = (part.T for part in split(np.ascontiguousarray(high.T)))
    del low, high
    if levels > 1:
        coarse = _noise_in(np.ascontiguousarray(low_low), levels - 1, check)
    else:
        coarse = np.zeros_like(low_low)
    kept = [unexplained(np.ascontiguousarray(part)) for part in (low_high, high_low, high_high)]
    low = joined(np.ascontiguousarray(coarse.T), np.ascontiguousarray(kept[0].T)).T
    high = joined(np.ascontiguousarray(kept[1].T), np.ascontiguousarray(kept[2].T)).T
    return joined(np.ascontiguousarray(low), np.ascontiguousarray(high))


def split(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The coarse and the fine half of each row: (h, w / 2) each; rows go round."""
    half = values.shape[1] // 2
    taps = len(LOW) // 2
    even, odd = (np.concatenate([part, part[:, :taps]], axis=1) for part in _phases(values))
    low, high = np.zeros((2, values.shape[0], half), np.float32)
    for tap in range(taps):
        first, second = even[:, tap : tap + half], odd[:, tap : tap + half]
        low += LOW[2 * tap] * first + LOW[2 * tap + 1] * second
        high += HIGH[2 * tap] * first + HIGH[2 * tap + 1] * second
    return low, high


def _phases(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return values[:, ::2], values[:, 1::2]


def joined(low: FloatArray, high: FloatArray) -> FloatArray:
    """The rows whose halves these are: (h, 2 w), the inverse of `split`."""
    height, half = low.shape
    taps = len(LOW) // 2
    around = [np.concatenate([part[:, half - taps :], part], axis=1) for part in (low, high)]
    whole = np.zeros((height, 2 * half), np.float32)
    for tap in range(taps):
        coarse, fine = (part[:, taps - tap : taps - tap + half] for part in around)
        whole[:, ::2] += LOW[2 * tap] * coarse + HIGH[2 * tap] * fine
        whole[:, 1::2] += LOW[2 * tap + 1] * coarse + HIGH[2 * tap + 1] * fine
    return whole


def unexplained(values: FloatArray, sigma: float = NOISE_SIGMA) -> FloatArray:
    """The part of `values` (h, w) that noise of `sigma` explains, by the least local variance."""
    variance = least_variance(values, sigma)
    kept: FloatArray = values * (np.float32(sigma**2) / (variance + np.float32(sigma**2)))
    return kept


def least_variance(values: FloatArray, sigma: float) -> FloatArray:
    """The variance about each value beyond that of the noise, the least of four windows."""
    most = max(WINDOWS) // 2
    squares = np.pad(
        values * values, most, mode="symmetric" if min(values.shape) > most else "edge"
    )
    height, width = values.shape
    least = np.full(values.shape, np.inf, np.float32)
    rows = squares[:, most : most + width].copy()
    for window in range(1, most + 1):
        rows += squares[:, most - window : most - window + width]
        rows += squares[:, most + window : most + window + width]
        summed = rows[most - window : most - window + height].copy()
        for down in range(1, 2 * window + 1):
            summed += rows[most - window + down : most - window + down + height]
        np.minimum(least, summed / np.float32((2 * window + 1) ** 2), out=least)
    least -= np.float32(sigma**2)
    return np.maximum(least, 0, out=least)


def without_lines(values: FloatArray) -> FloatArray:
    """Zero mean in every row and column: what all cameras of a kind share is mostly in these."""
    even = values - values.mean(axis=0, keepdims=True, dtype=np.float32)
    even -= even.mean(axis=1, keepdims=True, dtype=np.float32)
    return even


def without_peaks(values: FloatArray) -> FloatArray:
    """Without what stands out in the spectrum: grids of JPEG and of the colour filter.

    The magnitudes of the Fourier transform are replaced by their noise (Chen et al. 2008).
    """
    spectrum = np.fft.rfft2(values)
    size = np.abs(spectrum)
    scale = np.float32(1 / np.sqrt(values.size))
    sigma = float(values.std()) + 1e-12
    magnitudes: FloatArray = (size * scale).astype(np.float32, copy=False)
    noise = (unexplained(magnitudes, sigma) / scale).astype(np.float32, copy=False)
    spectrum *= noise / np.maximum(size, np.float32(1e-12))
    return np.fft.irfft2(spectrum, s=values.shape).astype(np.float32, copy=False)
