"""The sound as the page shows it: drawings, marks, lanes and players on one time axis, in percent.

Colour never stands alone: a segment that reaches its cut is hatched and says so, one that was not
judged is an empty dashed box.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.report import charts, sound_pictures, voices, wording
from assay.report.axis import TICK_STEPS_S, whole
from assay.report.playable import as_mp3
from assay.report.plots import Curve, curves_of
from assay.sound import Sound
from assay.types import Verdict
from assay.verdict.sound import MAX_PLAYED_S, is_of_sound

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_LANES = 12
MAX_BLOCKS = 240
MAX_ROWS = 40
MAX_CURVES = 8
NEAR_PERCENT = 7.0  # of a phone, the width of a button
HELD = (
    "To be listened to, this page holds {what} as a small MP3, which whoever gets the page can "
    "hear; the file itself was examined, not this copy. With --no-embed-sound a report holds none."
)
NOT_HELD = {
    "not_wanted": "The sound is not in this page: it was made with embedding switched off.",
    "nothing_flagged": (
        f"The sound is not in this page: it is longer than {MAX_PLAYED_S:.0f} s, and no part of "
        "it is flagged."
    ),
    "not_encoded": "The sound is not in this page: it could not be encoded here.",
}


@dataclass(frozen=True, slots=True)
class Player:
    """One piece of sound that the page holds."""

    source: Markup
    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """One segment in a lane. `state`: above, below, uncut (no threshold) or unjudged."""

    x0: float
    width: float
    height: float
    state: str
    score: str
    why: str
    text: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One voice as one detector scored it, drawn."""

    title: str
    summary: str
    blocks: tuple[Block, ...]
    threshold_y: float | None
    scored: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """A numbered place of a finding; the list below the chart says what it is."""

    number: int
    x0: float
    width: float
    text: str
    severity: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Button:
    """One button for flags that lie too near to each other for one each: "3" or "3–5"."""

    label: str
    x: float
    text: str
    severity: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One segment in the table."""

    where: str
    voice: str
    score: str
    cut: str
    says: str
    state: str
    at_s: float | None


@dataclass(frozen=True, slots=True)
class SoundChart:
    """All that the template draws; `ticks` and `flagged` are in percent of the time axis."""

    start_s: float
    end_s: float
    wave: Markup
    wave_text: str
    spectrogram: Markup
    spectrogram_text: str
    ticks: tuple[tuple[float, str], ...]
    flagged: tuple[tuple[float, float], ...]
    flags: tuple[Flag, ...]
    buttons: tuple[Button, ...]
    n_flags_left_out: int
    lanes: tuple[Lane, ...]
    n_lanes_left_out: int
    rows: tuple[Row, ...]
    n_rows_left_out: int
    curves: tuple[Curve, ...]
    states: tuple[str, ...]
    players: tuple[Player, ...]
    held: str
    reasons: tuple[str, ...]


def sound_chart(verdict: Verdict) -> SoundChart | None:
    """The chart of the examined sound; None where the verdict holds none."""
    sound = verdict.sound
    if sound is None:
        return None
    players = tuple(_players(sound))
    axis = _Axis(sound, players)
    lanes = voices.lanes(verdict)
    marks, n_left_out = voices.marks(verdict)
    rows = _rows(lanes, axis)
    flags = [_flag(i, mark, axis) for i, mark in enumerate(marks, 1) if axis.holds(mark)]
    drawn = tuple(_lane(lane, axis) for lane in lanes[:MAX_LANES])
    of_sound = [one for one in verdict.evidence if is_of_sound(one)]
    curves = curves_of(of_sound, whole((sound.start_s, sound.end_s)))
    peak, wave = sound_pictures.wave(sound.envelope)
    return SoundChart(
        start_s=sound.start_s,
        end_s=sound.end_s,
        wave=wave,
        wave_text=sound_pictures.wave_text(sound, peak),
        spectrogram=sound_pictures.spectrogram_png(sound),
        spectrogram_text=sound_pictures.spectrogram_text(sound),
        ticks=tuple(_ticks(axis)),
        flagged=tuple(_flagged(lanes, axis)),
        flags=tuple(flags),
        buttons=tuple(_buttons(flags)),
        n_flags_left_out=n_left_out,
        lanes=drawn,
        n_lanes_left_out=max(0, len(lanes) - MAX_LANES),
        rows=tuple(rows[:MAX_ROWS]),
        n_rows_left_out=max(0, len(rows) - MAX_ROWS),
        curves=tuple(curves[:MAX_CURVES]),
        states=tuple(dict.fromkeys(block.state for lane in drawn for block in lane.blocks)),
        players=players,
        held=_held(sound, players),
        reasons=tuple(wording.reason_text(reason) for reason in sound.reasons),
    )


@lru_cache(maxsize=1)
def player_script() -> Markup:
    """The few lines that move the cursor; a page without sound to play carries none."""
    from markupsafe import Markup

    path = Path(__file__).parent / "templates" / "report.js"
    return Markup(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class _Axis:
    sound: Sound
    players: tuple[Player, ...]

    def percent(self, time_s: float) -> float:
        share = (time_s - self.sound.start_s) / self.sound.duration_s
        return 100 * min(1.0, max(0.0, share))

    def extent(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Left edge and width in percent."""
        x0 = self.percent(start_s)
        return x0, max(0.0, self.percent(end_s) - x0)

    def holds(self, place: Any) -> bool:
        """Whether some of a stretch lies in the examined sound."""
        return bool(place.end_s >= self.sound.start_s and place.start_s <= self.sound.end_s)

    def playable(self, time_s: float) -> float | None:
        """The time where one of the players holds it."""
        held = any(one.start_s <= time_s < one.end_s for one in self.players)
        return time_s if held else None


def _players(sound: Sound) -> Iterable[Player]:
    from markupsafe import Markup

    for clip in sound.clips:
        mp3 = as_mp3(clip)
        if mp3:
            source = Markup("data:audio/mpeg;base64,") + base64.b64encode(mp3).decode("ascii")
            end_s = clip.start_s + clip.duration_s
            yield Player(source, clip.start_s, end_s, voices.stretch(clip.start_s, end_s))


def _held(sound: Sound, players: Sequence[Player]) -> str:
    if not players:
        return NOT_HELD[sound.not_playable or "not_encoded"]
    if sound.not_playable is None:
        return HELD.format(what="the sound")
    longer = f" (the whole is longer than {MAX_PLAYED_S:.0f} s)"
    return HELD.format(what=f"the flagged seconds and what surrounds them{longer}")


def _ticks(axis: _Axis) -> Iterable[tuple[float, str]]:
    """Round times of the file along the axis."""
    start, length = axis.sound.start_s, axis.sound.duration_s
    step = next((step for step in TICK_STEPS_S if length / step <= 6), length / 5)
    first = -(-start // step)
    for i in range(int(length / step) + 1):
        time_s = (first + i) * step
        if time_s <= start + length * (1 + 1e-9):
            yield axis.percent(time_s), wording.clock(time_s, tenths=step < 1)


def _flagged(lanes: Sequence[voices.Lane], axis: _Axis) -> Iterable[tuple[float, float]]:
    """The stretches that reach their cut, joined: left edge and width."""
    held = sorted(
        (span.start_s, span.end_s)
        for lane in lanes
        for span in lane.scored
        if voices.reaches(span, lane.cut) and axis.holds(span)
    )
    joined: list[tuple[float, float]] = []
    for start, end in held:
        if joined and start <= joined[-1][1] + axis.sound.duration_s / 200:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return (axis.extent(start, end) for start, end in joined)


def _flag(number: int, mark: voices.Mark, axis: _Axis) -> Flag:
    x0, width = axis.extent(mark.start_s, mark.end_s)
    text = voices.mark_sentence(mark)
    at_s = axis.playable(max(axis.sound.start_s, mark.start_s - 1.0))
    return Flag(number, x0, width, text, mark.severity, at_s)


def _buttons(flags: Sequence[Flag]) -> Iterable[Button]:
    groups: list[list[Flag]] = []
    for flag in flags:
        if groups and flag.x0 - groups[-1][0].x0 < NEAR_PERCENT:
            groups[-1].append(flag)
        else:
            groups.append([flag])
    for group in groups:
        first, last = group[0], group[-1]
        label = str(first.number) if first is last else f"{first.number}–{last.number}"
        worst = min((flag.severity for flag in group), key=("strong", "notable", "info").index)
        yield Button(label, first.x0, "; ".join(flag.text for flag in group), worst, first.at_s)


def _lane(lane: voices.Lane, axis: _Axis) -> Lane:
    spans = charts.telling_spans(lane.scored, MAX_BLOCKS)
    blocks = [_scored_block(span, lane.cut, axis) for span in spans if axis.holds(span)]
    blocks += [_unjudged_block(one, axis) for one in lane.unjudged[:MAX_BLOCKS] if axis.holds(one)]
    blocks.sort(key=lambda block: block.x0)
    return Lane(
        title=lane.title,
        summary=voices.summary(lane),
        blocks=tuple(blocks),
        threshold_y=None if lane.cut is None else 100 * (1 - lane.cut),
        scored=bool(lane.scored),
    )


def _state(span: Any, cut: float | None) -> str:
    if cut is None:
        return "uncut"
    return "above" if voices.reaches(span, cut) else "below"


SAYS = {
    "above": "reaches the threshold",
    "below": "below the threshold",
    "uncut": "no threshold",
    "unjudged": "not judged",
}


def _scored_block(span: Any, cut: float | None, axis: _Axis) -> Block:
    x0, width = axis.extent(span.start_s, span.end_s)
    state, score = _state(span, cut), wording.score(span.p_fake)
    where = voices.stretch(span.start_s, span.end_s)
    text = f"{where}: p_fake {score}, {SAYS[state]}"
    height = 100 * min(1.0, max(0.0, span.p_fake))
    return Block(x0, width, height, state, score, "", text, axis.playable(span.start_s))


def _unjudged_block(one: voices.Unjudged, axis: _Axis) -> Block:
    x0, width = axis.extent(one.start_s, one.end_s)
    text = f"{voices.stretch(one.start_s, one.end_s)}: not judged, {one.why}"
    return Block(x0, width, 0.0, "unjudged", "–", one.why, text, axis.playable(one.start_s))


def _rows(lanes: Sequence[voices.Lane], axis: _Axis) -> list[Row]:
    """Every segment in time order; where there are too many, the highest come first."""
    held = [
        (-(span.p_fake or 0.0), span.start_s, _scored_row(lane, span, axis))
        for lane in lanes
        for span in lane.scored
    ]
    held += [
        (1.0, one.start_s, _unjudged_row(lane, one, axis))
        for lane in lanes
        for one in lane.unjudged
    ]
    by_time = len(held) <= MAX_ROWS
    held.sort(key=lambda entry: entry[1] if by_time else entry[:2])
    return [row for _, _, row in held]


def _scored_row(lane: voices.Lane, span: Any, axis: _Axis) -> Row:
    state = _state(span, lane.cut)
    return Row(
        voices.stretch(span.start_s, span.end_s),
        lane.title,
        wording.score(span.p_fake),
        wording.cut_score(lane.cut),
        SAYS[state],
        state,
        axis.playable(span.start_s),
    )


def _unjudged_row(lane: voices.Lane, one: voices.Unjudged, axis: _Axis) -> Row:
    where = voices.stretch(one.start_s, one.end_s)
    says = f"not judged: {one.why}"
    return Row(where, lane.title, "–", "–", says, "unjudged", axis.playable(one.start_s))
