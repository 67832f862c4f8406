"""The rhythm of speech: syllables by their peaks of level, short pauses, breaths in them.

Syllables after de Jong and Wempe (Behavior Research Methods, 2009): a peak of the level, voiced,
that stands 2 dB above the dips at its sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assay.types import FloatArray

Numbers = NDArray[Any]

HOP_S = 0.01
FRAME_S = 0.025
DIP_DB = 2.0
# Speech lies above this, measured from its loud frames; pauses below.
PAUSE_DB = -25.0
SYLLABLE_DB = -20.0
SHORTEST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.5
BREATH_DB = (-55.0, -20.0)
SHORTEST_BREATH_S = 0.1
LONGEST_BREATH_S = 0.8
SMOOTHED_FRAMES = 7


@dataclass(frozen=True, slots=True)
class Levels:
    """Per frame of 10 ms (n,): level (dB, 0 is the loud frames'), share of energy above 1 kHz,
    and how evenly it is spread there (1 is white)."""

    level_db: Numbers
    high_share: Numbers
    flatness: Numbers


def measure_levels(samples: FloatArray, rate_hz: int) -> Levels:
    """The levels of `samples` (n,); of less than one frame, none."""
    n, hop = round(FRAME_S * rate_hz), max(1, round(HOP_S * rate_hz))
    if len(samples) < n:
        none = np.zeros(0)
        return Levels(none, none, none)
    frames = sliding_window_view(np.asarray(samples, np.float32), n)[::hop] * np.hanning(n)
    power = np.abs(np.fft.rfft(frames.astype(np.float32), axis=1)) ** 2
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    heard = power[:, hz > 60]
    level = 10 * np.log10(heard.sum(axis=1) + 1e-12)
    high = power[:, (hz > 1000) & (hz < 7000)] + 1e-12
    flatness = np.exp(np.log(high).mean(axis=1)) / high.mean(axis=1)
    share = high.sum(axis=1) / (heard.sum(axis=1) + 1e-9)
    return Levels(level - np.quantile(level, 0.95), np.clip(share, 0, 1), flatness)


def smoothed(values: Numbers, n: int = SMOOTHED_FRAMES) -> Numbers:
    """A moving mean over `n` (odd) values; edges are repeated."""
    if not len(values):
        return values
    padded = np.pad(values, n // 2, mode="edge")
    return np.convolve(padded, np.ones(n) / n, "valid")


def find_syllables(levels: Levels, voiced: NDArray[np.bool_]) -> Numbers:
    """Frames (n,) at which a syllable is loudest; `voiced` is by frame of the same hop."""
    level = smoothed(levels.level_db)
    if len(level) < 3:
        return np.zeros(0, np.intp)
    inner = (level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])
    peaks = np.flatnonzero(inner & (level[1:-1] > SYLLABLE_DB)) + 1
    kept: list[int] = []
    for peak in peaks.tolist():
        if kept:
            dip = level[kept[-1] : peak + 1].min()
            if level[peak] - dip < DIP_DB or level[kept[-1]] - dip < DIP_DB:
                if level[peak] > level[kept[-1]]:
                    kept[-1] = peak
                continue
        kept.append(peak)
    near = [voiced[max(0, p - 3) : p + 4].any() for p in kept]
    return np.array([p for p, ok in zip(kept, near, strict=True) if ok], np.intp)


def find_pauses(levels: Levels) -> list[tuple[int, int]]:
    """First and one past last frame of each pause of 0.05 to 1.5 s between two loud stretches."""
    quiet = smoothed(levels.level_db, 3) < PAUSE_DB
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8))) + 1
    if not len(edges):
        return []
    if quiet[0]:  # before the first word and after the last is no pause
        edges = edges[1:]
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=False)
    shortest, longest = SHORTEST_PAUSE_S / HOP_S, LONGEST_PAUSE_S / HOP_S
    return [(a, b) for a, b in pairs if shortest <= b - a <= longest]


def find_breaths(levels: Levels, pauses: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of 0.1 to 0.8 s within pauses that sound like breath: soft, high and noisy."""
    low, high = BREATH_DB
    found = []
    for first, last in pauses:
        part = slice(first, last)
        level = levels.level_db[part]
        above = level > np.quantile(level, 0.1) + 4
        noisy = (levels.flatness[part] > 0.2) & (levels.high_share[part] > 0.5)
        breathy = above & noisy & (level > low) & (level < high)
        held = smoothed(breathy.astype(float), 5) > 0.5
        edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if SHORTEST_BREATH_S <= (b - a) * HOP_S <= LONGEST_BREATH_S:
                found.append((first + a, first + b))
    return found
