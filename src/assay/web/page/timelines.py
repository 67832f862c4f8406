"""Scores over time as the page draws them beside a player: positions in percent of the time shown.

The drawing has no style of its own and is whole without script; the script moves a cursor in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report import figures, wording

MAX_LANES = 8
MAX_BARS = 300
MAX_MOMENTS = 12
N_TICKS = 4
NARROWEST = 0.4  # percent: a single frame still has to be seen and hit


@dataclass(frozen=True, slots=True)
class Bar:
    """One scored stretch: `x` and `width` in percent, `height` is p_fake in percent."""

    x: float
    width: float
    height: float
    above: bool
    start_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One detector on one subject; `cut` is its threshold in percent, None without one."""

    title: str
    subject: str
    cut: float | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A place worth looking at; `x` and `width` in percent."""

    start_s: float
    end_s: float
    x: float
    width: float
    subject: str
    why: str
    p_fake: float | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn from `start_s` to `end_s`; `cuts` and `ticks` are positions in percent."""

    start_s: float
    end_s: float
    lanes: tuple[Lane, ...]
    moments: tuple[Moment, ...]
    cuts: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    n_lanes_left_out: int


def timeline(result: Mapping[str, Any]) -> Timeline | None:
    """The drawing of a video or a recording; None where nothing has a place in time."""
    duration_s = result["input"].get("duration_s")
    held = result.get("timeline")
    segments = [one for one in result.get("segments") or () if one["p_fake"] is not None]
    if not duration_s or not (segments or (held and (held["moments"] or held["marks"]))):
        return None
    end_s = max([duration_s, *(one["end_s"] for one in segments)])
    scale = _Scale(0.0, end_s)
    lanes = _lanes(segments, result["detectors"], scale)
    shots = held["shots"] if held else []
    return Timeline(
        start_s=0.0,
        end_s=end_s,
        lanes=tuple(lanes[:MAX_LANES]),
        moments=tuple(_moments(result, lanes, scale)),
        cuts=tuple(scale.at(one["start_s"]) for one in shots[1:]),
        ticks=tuple(_ticks(scale)),
        n_lanes_left_out=max(0, len(lanes) - MAX_LANES),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start_s: float
    end_s: float

    def at(self, time_s: float) -> float:
        share = (time_s - self.start_s) / (self.end_s - self.start_s)
        return round(100 * min(1.0, max(0.0, share)), 3)


def _ticks(scale: _Scale) -> list[tuple[float, str]]:
    step = (scale.end_s - scale.start_s) / N_TICKS
    tenths = step < 10
    times = [scale.start_s + step * n for n in range(N_TICKS + 1)]
    return [(scale.at(time_s), figures.clock(time_s, tenths=tenths)) for time_s in times]


def _lanes(
    segments: Iterable[Mapping[str, Any]], detectors: Sequence[Mapping[str, Any]], scale: _Scale
) -> list[Lane]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in segments:
        groups.setdefault((one["detector"], _subject(one)), []).append(one)
    lanes = [
        _lane(name, subject, held, _cut(detectors, name, subject), scale)
        for (name, subject), held in groups.items()
    ]
    return sorted(lanes, key=lambda lane: -max(bar.height for bar in lane.bars))


def _subject(segment: Mapping[str, Any]) -> str:
    if segment["track"] is not None:
        return f"face {segment['track']}"
    return "" if segment["speaker"] is None else f"voice {segment['speaker']}"


def _cut(detectors: Sequence[Mapping[str, Any]], name: str, subject: str) -> float | None:
    own = [one for one in detectors if one["name"] == name and one["threshold"] is not None]
    exact = [one for one in own if one["subject"] == subject] or own
    return wording.usable_cut(exact[0]["threshold"]) if exact else None


def _lane(
    name: str, subject: str, segments: list[Mapping[str, Any]], cut: float | None, scale: _Scale
) -> Lane:
    segments = _thinned(sorted(segments, key=lambda one: one["start_s"]))
    bars = tuple(_bar(one, cut, scale) for one in segments)
    return Lane(wording.titled(name), subject, None if cut is None else 100 * cut, bars)


def _thinned(segments: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """At most as many as can be told apart: of neighbours the highest is kept."""
    step = -(-len(segments) // MAX_BARS)
    groups = (segments[n : n + step] for n in range(0, len(segments), step))
    return [max(group, key=lambda one: one["p_fake"]) for group in groups]


def _bar(segment: Mapping[str, Any], cut: float | None, scale: _Scale) -> Bar:
    start_s, end_s, p_fake = segment["start_s"], segment["end_s"], segment["p_fake"]
    x = scale.at(start_s)
    width = max(NARROWEST, scale.at(end_s) - x)
    text = f"{figures.clock(start_s, tenths=True)}: p_fake {figures.score(p_fake)}"
    above = cut is not None and p_fake >= cut
    return Bar(min(x, 100 - width), width, round(100 * p_fake, 2), above, start_s, text)


def _moments(result: Mapping[str, Any], lanes: list[Lane], scale: _Scale) -> list[Moment]:
    """Those that the result names; of a recording, the stretches above their threshold."""
    if result.get("timeline"):
        found = result["timeline"]["moments"][:MAX_MOMENTS]
        return [
            _moment(scale, one["start_s"], one["end_s"], one["subject"], one["why"], one["p_fake"])
            for one in found
        ]
    held = [(lane, bar) for lane in lanes for bar in lane.bars if bar.above]
    held.sort(key=lambda pair: -pair[1].height)
    span_s = scale.end_s - scale.start_s
    return [
        _moment(
            scale, bar.start_s, bar.start_s + bar.width / 100 * span_s, lane.subject,
            lane.title, bar.height / 100,
        )
        for lane, bar in held[:MAX_MOMENTS]
    ]  # fmt: skip


def _moment(
    scale: _Scale, start_s: float, end_s: float, subject: str, why: str, p_fake: float | None
) -> Moment:
    x = scale.at(start_s)
    width = max(NARROWEST, scale.at(end_s) - x)
    return Moment(start_s, end_s, min(x, 100 - width), width, subject, why, p_fake)
