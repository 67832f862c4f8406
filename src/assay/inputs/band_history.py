"""Up to which frequency a sound reaches, whether that changes on the way, and its mean level.

The spectrum of blocks of one second, at most 600 of them spread over the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

Values = NDArray[np.float64]
FFT = 2048
FRAMES_A_BLOCK = 12
MOST_BLOCKS = 600
BLOCK_S = 1.0
LEAST_DROP_DB = 18.0
LEAST_HZ = 2000.0
SIDE_BLOCKS, LEAST_SIDE = 6, 2
JOIN_DB = 15.0
_NEAR, _FAR = 4, 28
_QUIET_DB = -65.0


@dataclass(frozen=True, slots=True)
class Bands:
    """Levels (blocks, 1025) in dB: of the loud frames of each block; `starts_s` of the blocks.

    `mean` (blocks,) is the constant part of each block, in shares of full scale.
    """

    starts_s: Values
    levels_db: Values
    mean: Values
    rate_hz: int
    step_s: float

    @property
    def hz(self) -> Values:
        """The frequency of each column."""
        return np.asarray(np.fft.rfftfreq(FFT, 1 / self.rate_hz), np.float64)


def bands_of(samples: FloatArray, rate_hz: int) -> Bands | None:
    """Spectra of blocks of samples (n,); None where it lasts under two blocks."""
    size = max(round(BLOCK_S * rate_hz), FFT)
    n = len(samples) // size
    if n < 2:
        return None
    chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_BLOCKS)).round().astype(int))
    levels = np.empty((len(chosen), FFT // 2 + 1))
    mean = np.empty(len(chosen))
    window = np.hanning(FFT).astype(np.float32)
    scale = 1 / float(window.sum()) ** 2
    starts = np.linspace(0, size - FFT, FRAMES_A_BLOCK).astype(int)
    for row, k in enumerate(chosen):
        block = samples[k * size : (k + 1) * size]
        frames = np.stack([block[start : start + FFT] for start in starts]) * window
        power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 * scale
        levels[row] = 10 * np.log10(np.sort(power, axis=0)[-3] + 1e-13)
        mean[row] = block.mean(dtype=np.float64)
    step_s = float(np.diff(chosen).min()) * size / rate_hz
    return Bands(chosen * size / rate_hz, levels, mean, rate_hz, step_s)


@dataclass(frozen=True, slots=True)
class Cut:
    """The sound falls by `drop_db` within some 600 Hz at `hz` and stays low above."""

    hz: float
    drop_db: float


def find_cut(levels_db: Values, hz: Values) -> Cut | None:
    """Where a spectrum (1025,) in dB ends before the highest frequency; None where it does not."""
    sums = np.r_[0.0, np.cumsum(levels_db)]
    width = _FAR - _NEAR
    at = np.arange(_FAR, len(levels_db) - _FAR)
    below = (sums[at - _NEAR] - sums[at - _FAR]) / width
    above = (sums[at + _FAR] - sums[at + _NEAR]) / width
    highest_above = np.maximum.accumulate(levels_db[::-1])[::-1]
    drop = below - above
    stays = highest_above[at + _NEAR] <= below - LEAST_DROP_DB / 2
    fits = (hz[at] >= LEAST_HZ) & (hz[at] <= 0.96 * hz[-1]) & stays & (below > _QUIET_DB - 45)
    drop = np.where(fits, drop, -np.inf)
    best = int(drop.argmax()) if len(drop) else 0
    if not len(drop) or drop[best] < LEAST_DROP_DB:
        return None
    return Cut(float(hz[at[best]]), float(drop[best]))


def whole_cut(bands: Bands) -> Cut | None:
    """The cut of the whole sound: of the level that one block in ten exceeds."""
    return find_cut(np.quantile(bands.levels_db, 0.9, axis=0), bands.hz)


@dataclass(frozen=True, slots=True)
class BandJoin:
    """At `at_s` the sound begins or ceases to reach above `low_hz`, up to `high_hz`."""

    at_s: float
    low_hz: float
    high_hz: float
    gap_db: float


def find_joins(bands: Bands, most: int = 4) -> list[BandJoin]:
    """Places where pieces of different bandwidth meet, both of them loud.

    The loudest of the narrower side, between both cuts and against its own speech band, lies
    JOIN_DB below the usual of the wider side.
    """
    hz = bands.hz
    voice = (hz >= 300) & (hz <= 2000)
    loud = bands.levels_db[:, voice].max(axis=1) > _QUIET_DB
    relative = bands.levels_db - bands.levels_db[:, voice].mean(axis=1)[:, None]
    found: list[BandJoin] = []
    for k in range(LEAST_SIDE, len(loud) - LEAST_SIDE + 1):
        sides = [
            np.arange(max(0, k - SIDE_BLOCKS), k),
            np.arange(k, min(len(loud), k + SIDE_BLOCKS)),
        ]
        sides = [side[loud[side]] for side in sides]
        if min(map(len, sides)) < LEAST_SIDE:
            continue
        join = _between(relative, sides, hz, float(bands.starts_s[k]))
        if join is not None:
            found.append(join)
    found.sort(key=lambda one: -one.gap_db)
    kept: list[BandJoin] = []
    for one in found:
        if len(kept) < most and all(abs(one.at_s - k.at_s) >= 3 * bands.step_s for k in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.at_s)


def _between(
    relative: Values, sides: list[NDArray[np.intp]], hz: Values, at_s: float
) -> BandJoin | None:
    cuts = [find_cut(np.median(relative[side], axis=0), hz) for side in sides]
    ends = [float(hz[-1]) if cut is None else cut.hz for cut in cuts]
    low, high = sorted(ends)
    if high - low < max(1500.0, 0.2 * low):
        return None
    narrow, wide = (sides[0], sides[1]) if ends[0] < ends[1] else (sides[1], sides[0])
    inside = (hz > low + 300) & (hz < min(high, low + 4000) - 200)
    if inside.sum() < 8:
        return None
    loudest = float(relative[narrow][:, inside].mean(axis=1).max())
    usual = float(np.median(relative[wide][:, inside].mean(axis=1)))
    return BandJoin(at_s, low, high, usual - loudest) if usual - loudest >= JOIN_DB else None


@dataclass(frozen=True, slots=True)
class MeanStep:
    """The constant part of the sound changes at `at_s` from `before` to `after` (of full scale)."""

    at_s: float
    before: float
    after: float
    score: float


def find_mean_step(bands: Bands, least: int = 4) -> MeanStep | None:
    """The largest lasting step of the constant part, against how much it wavers on each side."""
    n, mean = len(bands.mean), bands.mean
    best: MeanStep | None = None
    for k in range(least, n - least + 1):
        left, right = mean[:k], mean[k:]
        before, after = float(np.median(left)), float(np.median(right))
        waver = max(float(np.abs(left - before).max()), float(np.abs(right - after).max()), 2e-5)
        score = abs(after - before) / waver
        if best is None or score > best.score:
            best = MeanStep(float(bands.starts_s[k]), before, after, score)
    return best
