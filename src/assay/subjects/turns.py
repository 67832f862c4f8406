"""Cut stretches of voice into pieces that a detector can judge, at pauses where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.subjects.voice_activity import FRAME, RATE_HZ
from assay.types import FloatArray

LEAST_S, USUAL_S, MOST_S = 1.0, 4.0, 6.0
_INNER_PAUSE_S = 0.3
_JOINED_PAUSE_S = 0.6


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of one speaker's voice, in seconds from the first sample."""

    start_s: float
    end_s: float
    speaker: int = 0

    @property
    def length_s(self) -> float:
        """Seconds from start to end."""
        return self.end_s - self.start_s


def cut_turns(regions_s: FloatArray, likely: FloatArray) -> tuple[Turn, ...]:
    """Turns of about 4 s, never above 6 s, of regions (n, 2) with voice.

    Pauses below 0.3 s stay inside a turn. A voice without a pause for longer is cut where a voice
    is least likely; `likely` (k,) holds its likelihood for each 32 ms.
    """
    turns: list[Turn] = []
    for start, end in _pieces(regions_s, likely):
        last = turns[-1] if turns else None
        near = last is not None and start - last.end_s < _INNER_PAUSE_S
        if last is not None and near and end - last.start_s <= USUAL_S:
            turns[-1] = Turn(last.start_s, end)
        else:
            turns.append(Turn(start, end))
    return tuple(turns)


def _pieces(regions_s: FloatArray, likely: FloatArray) -> list[tuple[float, float]]:
    pieces = []
    for start, end in regions_s.tolist():
        while end - start > MOST_S:
            cut = _weakest(likely, start + LEAST_S, min(start + MOST_S, end - LEAST_S))
            pieces.append((start, cut))
            start = cut
        pieces.append((start, end))
    return pieces


def _weakest(likely: FloatArray, low_s: float, high_s: float) -> float:
    """The best time for a cut: a weak moment, rather near the usual length."""
    frame_s = FRAME / RATE_HZ
    first, last = round(low_s / frame_s), round(high_s / frame_s)
    times = np.arange(first, max(last, first + 1))
    wanted = (low_s - LEAST_S + USUAL_S) / frame_s
    cost = likely[np.minimum(times, len(likely) - 1)] + 0.1 * np.abs(times - wanted) * frame_s
    return float(times[int(cost.argmin())] * frame_s)


def halve(turn: Turn, likely: FloatArray) -> tuple[Turn, Turn]:
    """A turn of at least 2 s cut at its weakest moment, at least 1 s from its ends."""
    at_s = _weakest(likely, turn.start_s + LEAST_S, turn.end_s - LEAST_S)
    return Turn(turn.start_s, at_s), Turn(at_s, turn.end_s)


def join_short(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns under 1 s joined with the nearer neighbour of the same speaker, where one is near.

    Near is a pause below 0.6 s, and the two together stay within 6 s. Others are left as they are.
    """
    joined = list(turns)
    index = 0
    while index < len(joined):
        if joined[index].length_s >= LEAST_S or not _join_at(joined, index):
            index += 1
        else:
            index = max(0, index - 1)
    return tuple(joined)


def _join_at(turns: list[Turn], index: int) -> bool:
    """Join one turn with its nearer fitting neighbour, in place; False where none fits."""
    choices = [first for first in (index - 1, index) if _fit(turns, first)]
    if not choices:
        return False
    first = min(choices, key=lambda at: turns[at + 1].start_s - turns[at].end_s)
    before, after = turns[first], turns[first + 1]
    turns[first : first + 2] = [Turn(before.start_s, after.end_s, before.speaker)]
    return True


def _fit(turns: list[Turn], first: int) -> bool:
    if first < 0 or first + 1 >= len(turns):
        return False
    before, after = turns[first], turns[first + 1]
    near = after.start_s - before.end_s < _JOINED_PAUSE_S
    return near and before.speaker == after.speaker and after.end_s - before.start_s <= MOST_S


def spread(turns: Sequence[Turn], most: int) -> tuple[Turn, ...]:
    """At most that many turns, evenly over time."""
    if len(turns) <= most:
        return tuple(turns)
    return tuple(turns[round(at)] for at in np.linspace(0, len(turns) - 1, most))
