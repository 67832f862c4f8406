"""The mean spectrum of a sound at its own rate: where its band ends, lines that stand still.

Lines at even distances are what up-sampling by transposed convolution leaves (Odena et al., 2016;
Pons et al., ICASSP 2021; Afchar et al., arXiv 2506.19108); a band that ends below half the rate
is what a codec, a telephone or a generator at a lower rate leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assay.types import FloatArray

Numbers = NDArray[Any]

RESOLUTION_HZ = 12.0
MAX_FRAMES = 1500
LOUDEST = 16.0  # beyond this a sample is no sound
BAND_HZ = 100.0
# Content ends where the level has fallen this far below its highest (dB) or to the floor.
DEEPEST_DB = 80.0
ABOVE_FLOOR_DB = 10.0
WHOLE_BAND = 0.93
EDGE_WIDTH_HZ = 500.0
SHARP_DB = 20.0
# Half a quantisation step of 16 bits: below it there is no sound.
DIGITAL_ZERO = 2.0**-16
ZERO_STRETCH_S = 0.01

# Where lines are looked for: below lie the harmonics of the voice.
LINES_HZ = (2000.0, 7200.0)
LINE_NEIGHBOURS_HZ = 160.0
GENERATOR_RATES_HZ = (16000, 22050, 24000)
FACTORS = (4, 8, 16, 32, 64, 128, 256, 5, 10, 20, 40, 75, 150, 300, 320)
MIN_LINES = 2
PEAK_DB = 4.0
MAX_PEAKS = 40


@dataclass(frozen=True, slots=True)
class MeanSpectrum:
    """Frequencies (Hz) and mean levels (dB, mean of logarithms) of (k,) bins of one width."""

    frequencies_hz: Numbers
    level_db: Numbers
    n_frames: int


@dataclass(frozen=True, slots=True)
class BandEdge:
    """Where the content ends, how far the level falls there within 500 Hz, and whether that is a
    cut rather than a fading; `edge_hz` is half the rate where the whole band is filled."""

    edge_hz: float
    drop_db: float
    sharp: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Even lines: `strength` is how far (standard errors) the best spacing's bins stand out of
    their neighbours; `peaks_hz` are single lines above 4 dB, strongest first."""

    strength: float
    spacing_hz: float | None
    peaks_hz: tuple[float, ...]


def mean_spectrum(stretches: Sequence[FloatArray], rate_hz: int) -> MeanSpectrum | None:
    """The mean spectrum over these stretches (n,) of one sound; None where none holds a frame.

    At most 1,500 frames, evenly spread, are read.
    """
    n = 1 << max(6, round(np.log2(rate_hz / RESOLUTION_HZ)))
    frames = [
        sliding_window_view(np.asarray(s, np.float32), n)[:: n // 2]
        for s in stretches
        if len(s) >= n
    ]
    total = sum(map(len, frames))
    if not total:
        return None
    step = -(-total // MAX_FRAMES)
    window = np.hanning(n).astype(np.float32)
    summed, count = np.zeros(n // 2 + 1), 0
    for of_stretch in frames:
        for at in range(0, len(of_stretch), 64 * step):
            block = of_stretch[at : at + 64 * step : step]
            block = np.where(np.abs(block) <= LOUDEST, block, np.float32(0)) * window
            power = np.abs(np.fft.rfft(block, axis=1)) ** 2
            heard = power.sum(axis=1) > 1e-9
            summed += 10 * np.log10(power[heard] + 1e-12).sum(axis=0)
            count += int(heard.sum())
    if not count:
        return None
    scale = 20 * np.log10(window.sum())
    return MeanSpectrum(np.fft.rfftfreq(n, 1 / rate_hz), summed / count - scale, count)


def find_band_edge(spectrum: MeanSpectrum) -> BandEdge:
    """Where the content of a mean spectrum ends, to 100 Hz."""
    half = float(spectrum.frequencies_hz[-1])
    hz, level = _bands(spectrum)
    top = level[hz > 0.97 * half]
    floor = float(np.median(top)) if len(top) else -np.inf
    loudest = float(level.max())
    heard = np.flatnonzero(level > max(loudest - DEEPEST_DB, floor + ABOVE_FLOOR_DB))
    if floor > loudest - 45 or not len(heard):  # the top itself is no floor: it holds sound
        return BandEdge(half, 0.0, False, True)
    edge = float(hz[heard[-1]] + BAND_HZ / 2)
    below = level[(hz > edge - EDGE_WIDTH_HZ) & (hz <= edge)]
    above = level[(hz > edge) & (hz <= edge + EDGE_WIDTH_HZ)]
    drop = float(below.max() - above.min()) if len(below) and len(above) else 0.0
    whole = edge >= WHOLE_BAND * half
    return BandEdge(half if whole else edge, max(drop, 0.0), drop >= SHARP_DB and not whole, whole)


def _bands(spectrum: MeanSpectrum) -> tuple[Numbers, Numbers]:
    """Middles and mean levels of bands of 100 Hz."""
    half = float(spectrum.frequencies_hz[-1])
    edges = np.linspace(0, half, max(2, round(half / BAND_HZ)) + 1)
    place = np.searchsorted(spectrum.frequencies_hz, edges)
    means = [spectrum.level_db[a : max(b, a + 1)].mean() for a, b in pairwise(place.tolist())]
    return (edges[1:] + edges[:-1]) / 2, np.array(means)


def find_lines(spectrum: MeanSpectrum) -> Lines:
    """Narrow lines between 2 and 7.2 kHz that stand still in a mean spectrum, and their spacing."""
    hz = spectrum.frequencies_hz
    above = above_neighbours(spectrum)
    there = (hz >= LINES_HZ[0]) & (hz <= min(LINES_HZ[1], 0.9 * hz[-1]))
    if there.sum() < 50:
        return Lines(float("nan"), None, ())
    spread = max(float(1.4826 * np.median(np.abs(above[there]))), 0.05)
    # One loud line alone is a whistle, no lattice: each bin counts for four spreads at most.
    bounded = np.clip(above / spread, -4, 4)
    strength, spacing = _best_spacing(bounded, hz, there)
    return Lines(strength, spacing, _peaks(above, hz, there, spread))


def above_neighbours(spectrum: MeanSpectrum) -> Numbers:
    """How far each bin stands above the median of those within 160 Hz around it (dB)."""
    width = 2 * round(LINE_NEIGHBOURS_HZ / 2 / float(spectrum.frequencies_hz[1])) + 1
    padded = np.pad(spectrum.level_db, width // 2, mode="edge")
    return np.asarray(spectrum.level_db - np.median(sliding_window_view(padded, width), axis=1))


def _best_spacing(bounded: Numbers, hz: Numbers, there: Numbers) -> tuple[float, float | None]:
    best, spacing = -np.inf, None
    inner = bounded[there]
    mean, spread = float(inner.mean()), max(float(inner.std()), 1e-6)
    for step_hz in sorted({rate / factor for rate in GENERATOR_RATES_HZ for factor in FACTORS}):
        if step_hz < 4 * hz[1]:
            continue
        multiples = np.arange(1, int(LINES_HZ[1] / step_hz) + 1) * step_hz
        bins = np.round(multiples / hz[1]).astype(np.intp)
        bins = bins[(bins < len(hz)) & there[np.minimum(bins, len(hz) - 1)]]
        if len(bins) < MIN_LINES:
            continue
        strength = (float(bounded[bins].mean()) - mean) / spread * np.sqrt(len(bins))
        if strength > best:
            best, spacing = strength, step_hz
    return (float(best), spacing) if spacing else (float("nan"), None)


def _peaks(above: Numbers, hz: Numbers, there: Numbers, spread: float) -> tuple[float, ...]:
    high = there & (above > max(PEAK_DB, 5 * spread))
    inner = np.zeros_like(high)
    inner[1:-1] = (above[1:-1] >= above[:-2]) & (above[1:-1] >= above[2:])
    found = np.flatnonzero(high & inner)
    found = found[np.argsort(-above[found], kind="stable")][:MAX_PEAKS]
    return tuple(round(float(hz[place]), 1) for place in found)


def share_of_digital_silence(samples: FloatArray, rate_hz: int) -> float:
    """The share of `samples` (n,) in stretches of at least 10 ms that are all exactly silent."""
    if not len(samples):
        return 0.0
    zero = np.concatenate([[False], np.abs(samples) < DIGITAL_ZERO, [False]])
    edges = np.flatnonzero(np.diff(zero.astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= ZERO_STRETCH_S * rate_hz].sum() / len(samples))
