"""Places where a recording stops being one: steps in what lies behind the voice.

A splice joins two recordings, or two moments of one. Cut words keep their own background, band and
room, so that at the cut several bands of the spectrum move to levels that they never had before and
do not leave again. Speech moves all bands too, but it comes and goes: what counts here is the gap
between the loudest usual level on one side and the quietest usual level on the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

Numbers = NDArray[np.float64]
CENTRE_S = 0.02
"""What lies this near to a place belongs to neither of its sides."""


@dataclass(frozen=True, slots=True)
class SpliceInput:
    """How the steps are measured: at most the first `most_s` seconds."""

    frame_s: float = 0.032
    hop_s: float = 0.02
    n_bands: int = 20
    side_s: float = 1.0
    quantile: float = 0.15
    loudest_bands: int = 3
    every: int = 2
    range_db: float = 65.0
    most_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Steps:
    """For each place, in seconds from the start, how large a step there is.

    `times_s`, `gap_db` (k,): the gap between the sides, mean of the bands where it is largest;
    `band_hz` (k,) the middle of the band with the largest gap.
    """

    times_s: Numbers
    gap_db: Numbers
    band_hz: Numbers


def steps_of(
    samples: FloatArray,
    sample_rate_hz: int,
    recipe: SpliceInput,
    check: Callable[[], None] = lambda: None,
) -> Steps:
    """The steps in the background of a sound (n,) in [-1, 1]; none where it is under 2 sides."""
    levels, middle_hz = band_levels(samples, sample_rate_hz, recipe, check)
    side = round(recipe.side_s / recipe.hop_s)
    gap = max(1, round(CENTRE_S / recipe.hop_s))
    last = len(levels) - side - gap
    at = np.arange(side + gap, last + 1, recipe.every)
    if not len(at):
        empty = np.zeros(0)
        return Steps(empty, empty, empty)
    gaps = np.empty(len(at))
    bands = np.empty(len(at), np.intp)
    for first in range(0, len(at), 500):
        check()
        places = at[first : first + 500]
        apart = _apart(levels, places, side, gap, recipe.quantile)
        order = np.sort(apart, axis=1)[:, -recipe.loudest_bands :]
        gaps[first : first + 500] = order.mean(axis=1)
        bands[first : first + 500] = apart.argmax(axis=1)
    return Steps(np.asarray(at * recipe.hop_s, np.float64), gaps, middle_hz[bands])


def _apart(levels: Numbers, places: NDArray[np.intp], side: int, gap: int, q: float) -> Numbers:
    """Per place and band, by how many dB the two sides miss each other; below 0 they overlap."""
    reach = np.arange(side)
    before = levels[places[:, None] - gap - side + reach]
    after = levels[places[:, None] + gap + reach]
    k = max(0, round(q * (side - 1)))
    before = np.partition(before, [k, side - 1 - k], axis=1)
    after = np.partition(after, [k, side - 1 - k], axis=1)
    down = before[:, k] - after[:, side - 1 - k]
    up = after[:, k] - before[:, side - 1 - k]
    return np.maximum(down, up)


def band_levels(
    samples: FloatArray,
    sample_rate_hz: int,
    recipe: SpliceInput,
    check: Callable[[], None] = lambda: None,
) -> tuple[Numbers, Numbers]:
    """Levels (frames, bands) in dB below full scale, and the bands' middles in hertz.

    Levels are floored at the noise of 16 bits, and at so far below the loudest that a codec leaves
    nothing but its own remainders there.
    """
    size = max(16, round(recipe.frame_s * sample_rate_hz))
    hop = max(1, round(recipe.hop_s * sample_rate_hz))
    n = max(0, (samples.size - size) // hop + 1)
    edges_hz = _edges_hz(recipe.n_bands, sample_rate_hz)
    bins = np.searchsorted(np.fft.rfftfreq(size, 1 / sample_rate_hz), edges_hz)
    bins = np.maximum.accumulate(np.maximum(bins, np.arange(len(bins))))
    bins = np.minimum(bins, size // 2)
    window = np.hanning(size)
    levels = np.empty((n, recipe.n_bands))
    views = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] if n else None
    for first in range(0, n, 2000):
        check()
        assert views is not None
        power = np.abs(np.fft.rfft(views[first : first + 2000] * window, axis=1)) ** 2
        power *= 4 / window.sum() ** 2
        sums = np.add.reduceat(power, bins[:-1], axis=1)
        counts = np.maximum(np.diff(bins, append=size // 2 + 1)[: len(bins) - 1], 1)
        levels[first : first + 2000] = 10 * np.log10(sums / counts + 10**-11.5)
    if n:
        loudest = float(np.quantile(levels.max(axis=1), 0.95))
        levels = np.maximum(levels, loudest - recipe.range_db)
    return levels, (edges_hz[1:] + edges_hz[:-1]) / 2


def _edges_hz(n_bands: int, sample_rate_hz: int) -> Numbers:
    """From 20 Hz to nearly half the rate, narrow below and wide above, as ears hear."""
    top = 2595 * np.log10(1 + 0.48 * sample_rate_hz / 700)
    low = 2595 * np.log10(1 + 20 / 700)
    return 700 * (10 ** (np.linspace(low, top, n_bands + 1) / 2595) - 1)
