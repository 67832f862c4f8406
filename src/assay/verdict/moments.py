"""The most suspicious moments of a video: where the evidence of several families comes together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from assay.timeline import Mark, Moment, Shot, Stretch
from assay.verdict.stretches import Run, Sample, log_odds, shot_at

AROUND_S = 0.5
APART_S = 2 * AROUND_S
PER_SUBJECT = 4
MAX_MOMENTS = 12
MAX_PEAKS = 40
TOP_STRENGTH = 4.0
MARKED = {"strong": 1.0, "notable": 0.5, "info": 0.0}
Subject = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class _Cause:
    """What speaks at one time for it, how strongly, and over which seconds."""

    strength: float
    held: Stretch | Mark
    start_s: float
    end_s: float


def moments_of(
    runs: Sequence[Run], marks: Sequence[Mark], shots: Sequence[Shot]
) -> tuple[Moment, ...]:
    """At most twelve moments of a second, four a subject, the most suspicious first.

    A score at its cut counts 1, and 1 more for each unit of log-odds above it, up to 4; a mark
    counts by its severity (strong 1, notable 0.5, a bare fact nothing). Of one family the
    strongest counts, and the families add up: that several kinds of evidence meet is what ranks a
    moment. Those of a subject that reaches a cut as a whole come before those of one that does
    not. Moments of one subject lie at least a second apart.
    """
    found: list[Moment] = []
    held: list[Stretch | Mark] = [*(run.stretch for run in runs), *marks]
    for subject in dict.fromkeys(map(_of, held)):
        own = [run for run in runs if _of(run.stretch) == subject]
        reported = [mark for mark in marks if _of(mark) == subject and MARKED[mark.severity]]
        candidates = [_moment(time_s, own, reported, shots) for time_s in _peaks(own, reported)]
        found += _apart([one for one in candidates if one is not None])
    found.sort(key=_rank)
    return tuple(found[:MAX_MOMENTS])


def _of(held: Stretch | Mark) -> Subject:
    return held.subject, held.track_id


def _rank(moment: Moment) -> tuple[bool, float, float]:
    return not moment.fires, -moment.evidence, moment.start_s


def _apart(candidates: Iterable[Moment]) -> list[Moment]:
    chosen: list[Moment] = []
    for one in sorted(candidates, key=_rank):
        clear = all(
            abs(one.peak_s - other.peak_s) >= APART_S
            and (one.end_s <= other.start_s or one.start_s >= other.end_s)
            for other in chosen
        )
        if clear and len(chosen) < PER_SUBJECT:
            chosen.append(one)
    return chosen


def _peaks(runs: Sequence[Run], marks: Sequence[Mark]) -> list[float]:
    """Where to look: the highest scores of each run, half a second apart, and every mark."""
    times: list[float] = []
    for run in runs:
        own: list[float] = []
        reaching = [one for one in run.samples if one.p_fake >= run.stretch.threshold]
        for sample in sorted(reaching, key=lambda one: -one.p_fake):
            if len(own) < MAX_PEAKS and all(abs(sample.middle_s - t) >= AROUND_S for t in own):
                own.append(sample.middle_s)
        times += own
    return times + [(mark.start_s + mark.end_s) / 2 for mark in marks]


def _moment(
    time_s: float, runs: Sequence[Run], marks: Sequence[Mark], shots: Sequence[Shot]
) -> Moment | None:
    shot = shot_at(shots, time_s)
    low, high = time_s - AROUND_S, time_s + AROUND_S
    if shot is not None:
        low, high = max(low, shots[shot].start_s), min(high, shots[shot].end_s)
    causes = [cause for run in runs if (cause := _scored(run, low, high)) is not None]
    causes += [
        _Cause(MARKED[mark.severity], mark, mark.start_s, mark.end_s)
        for mark in marks
        if low <= (mark.start_s + mark.end_s) / 2 <= high
    ]
    if not causes:
        return None
    causes.sort(key=lambda cause: -cause.strength)
    strongest: dict[str, float] = {}
    for cause in causes:
        strongest.setdefault(cause.held.family, cause.strength)
    start = min(time_s, max(low, min(cause.start_s for cause in causes)))
    end = max(time_s, min(high, max(cause.end_s for cause in causes)))
    scored = [cause.held for cause in causes if isinstance(cause.held, Stretch)]
    subject, track_id = _of(causes[0].held)
    return Moment(
        start_s=start,
        end_s=end,
        peak_s=time_s,
        subject=subject,
        track_id=track_id,
        p_fake=max((one.p_fake for one in scored), default=None),
        evidence=round(sum(strongest.values()), 3),
        fires=any(one.fires for one in scored),
        causes=tuple(cause.held for cause in causes),
        shot=shot,
    )


def _scored(run: Run, low: float, high: float) -> _Cause | None:
    """What a run says within the window: its highest score there, as a stretch of its own."""
    inside = [one for one in run.samples if low <= one.middle_s <= high]
    if not inside:
        return None
    peak: Sample = max(inside, key=lambda one: one.p_fake)
    above = log_odds(peak.p_fake) - log_odds(run.stretch.threshold)
    if above < 0:
        return None
    start, end = max(low, run.stretch.start_s), min(high, run.stretch.end_s)
    here = replace(
        run.stretch,
        start_s=min(start, peak.middle_s),
        end_s=max(end, peak.middle_s),
        peak_s=peak.middle_s,
        p_fake=peak.p_fake,
    )
    return _Cause(min(TOP_STRENGTH, 1.0 + above), here, here.start_s, here.end_s)
