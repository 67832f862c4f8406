"""The single cycles of a voice: how far length and height differ from one to the next.

A cycle begins where it is most like the one before (cross-correlation, as in Boersma's Praat).
Jitter and shimmer leave out neighbours that differ too much to belong to one voiced stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.pitch import Pitch
from assay.types import FloatArray

Numbers = NDArray[Any]

MIN_FRAMES = 5
MAX_PERIOD_RATIO = 1.3
MAX_HEIGHT_RATIO = 1.6
MIN_CYCLES = 20
# Rounding to 16 bits alone leaves no more than about this likeness.
MAX_LIKENESS = 1 - 1e-5


@dataclass(frozen=True, slots=True)
class Cycles:
    """The cycles of all voiced stretches: lengths (s), heights (peak to peak), likeness of each
    to the one before (-1 to 1), and the number of the stretch it belongs to; all (n,)."""

    lengths_s: Numbers
    heights: Numbers
    likeness: Numbers
    stretch: Numbers

    def __len__(self) -> int:
        return len(self.lengths_s)


def voiced_stretches(f0_hz: FloatArray, least: int = MIN_FRAMES) -> list[tuple[int, int]]:
    """First and one past last frame of each unbroken voiced stretch of at least `least` frames."""
    voiced = np.concatenate([[False], np.isfinite(f0_hz), [False]])
    edges = np.flatnonzero(np.diff(voiced.astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(a, b) for a, b in pairs if b - a >= least]


def find_cycles(samples: FloatArray, rate_hz: int, pitch: Pitch) -> Cycles:
    """The cycles of `samples` (n,) along the pitch that was tracked in them."""
    x = np.asarray(samples, np.float64)
    x = x - (x.mean() if len(x) else 0.0)
    energy = np.concatenate([[0.0], np.cumsum(x * x)])
    rows: list[tuple[float, float, float, int]] = []
    for n, (first, last) in enumerate(voiced_stretches(pitch.f0_hz)):
        period = rate_hz / np.asarray(pitch.f0_hz[first:last], np.float64)
        at = np.asarray(pitch.times_s[first:last], np.float64) * rate_hz
        rows += [(*cycle, n) for cycle in _stretch(x, energy, at, period)]
    lengths, heights, likeness, stretch = np.array(rows, np.float64).reshape(-1, 4).T
    return Cycles(lengths / rate_hz, heights, likeness, stretch.astype(np.intp))


def _stretch(
    x: Numbers, energy: Numbers, at: Numbers, period: Numbers
) -> list[tuple[float, float, float]]:
    """Length (samples), height and likeness of each cycle, from one to the next."""
    found: list[tuple[float, float, float]] = []
    half = int(period[0] / 2) + 1
    start = max(int(at[0]), 2 * half)
    if start + half >= len(x):
        return found
    here = start - half + int(np.argmax(np.abs(x[start - half : start + half])))
    while True:
        expected = float(np.interp(here, at, period))
        step = _step(x, energy, here, expected)
        if step is None or here + step[0] > at[-1]:
            return found
        length, likeness = step
        half = int(expected / 2)
        here += round(length)
        cycle = x[max(0, here - half) : here + half + 1]
        found.append((length, float(cycle.max() - cycle.min()), likeness))


def _step(x: Numbers, energy: Numbers, here: int, period: float) -> tuple[float, float] | None:
    """How far on the next cycle lies (samples, to a fraction) and how like this one it is."""
    half = int(period / 2)
    shortest, longest = int(0.8 * period), int(1.25 * period) + 2
    a, b = here - half, here + half + 1
    if a < 0 or b + longest >= len(x):
        return None
    own = energy[b] - energy[a]
    product = np.correlate(x[a + shortest : b + longest], x[a:b], "valid")
    lags = np.arange(shortest, shortest + len(product))
    other = energy[b + lags] - energy[a + lags]
    scale = np.sqrt(np.maximum(own * other, 0))
    likeness = np.where(scale > 1e-12, product / np.maximum(scale, 1e-12), 0.0)
    best = int(likeness.argmax())
    if likeness[best] <= 0:
        return None
    offset, most = 0.0, float(likeness[best])
    if 0 < best < len(likeness) - 1:
        left, mid, right = likeness[best - 1 : best + 2]
        curve = left - 2 * mid + right
        offset = float(np.clip(0.5 * (left - right) / curve, -1, 1)) if curve < -1e-15 else 0.0
        # Between two samples cycles are more alike than at either.
        most = float(mid - 0.25 * (left - right) * offset)
    return float(lags[best] + offset), min(most, 1.0)


def jitter(cycles: Cycles) -> float:
    """Mean difference of neighbouring lengths over the mean length; NaN with too few cycles."""
    pairs = _neighbours(cycles, 2)
    lengths = cycles.lengths_s[pairs]
    return _share(np.abs(np.diff(lengths, axis=1))[:, 0], lengths)


def jitter_of_three(cycles: Cycles) -> float:
    """Relative average perturbation: a length against the mean of it and both neighbours."""
    lengths = cycles.lengths_s[_neighbours(cycles, 3)]
    return _share(np.abs(lengths[:, 1] - lengths.mean(axis=1)), lengths)


def shimmer(cycles: Cycles) -> float:
    """Mean difference of neighbouring heights over the mean height; NaN with too few cycles."""
    heights = cycles.heights[_neighbours(cycles, 2)]
    return _share(np.abs(np.diff(heights, axis=1))[:, 0], heights)


def harmonics_to_noise_db(cycles: Cycles) -> Numbers:
    """Per cycle (n,): what repeats against what does not (dB), from its likeness to the last."""
    r = np.clip(cycles.likeness, 1e-3, MAX_LIKENESS)
    return np.asarray(10 * np.log10(r / (1 - r)))


def _neighbours(cycles: Cycles, n: int) -> Numbers:
    """Places (m, n) of n cycles in a row within one stretch, none much unlike the next."""
    if len(cycles) < n:
        return np.zeros((0, n), np.intp)
    places = np.arange(len(cycles) - n + 1)[:, None] + np.arange(n)
    ok = cycles.stretch[places[:, 0]] == cycles.stretch[places[:, -1]]
    for values, most in (
        (cycles.lengths_s, MAX_PERIOD_RATIO),
        (cycles.heights, MAX_HEIGHT_RATIO),
    ):
        chosen = np.maximum(values[places], 1e-12)
        ok &= (np.maximum(chosen[:, 1:] / chosen[:, :-1], chosen[:, :-1] / chosen[:, 1:])).max(
            axis=1
        ) <= most
    return np.asarray(places[ok], np.intp)


def _share(differences: Numbers, values: Numbers) -> float:
    if len(differences) < MIN_CYCLES:
        return float("nan")
    return float(differences.mean() / max(float(values.mean()), 1e-12))
