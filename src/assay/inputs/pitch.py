"""The pitch of a voice over time: pYIN (Mauch and Dixon, ICASSP 2014), in numpy.

YIN's difference function (de Cheveigné and Kawahara, 2002) gives each frame its candidate
periods, a prior over YIN's threshold their probabilities, and a hidden Markov model the path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assay.types import FloatArray

Numbers = NDArray[Any]

THRESHOLDS = np.linspace(0, 1, 101)
# The share of probability that the deepest trough gets under thresholds that none reaches.
NO_TROUGH = 0.01
MAX_CANDIDATES = 20
BINS_PER_SEMITONE = 5
OCTAVES_PER_S = 35.92
SWITCH = 0.01
FRAMES_AT_ONCE = 2000
# A frame this much quieter than the loudest holds no voice: 60 dB.
QUIET = 1e-3


@dataclass(frozen=True, slots=True)
class PitchInput:
    """The range that is searched and the frames that are cut."""

    lowest_hz: float = 60.0
    highest_hz: float = 500.0
    frame_s: float = 0.064
    hop_s: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.lowest_hz < self.highest_hz or self.frame_s * self.lowest_hz < 2:
            raise ValueError("a frame holds two of the longest periods, and the range is not empty")


@dataclass(frozen=True, slots=True)
class Pitch:
    """Per frame (n,): the middle's time (s), the pitch (Hz, NaN where unvoiced), the probability
    of voice, and the periodicity in [0, 1] at that pitch (NaN where unvoiced)."""

    times_s: FloatArray
    f0_hz: FloatArray
    voiced_probability: FloatArray
    periodicity: FloatArray


def track_pitch(samples: FloatArray, rate_hz: int, recipe: PitchInput = PitchInput()) -> Pitch:
    """The pitch of `samples` (n,) mono; of empty or silent sound no frame is voiced."""
    return _tracked(np.asarray(samples, np.float32).tobytes(), rate_hz, recipe)


@lru_cache(maxsize=32)
def _tracked(samples: bytes, rate_hz: int, recipe: PitchInput) -> Pitch:
    """Kept, because several detectors follow the pitch of the same segments."""
    frames = _frames(np.frombuffer(samples, np.float32), rate_hz, recipe)
    if not len(frames):
        none = np.zeros(0, np.float32)
        return Pitch(none, none, none, none)
    parts = [
        _candidates(frames[at : at + FRAMES_AT_ONCE], rate_hz, recipe)
        for at in range(0, len(frames), FRAMES_AT_ONCE)
    ]
    hz, probability, periodicity = (np.concatenate(part) for part in zip(*parts, strict=True))
    path = _best_path(hz, probability, recipe)
    return _along(path, hz, probability, periodicity, recipe)


def _frames(samples: FloatArray, rate_hz: int, recipe: PitchInput) -> FloatArray:
    """Frames (t, n), each around a multiple of the hop; zeros beyond both ends.

    YIN compares the frame's first half with itself one period on: the middle of what it reads
    lies about 5/16 into the frame, not at its half.
    """
    n, hop = _frame_length(rate_hz, recipe), max(1, round(recipe.hop_s * rate_hz))
    if not len(samples):
        return np.zeros((0, n), np.float32)
    before = 5 * n // 16
    peak = max(float(np.abs(samples).max()), 1.0)  # what is far beyond full scale would overflow
    padded = np.pad(np.asarray(samples, np.float32) / np.float32(peak), (before, n - before))
    return sliding_window_view(padded, n)[::hop]


def _frame_length(rate_hz: int, recipe: PitchInput) -> int:
    return 2 * max(2, round(recipe.frame_s * rate_hz / 2))


def _candidates(
    frames: FloatArray, rate_hz: int, recipe: PitchInput
) -> tuple[Numbers, Numbers, Numbers]:
    """Per frame up to 20 candidates (t, 20): pitch (Hz), probability (0 where there is none),
    periodicity."""
    shortest = max(2, int(np.floor(rate_hz / recipe.highest_hz)))
    longest = min(int(np.ceil(rate_hz / recipe.lowest_hz)), frames.shape[1] // 2 - 1)
    normalised = _normalised_difference(frames, longest + 1)
    inner = normalised[:, shortest : longest + 1]
    trough = np.zeros(inner.shape, bool)
    trough[:, 1:-1] = (inner[:, 1:-1] < inner[:, :-2]) & (inner[:, 1:-1] <= inner[:, 2:])
    trough[:, 0] = inner[:, 0] < inner[:, 1]
    place = np.where(trough, np.arange(inner.shape[1]), inner.shape[1])
    place = np.sort(place, axis=1)[:, :MAX_CANDIDATES]
    there = place < inner.shape[1]
    lag = np.where(there, place, 0) + shortest
    depth = np.take_along_axis(normalised, lag, axis=1)
    probability = _probabilities(np.where(there, depth, np.inf))
    loud = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
    probability[loud <= max(QUIET * float(loud.max(initial=0)), 1e-6)] = 0
    period = lag + _offset(normalised, lag)
    return rate_hz / period, probability, np.clip(1 - depth, 0, 1)


def _normalised_difference(frames: FloatArray, longest: int) -> Numbers:
    """YIN's cumulative mean normalised difference (t, longest + 1); 1 at lag 0."""
    n = frames.shape[1]
    window = n // 2
    size = 1 << int(np.ceil(np.log2(n + window)))
    whole = np.fft.rfft(frames, size, axis=1)
    first = np.fft.rfft(frames[:, :window], size, axis=1)
    product = np.fft.irfft(whole * first.conj(), size, axis=1)[:, : longest + 1]
    energy = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    energy = np.concatenate([np.zeros((len(frames), 1)), energy], axis=1)
    lags = np.arange(longest + 1)
    moved = energy[:, lags + window] - energy[:, lags]
    difference = np.maximum(energy[:, [window]] + moved - 2 * product, 0)
    mean = np.cumsum(difference[:, 1:], axis=1) / lags[1:]
    out = np.ones_like(difference)
    floor = np.maximum(1e-9 * energy[:, -1:], 1e-20)
    out[:, 1:] = np.where(mean > floor, difference[:, 1:] / np.maximum(mean, floor), 1.0)
    return out


def _offset(values: Numbers, at: Numbers) -> Numbers:
    """Where the parabola through three neighbours has its lowest point, from `at` in (-1, 1)."""
    last = values.shape[1] - 1
    before, here, after = (
        np.take_along_axis(values, np.clip(at + step, 0, last), axis=1) for step in (-1, 0, 1)
    )
    curve = before - 2 * here + after
    offset = (before - after) / (2 * np.where(curve > 1e-12, curve, np.inf))
    return np.where(np.abs(offset) < 1, offset, 0)


@lru_cache(maxsize=1)
def _prior() -> Numbers:
    """The weight of each step between thresholds, by the beta distribution (2, 18)."""
    x = THRESHOLDS
    below = 1 - (1 - x) ** 19 - 19 * x * (1 - x) ** 18
    return np.asarray(np.diff(below))


def _probabilities(depth: Numbers) -> Numbers:
    """Of candidates in order of lag (t, k), infinite where there is none: how likely each is."""
    total = np.zeros(depth.shape)
    for threshold, weight in zip(THRESHOLDS[1:], _prior(), strict=True):
        if weight < 1e-5:
            continue
        below = depth < threshold
        order = np.cumsum(below, axis=1) - 1
        count = order[:, -1:] + 1
        among = (1 - np.exp(-2)) * np.exp(-2.0 * order) / (1 - np.exp(-2.0 * np.maximum(count, 1)))
        total += weight * np.where(below, among, 0)
        deepest = np.argmin(depth, axis=1)
        none = np.flatnonzero((count[:, 0] == 0) & np.isfinite(depth[:, 0]))
        total[none, deepest[none]] += weight * NO_TROUGH
    return total


def _bins_of(hz: Numbers, recipe: PitchInput) -> Numbers:
    at = np.round(12 * BINS_PER_SEMITONE * np.log2(hz / recipe.lowest_hz))
    return np.asarray(np.clip(at, 0, _n_bins(recipe) - 1), np.intp)


def _n_bins(recipe: PitchInput) -> int:
    return int(12 * BINS_PER_SEMITONE * np.log2(recipe.highest_hz / recipe.lowest_hz)) + 1


def _best_path(hz: Numbers, probability: Numbers, recipe: PitchInput) -> Numbers:
    """The likeliest bin of each frame (t,), -1 where unvoiced (Viterbi, 1967)."""
    n_bins, n_frames = _n_bins(recipe), len(hz)
    seen = np.zeros((n_frames, 2, n_bins))
    np.add.at(seen[:, 0], (np.arange(n_frames)[:, None], _bins_of(hz, recipe)), probability)
    voiced = np.clip(seen[:, 0].sum(axis=1), 0, 1)
    seen[:, 1] = ((1 - voiced) / n_bins)[:, None]
    seen = np.log(seen + 1e-30)
    step = max(1, round(OCTAVES_PER_S * 12 * recipe.hop_s)) * BINS_PER_SEMITONE // 2
    glide = np.log(step + 1 - np.abs(np.arange(-step, step + 1))) - 2 * np.log(step + 1)
    stay, switch = np.log(1 - SWITCH), np.log(SWITCH)
    padded = np.full((2, n_bins + 2 * step), -np.inf)
    near = sliding_window_view(padded, 2 * step + 1, axis=1)
    came_from = np.zeros((n_frames, 2, n_bins), np.int16)
    score = seen[0] - np.log(2 * n_bins)
    every, bins, half = np.arange(2 * n_bins), np.arange(n_bins), np.array([[0], [n_bins]])
    for t in range(1, n_frames):
        kept, crossed = score + stay, score[::-1] + switch
        switched = crossed > kept
        padded[:, step:-step] = np.where(switched, crossed, kept)
        reach = (near + glide).reshape(2 * n_bins, -1)
        best = reach.argmax(axis=1)
        score = reach[every, best].reshape(2, n_bins) + seen[t]
        origin = best.reshape(2, n_bins) + bins - step
        came_from[t] = np.where(switched.ravel()[origin + half], -origin - 1, origin)
    return _backwards(came_from, score, n_bins)


def _backwards(came_from: Numbers, score: Numbers, n_bins: int) -> Numbers:
    """Follow the marks back; a negative one says that voice began or ended there."""
    state, bin_ = divmod(int(score.argmax()), n_bins)
    path = np.full(len(came_from), -1, np.intp)
    for t in range(len(came_from) - 1, -1, -1):
        path[t] = bin_ if state == 0 else -1
        origin = int(came_from[t, state, bin_])
        if origin < 0:
            state, origin = 1 - state, -origin - 1
        bin_ = origin
    return path


def _along(
    path: Numbers, hz: Numbers, probability: Numbers, periodicity: Numbers, recipe: PitchInput
) -> Pitch:
    """The path with each bin replaced by the candidate in it, at its own exact pitch."""
    n_frames = len(path)
    middle = recipe.lowest_hz * 2.0 ** (path / (12 * BINS_PER_SEMITONE))
    far = np.where(probability > 0, np.abs(np.log2(hz / middle[:, None])), np.inf)
    nearest = (np.arange(n_frames), far.argmin(axis=1))
    close = far[nearest] < 0.5 / 12
    voiced = (path >= 0) & close
    return Pitch(
        np.asarray(np.arange(n_frames) * recipe.hop_s, np.float32),
        np.where(voiced, hz[nearest], np.nan).astype(np.float32),
        np.clip(probability.sum(axis=1), 0, 1).astype(np.float32),
        np.where(voiced, periodicity[nearest], np.nan).astype(np.float32),
    )
