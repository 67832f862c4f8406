"""What the sizes and times of a video's packets tell: its rhythm now, an earlier one, and breaks.

A picture that was a key frame in an earlier compression is coded worse from its neighbours, so that
it costs more bytes in the next compression: a comb in the sizes has the period of the earlier
rhythm (Wang, Farid: ACM MM&Sec 2006; Gironi et al.: ICASSP 2014), and its phase jumps where
pictures were taken out or put in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.media.packets import Packets

Values = NDArray[np.float64]
MIN_PERIOD, MAX_PERIOD = 5, 130
MIN_TEETH = 4
MAX_PACKETS = 30_000
"""Twenty minutes at 25 a second: a comb needs no more."""
_WINDOW = 9
_CLIP = 3.0
_LEAST_SIDE_TEETH = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Key frames as they are: `lengths` (frames from one to the next), `usual` the commonest.

    `regular` is the share of gaps, the last left out, that equal the commonest; `n_b` counts
    pictures that are shown before one that was decoded earlier.
    """

    lengths: tuple[int, ...]
    usual: int
    regular: float
    n_frames: int
    n_keys: int
    n_b: int


@dataclass(frozen=True, slots=True)
class Comb:
    """Pictures `phase`, `phase` + `period`, ... cost more bytes: `score` standard errors more."""

    period: int
    phase: int
    score: float


@dataclass(frozen=True, slots=True)
class Break:
    """The phase of a comb changes at picture `at` (shown order), give or take a period.

    `total` is the score of both sides together, `gain` what two phases explain beyond one, both in
    standard errors.
    """

    at: int
    gain: float
    total: float


def rhythm_of(packets: Packets) -> Rhythm | None:
    """The distances of the key frames; None with fewer than two pictures."""
    if len(packets) < 2:
        return None
    keys = np.flatnonzero(packets.is_key)
    lengths = np.diff(keys)
    values, counts = np.unique(lengths, return_counts=True)
    usual = int(values[counts.argmax()]) if len(values) else 0
    return Rhythm(
        lengths=tuple(int(one) for one in lengths[:200]),
        usual=usual,
        regular=float((lengths == usual).mean()) if len(lengths) else 0.0,
        n_frames=len(packets),
        n_keys=len(keys),
        n_b=int(packets.later_shown.sum()),
    )


def excess(packets: Packets) -> tuple[Values, NDArray[np.intp]]:
    """By how much each picture's size stands out of its neighbours of the same type.

    Robust standard scores (n,) of log bytes, clipped to 3; and the order of the packets in which
    the pictures are shown. 0 for key frames, for the two after each (an encoder has its own rhythm
    there) and for B-frames, whose pyramid has a comb of its own.
    """
    times = packets.shown_s[:MAX_PACKETS]
    times = packets.decoded_s[:MAX_PACKETS] if np.isnan(times).any() else times
    order = np.arange(len(times)) if np.isnan(times).any() else np.argsort(times, kind="stable")
    sizes = np.log(np.maximum(packets.sizes[:MAX_PACKETS][order], 1))
    is_key, is_b = packets.is_key[order], packets.later_shown[order]
    found = np.zeros(len(sizes))
    near_key = is_key | np.r_[False, is_key[:-1]] | np.r_[False, False, is_key[:-2]][: len(is_key)]
    places = np.flatnonzero(~near_key & ~is_b)
    if len(places) > _WINDOW:
        found[places] = _standing_out(sizes[places])
    return found, order


def _standing_out(values: Values) -> Values:
    half = _WINDOW // 2
    padded = np.pad(values, half, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW), axis=1)
    rest = values - usual
    spread = 1.4826 * float(np.median(np.abs(rest))) + 0.02
    clipped: Values = np.clip(rest / spread, -_CLIP, _CLIP)
    return clipped


def find_comb(values: Values, now: int = 0) -> Comb | None:
    """The comb that stands out most of scores (n,), with at least four teeth; None if too short.

    Periods that share their beat with the present distance of key frames (`now`) are left out.
    """
    n = len(values)
    used = values != 0
    best: Comb | None = None
    for period in range(MIN_PERIOD, min(MAX_PERIOD, n // MIN_TEETH) + 1):
        if now and (now % period == 0 or period % now == 0):
            continue
        phases = np.arange(n) % period
        sums = np.bincount(phases, weights=values, minlength=period)
        counts = np.bincount(phases[used], minlength=period)
        scores = np.where(counts >= MIN_TEETH - 1, sums / np.sqrt(np.maximum(counts, 1)), 0.0)
        phase = int(scores.argmax())
        if best is None or scores[phase] > best.score:
            best = Comb(period, phase, float(scores[phase]))
    return best


def _side_scores(values: Values, period: int) -> tuple[Values, Values]:
    """Best score over phases of all pictures before, and from, each multiple of the period."""
    n = len(values) // period
    rows = values[: n * period].reshape(n, period)
    teeth = np.arange(1, n + 1)[:, None]
    used = np.cumsum(rows != 0, axis=0)
    left = np.cumsum(rows, axis=0) / np.sqrt(np.maximum(used, 1))
    left = np.where(teeth >= _LEAST_SIDE_TEETH, left, 0.0)
    return left.max(axis=1), left.argmax(axis=1).astype(np.float64)


def find_break(values: Values, period: int) -> Break | None:
    """Where a comb of this period changes its phase; None where both sides agree.

    The gain is how much two phases explain beyond one: the root of the difference of the squared
    scores, each in standard errors. Sides with fewer than three teeth are not looked at.
    """
    before, phases_before = _side_scores(values, period)
    after, phases_after = _side_scores(values[::-1], period)
    n, n_teeth = len(values), len(values) // period
    whole = find_phase(values, period)
    best: Break | None = None
    for cut in range(_LEAST_SIDE_TEETH, n_teeth - _LEAST_SIDE_TEETH + 1):
        left, right = before[cut - 1], after[n_teeth - cut - 1]
        first = int(phases_before[cut - 1])
        second = (n - 1 - int(phases_after[n_teeth - cut - 1])) % period
        apart = min((first - second) % period, (second - first) % period)
        if apart < 1 or min(left, right) <= 0:
            continue
        total = float(np.hypot(left, right))
        gain = float(np.sqrt(max(0.0, total**2 - max(whole, 0.0) ** 2)))
        if min(left, right) >= 0.35 * max(left, right) and (best is None or gain > best.gain):
            best = Break(cut * period, gain, total)
    return best


def find_phase(values: Values, period: int) -> float:
    """The score of the best phase of one period."""
    phases = np.arange(len(values)) % period
    sums = np.bincount(phases, weights=values, minlength=period)
    counts = np.bincount(phases[values != 0], minlength=period)
    return float((sums / np.sqrt(np.maximum(counts, 1))).max(initial=0.0))


@dataclass(frozen=True, slots=True)
class Gap:
    """A jump between the times of two pictures that are shown one after the other."""

    start_s: float
    end_s: float
    usual_s: float


def find_gaps(packets: Packets, most_share: float = 0.02) -> tuple[list[Gap], bool]:
    """Jumps of the picture times in a stream that is even otherwise, and whether it is even.

    A step counts from 2.5 times the usual one. Where more than `most_share` of the steps differ
    from the usual, the rate is variable and a long step is nothing special: no gap is told.
    """
    times = np.sort(packets.shown_s[np.isfinite(packets.shown_s)])
    steps = np.diff(times)
    if len(steps) < 10:
        return [], False
    usual = float(np.median(steps))
    tolerance = max(0.2 * usual, 1.01 * packets.tick_s)
    is_even = bool((np.abs(steps - usual) > tolerance).mean() <= most_share) and usual > 0
    if not is_even:
        return [], False
    places = np.flatnonzero(steps > 2.5 * usual)
    return [Gap(float(times[i]), float(times[i + 1]), usual) for i in places], True


def off_beat(rhythm: Rhythm) -> list[int]:
    """Which key frames (their number) come before the usual distance is reached, in a stream whose
    key frames are otherwise evenly apart: scene cuts of the encoder, or a place of joining."""
    if rhythm.regular < 0.6 or rhythm.n_keys < 5:
        return []
    return [i + 1 for i, one in enumerate(rhythm.lengths[:-1]) if one < rhythm.usual]
