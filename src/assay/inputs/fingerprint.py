"""The pattern that one sensor leaves in each of its pictures, and whether a picture carries it.

The pixels of a sensor differ by about a hundredth in their answer to light (photo-response
non-uniformity). Estimate and test after Chen, Fridrich, Goljan and Lukas, "Determining image
origin and integrity using sensor noise" (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.sensor_noise import noise_of, without_lines, without_peaks
from assay.types import FloatArray

Flags = NDArray[np.bool_]
SATURATED = 250.0
AROUND_PEAK = 5
"""Correlations so near to the peak are left out of the energy."""
LEAST_WINDOW_PX = 128


@dataclass(frozen=True, slots=True, eq=False)
class SensorSums:
    """What pictures of one size add up to: `weighed` of noise times light, `light` of its square.

    Both (h, w) float32, light in [0, 1]. Their quotient is the maximum-likelihood estimate.
    """

    weighed: FloatArray
    light: FloatArray
    n: int

    def with_one(self, one: SensorSums) -> SensorSums:
        """Both together."""
        return SensorSums(self.weighed + one.weighed, self.light + one.light, self.n + one.n)

    def without_one(self, one: SensorSums) -> SensorSums:
        """These less one of them."""
        return SensorSums(self.weighed - one.weighed, self.light - one.light, self.n - one.n)

    def pattern(self) -> FloatArray:
        """The estimate (h, w), cleaned of what all cameras of a kind share."""
        light = np.maximum(self.light, np.float32(0.01))
        estimate = (self.weighed / light).astype(np.float32, copy=False)
        return without_peaks(without_lines(estimate))


@dataclass(frozen=True, slots=True)
class Residue:
    """What one picture leaves: its `noise` and its `light` in [0, 1], both (h, w) float32.

    Saturated pixels carry no noise of the sensor: their light is 0, and they weigh nothing.
    """

    noise: FloatArray
    light: FloatArray

    @property
    def weighed(self) -> FloatArray:
        """Noise times light: what is correlated with a pattern."""
        return self.noise * self.light

    def sums(self) -> SensorSums:
        """What this picture adds to an estimate."""
        return SensorSums(self.weighed, self.light * self.light, 1)


def residue_of(luma: FloatArray, check: Callable[[], None] = lambda: None) -> Residue:
    """Noise and light of one picture `luma` (h, w) in [0, 255]; `check` may raise to stop it."""
    noise = without_lines(noise_of(luma, check))
    light: FloatArray = luma / np.float32(255)
    light[luma > SATURATED] = 0
    return Residue(noise, light)


@dataclass(frozen=True, slots=True)
class Match:
    """How a picture correlates with a pattern where it correlates most.

    `pce` is the peak-to-correlation energy with the peak's sign, `shift_px` (x, y) the place of
    the picture's corner in the pattern, `searched` over how many places the peak was sought.
    """

    pce: float
    shift_px: tuple[int, int]
    searched: int


def match(signal: FloatArray, pattern: FloatArray, everywhere: bool = False) -> Match:
    """Where `signal` (noise times light) lies on `pattern`, not larger than it in either side.

    Of the same size only the place itself is tested, unless `everywhere` is asked for.
    """
    height, width = pattern.shape
    spectrum = np.conj(np.fft.rfft2(without_lines(signal), s=(height, width)))
    spectrum *= np.fft.rfft2(pattern)
    found: FloatArray = np.fft.irfft2(spectrum, s=(height, width)).astype(np.float32, copy=False)
    if everywhere or signal.shape != pattern.shape:
        free = (height - signal.shape[0] + 1, width - signal.shape[1] + 1)
        searched = found[: free[0], : free[1]]
        y, x = (int(at) for at in np.unravel_index(int(searched.argmax()), searched.shape))
    else:
        searched, y, x = found[:1, :1], 0, 0
    return Match(_peak_energy(found, y, x), (x, y), int(searched.size))


def _peak_energy(found: FloatArray, y: int, x: int) -> float:
    """The squared correlation at a place over the mean square of those further away, signed."""
    peak = float(found[y, x])
    near = np.ix_(
        np.arange(y - AROUND_PEAK, y + AROUND_PEAK + 1) % found.shape[0],
        np.arange(x - AROUND_PEAK, x + AROUND_PEAK + 1) % found.shape[1],
    )
    flat = found.ravel().astype(np.float64)
    left = found[near].astype(np.float64)
    n = max(1, found.size - left.size)
    energy = max(0.0, float(flat @ flat) - float((left * left).sum())) / n
    return float(np.sign(peak) * peak * peak / energy) if energy > 0 else 0.0


@dataclass(frozen=True, slots=True)
class LocalMatch:
    """How much of the pattern is there in each window, on a grid of one window every `step_px`.

    `found` (rows, columns) is the correlation in standard deviations of pure chance, `expected`
    what this picture's own strength of the pattern predicts there.
    """

    found: FloatArray
    expected: FloatArray
    window_px: int
    step_px: int


def window_px(height: int, width: int) -> int:
    """How wide a window is: 128 px, of large pictures more."""
    return LEAST_WINDOW_PX if height * width <= 4_000_000 else 2 * LEAST_WINDOW_PX


def local_match(residue: Residue, pattern: FloatArray) -> LocalMatch:
    """Correlate windows of a picture with `pattern` (h, w) of the same size, in its place.

    If noise = strength x light x pattern + the rest, the sum of products in a window is the energy
    of (light x pattern) times the strength, with a spread of the noise's own. The strength is the
    median over the windows.
    """
    noise = residue.noise
    side = window_px(*noise.shape)
    step = side // 4
    model = residue.light * pattern
    products = _window_sums(noise * model, side, step)
    energy = _window_sums(model * model, side, step)
    spread = np.sqrt(_window_sums(noise * noise, side, step) / side**2)
    scale = np.sqrt(np.maximum(energy, 1e-12)) * np.maximum(spread, 1e-6)
    strength = float(np.median(products / np.maximum(energy, 1e-12)))
    found: FloatArray = (products / scale).astype(np.float32)
    held = scale * np.maximum(1, np.median(spread) / np.maximum(spread, 1e-6))
    expected: FloatArray = (max(0.0, strength) * energy / held).astype(np.float32)
    return LocalMatch(found, expected, side, step)


def _window_sums(values: FloatArray, side: int, step: int) -> NDArray[np.float64]:
    """Sums over windows of `side`, one every `step` (a divisor of it)."""
    rows, columns = values.shape[0] // step, values.shape[1] // step
    part = values[: rows * step, : columns * step].reshape(rows, step, columns, step)
    cells = part.sum(axis=(1, 3), dtype=np.float64)
    for axis in (0, 1):
        n = cells.shape[axis] - side // step + 1
        pieces = [cells.take(np.arange(at, at + n), axis=axis) for at in range(side // step)]
        cells = np.add.reduce(pieces)
    return cells
