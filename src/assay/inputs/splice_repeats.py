"""Sound that is there twice, sample by sample, and sound that is exactly nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

WORD = 64
"""So many samples in a row are compared at once."""
GRID = 64
MIN_REPEAT_S = 0.05
MIN_AWAY_S = 0.1
MIN_SILENCE_S = 0.02
MOST_SAMPLES = 10_000_000
MOST_FOUND = 20
_FACTOR = np.uint64(0x9E3779B97F4A7C15 | 1)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The samples from `first` to `last` stand `away` samples further on once more."""

    first: int
    last: int
    away: int


def find_repeats(
    samples: FloatArray, sample_rate_hz: int, check: Callable[[], None] = lambda: None
) -> list[Repeat]:
    """Stretches of at least 50 ms that come back exactly, the longest first, at most 20.

    Silence, steady tones and whatever comes back within 0.1 s do not count. At most the first 10
    million samples are searched.
    """
    sound = np.ascontiguousarray(samples[:MOST_SAMPLES])
    if sound.size < 2 * WORD + GRID:
        return []
    hashes = _hashes(sound)
    check()
    places = np.arange(0, len(hashes), GRID)
    places = places[_is_lively(sound, places)]
    pairs = _equal(hashes, places, check)
    away = pairs[:, 1] - pairs[:, 0]
    pairs = pairs[away >= MIN_AWAY_S * sample_rate_hz]
    return _joined(sound, pairs, round(MIN_REPEAT_S * sample_rate_hz))


def _hashes(sound: FloatArray) -> NDArray[np.uint64]:
    """One number for the WORD samples from each sample on; equal samples give equal numbers."""
    # Adding 0.0 turns -0.0 into 0.0: they sound the same.
    bits = (sound + np.float32(0)).view(np.uint32).astype(np.uint64)
    length, factor = 1, _FACTOR
    with np.errstate(over="ignore"):  # arithmetic modulo 2 to the 64th is what is wanted
        while length < WORD:
            bits = bits[:-length] * factor + bits[length:]
            length, factor = 2 * length, factor * factor
    return bits


def _is_lively(sound: FloatArray, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    words = sound[places[:, None] + np.arange(WORD)]
    distinct = (np.diff(np.sort(words, axis=1), axis=1) > 0).sum(axis=1)
    return np.asarray(distinct >= WORD // 3)


def _equal(
    hashes: NDArray[np.uint64], places: NDArray[np.intp], check: Callable[[], None]
) -> NDArray[np.intp]:
    """Pairs (k, 2) of a place on the grid and another place with the same number."""
    known = hashes[places]
    order = np.argsort(known, kind="stable")
    known, places = known[order], places[order]
    found: list[NDArray[np.intp]] = []
    for first in range(0, len(hashes), 2_000_000):
        check()
        part = hashes[first : first + 2_000_000]
        slot = np.minimum(np.searchsorted(known, part), max(len(known) - 1, 0))
        hit = np.flatnonzero(known[slot] == part) if len(known) else np.zeros(0, np.intp)
        here, there = hit + first, places[slot[hit]]
        pairs = np.stack([np.minimum(here, there), np.maximum(here, there)], axis=1)
        found.append(pairs[here != there])
        if sum(map(len, found)) > 200_000:
            break  # a tone or a loop: the pairs that are there suffice
    return np.concatenate(found) if found else np.zeros((0, 2), np.intp)


def _joined(sound: FloatArray, pairs: NDArray[np.intp], least: int) -> list[Repeat]:
    """Pairs of the same distance grown into stretches; the longest of those that overlap."""
    found: list[Repeat] = []
    if not len(pairs):
        return found
    away = pairs[:, 1] - pairs[:, 0]
    distances, counts = np.unique(away, return_counts=True)
    for distance in distances[np.argsort(-counts)][: 10 * MOST_FOUND]:
        same = _runs(sound[: sound.size - distance] == sound[distance:], least)
        for first, last in same:
            inside = sound[first:last]
            if len(np.unique(inside[:4096])) > WORD:
                found.append(Repeat(first, last, int(distance)))
    found.sort(key=lambda one: one.first - one.last)
    chosen: list[Repeat] = []
    for one in found:
        if all(one.last <= c.first or one.first >= c.last for c in chosen):
            chosen.append(one)
    return chosen[:MOST_FOUND]


def _runs(same: NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Where `same` holds for at least that many samples in a row."""
    edges = np.flatnonzero(np.diff(np.r_[False, same, False].astype(np.int8)))
    first, last = edges[::2], edges[1::2]
    long = last - first >= least
    return [(int(a), int(b)) for a, b in zip(first[long], last[long], strict=True)]


def silences(samples: FloatArray, sample_rate_hz: int) -> list[tuple[int, int]]:
    """Stretches (first, last) of at least 20 ms of one value, the ends of the sound left out."""
    least = max(2, round(MIN_SILENCE_S * sample_rate_hz))
    if samples.size < 2 * least:
        return []
    still = np.abs(np.diff(samples)) < 1e-7
    found = _runs(still, least - 1)
    return [(a, b + 1) for a, b in found if a > 0 and b + 1 < samples.size]
