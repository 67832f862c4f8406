"""Where over time a detector's score lies above its cut, and what others report, from evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from assay.timeline import Mark, Seconds, Shot, Stretch
from assay.types import Evidence, Finding, Span
from assay.verdict.sound import is_of_sound, seconds_of

MAX_SPANS = 20_000
MAX_STRETCHES = 400
MAX_MARKS = 400
SLACK = 0.4
"""A stretch goes on while the log-odds stay this near below the cut, so that noise about the cut
does not tear it."""
JOIN_S = 0.3
GAP_STEPS, LEAST_GAP_S = 2.5, 0.5
INSTANT_S = 0.25
DENSE_STEP_S = 0.1
MOST_MARKED = 0.6


@dataclass(frozen=True, slots=True)
class Sample:
    """One score and the time it stands for: `middle_s` ± `half_s`."""

    middle_s: float
    half_s: float
    p_fake: float


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch and the scores in it, in time order."""

    stretch: Stretch
    samples: tuple[Sample, ...]


def log_odds(p: float) -> float:
    """ln(p / (1 - p)), bounded, so that certainty stays a number."""
    p = min(1.0 - 1e-6, max(1e-6, p))
    return math.log(p / (1.0 - p))


def runs_of(evidence: Iterable[Evidence], shots: Sequence[Shot]) -> list[Run]:
    """All stretches above the cuts, in time order; of too many the highest.

    A stretch begins where the score comes near the cut, reaches it and ends where the score falls
    clearly below (hysteresis of 0.4 in log-odds), at a cut of the film, or where the subject is
    out of sight; it is joined with another within 0.3 s. A single frame of a dense series is noise.
    """
    found = [run for one in evidence for run in _runs(one, shots)]
    found.sort(key=lambda run: -run.stretch.p_fake)
    return sorted(found[:MAX_STRETCHES], key=lambda run: (run.stretch.start_s, run.stretch.end_s))


def marks_of(evidence: Iterable[Evidence], shots: Sequence[Shot]) -> list[Mark]:
    """What detectors report with its seconds, in time order; of too many the gravest."""
    found = [
        mark
        for one in evidence
        if not is_of_sound(one)
        for mark in (
            *_finding_marks(one, shots),
            *_span_marks(one, shots),
            *_plot_marks(one, shots),
        )
    ]
    order = ("strong", "notable", "info")
    found.sort(key=lambda mark: (order.index(mark.severity), mark.start_s))
    return sorted(found[:MAX_MARKS], key=lambda mark: (mark.start_s, mark.end_s))


def shot_at(shots: Sequence[Shot], time_s: float) -> int | None:
    """The index of the shot that holds a time; None outside of all."""
    for i, shot in enumerate(shots):
        if shot.start_s <= time_s < shot.end_s:
            return i
    at_the_end = bool(shots) and time_s == shots[-1].end_s
    return len(shots) - 1 if at_the_end else None


def samples_of(spans: Sequence[Span]) -> list[Sample]:
    """The usable scores in time order; those of moments stand for half the way to the next."""
    good = sorted(filter(_usable, spans[:MAX_SPANS]), key=lambda span: span.start_s + span.end_s)
    middles = [(span.start_s + span.end_s) / 2 for span in good]
    step = _step(middles)
    return [
        Sample(middle, _half(span.end_s - span.start_s, step), float(span.p_fake or 0.0))
        for middle, span in zip(middles, good, strict=True)
    ]


def _usable(span: Span) -> bool:
    p, start, end = span.p_fake, span.start_s, span.end_s
    return p is not None and all(map(math.isfinite, (p, start, end))) and 0 <= start <= end


def _step(middles: Sequence[float]) -> float:
    steps = [b - a for a, b in pairwise(middles) if b > a]
    return median(steps) if steps else 0.0


def _half(length_s: float, step_s: float) -> float:
    """How far a score reaches: windows that overlap stand for their share of the time."""
    if length_s <= 0:
        return min(step_s / 2, INSTANT_S)
    return min(length_s, step_s) / 2 if step_s else length_s / 2


def _runs(one: Evidence, shots: Sequence[Shot]) -> list[Run]:
    cut = one.threshold
    if is_of_sound(one) or one.status != "scored" or cut is None or not 0 < cut < 1:
        return []
    samples = samples_of(one.spans)
    step = _step([sample.middle_s for sample in samples])
    held = [run for run in _above(samples, cut, step, shots) if _is_one(run, cut, step)]
    return [_run(one, cut, group, shots) for group in _joined(held, shots)]


def _above(
    samples: Sequence[Sample], cut: float, step: float, shots: Sequence[Shot]
) -> Iterator[list[Sample]]:
    """Neighbours that stay near or above the cut, within one shot and in sight."""
    low = log_odds(cut) - SLACK
    longest = max(GAP_STEPS * step, LEAST_GAP_S)
    run: list[Sample] = []
    for sample in samples:
        ends = log_odds(sample.p_fake) < low
        if run and (
            ends
            or sample.middle_s - run[-1].middle_s > longest
            or _another_shot(run[-1], sample, shots)
        ):
            yield run
            run = []
        if not ends:
            run.append(sample)
    if run:
        yield run


def _another_shot(a: Sample, b: Sample, shots: Sequence[Shot]) -> bool:
    return shot_at(shots, a.middle_s) != shot_at(shots, b.middle_s)


def _is_one(run: Sequence[Sample], cut: float, step: float) -> bool:
    alone = len(run) == 1 and 0 < step < DENSE_STEP_S
    return not alone and any(sample.p_fake >= cut for sample in run)


def _joined(runs: Sequence[list[Sample]], shots: Sequence[Shot]) -> list[list[Sample]]:
    joined: list[list[Sample]] = []
    for run in runs:
        last = joined[-1][-1] if joined else None
        gap = run[0].middle_s - run[0].half_s - last.middle_s - last.half_s if last else math.inf
        if last is not None and gap <= JOIN_S and not _another_shot(last, run[0], shots):
            joined[-1].extend(run)
        else:
            joined.append(list(run))
    return joined


def _run(one: Evidence, cut: float, samples: Sequence[Sample], shots: Sequence[Shot]) -> Run:
    peak = max(samples, key=lambda sample: sample.p_fake)
    shot = shot_at(shots, peak.middle_s)
    start = max(0.0, samples[0].middle_s - samples[0].half_s)
    end = samples[-1].middle_s + samples[-1].half_s
    if shot is not None:
        start, end = max(start, shots[shot].start_s), min(end, shots[shot].end_s)
    stretch = Stretch(
        start_s=start,
        end_s=max(start, end),
        peak_s=peak.middle_s,
        p_fake=peak.p_fake,
        threshold=cut,
        detector=one.detector,
        family=one.family,
        subject=one.subject,
        track_id=one.track_id,
        fires=one.p_fake is not None and one.p_fake >= cut,
        shot=shot,
    )
    return Run(stretch, tuple(samples))


def _finding_marks(one: Evidence, shots: Sequence[Shot]) -> Iterator[Mark]:
    for finding in one.findings:
        for start, end in seconds_of(finding):
            yield _mark(one, start, end, finding, shots)


def _span_marks(one: Evidence, shots: Sequence[Shot]) -> Iterator[Mark]:
    """The stretches of a detector that gives no score, unless they are simply all of the time."""
    spans = one.spans[:MAX_MARKS] if one.status == "reported" else ()
    good = [s for s in spans if all(map(math.isfinite, (s.start_s, s.end_s))) and s.start_s >= 0]
    good = [span for span in good if span.end_s >= span.start_s]
    if not good or any(seconds_of(finding) for finding in one.findings):
        return
    whole = max(span.end_s for span in good) - min(span.start_s for span in good)
    if len(good) > 1 and sum(span.end_s - span.start_s for span in good) > MOST_MARKED * whole:
        return
    words = one.detector.replace("_", " ")
    for span in good:
        yield _mark(one, span.start_s, span.end_s, Finding("", words.capitalize(), ""), shots)


def _plot_marks(one: Evidence, shots: Sequence[Shot]) -> Iterator[Mark]:
    """Moments that a detector lists beside its curve over time, such as `blinks_s`: bare facts."""
    plot = one.details.get("plot")
    times = plot.get("times_s") if isinstance(plot, Mapping) else None
    if not isinstance(plot, Mapping) or not isinstance(times, list | tuple):
        return
    for name, value in list(plot.items())[:20]:
        listed = isinstance(value, list | tuple) and len(value) != len(times)
        if listed and isinstance(name, str) and name.endswith("_s"):
            words = name.removesuffix("_s").replace("_", " ").capitalize()
            for start, end in seconds_of(Finding("", words, "", values={"times_s": value})):
                yield _mark(one, start, end, Finding("", words, ""), shots)


def _mark(one: Evidence, start: float, end: float, told: Finding, shots: Sequence[Shot]) -> Mark:
    return Mark(
        start_s=start,
        end_s=end,
        title=told.title,
        severity=told.severity,
        detector=one.detector,
        family=one.family,
        subject=one.subject,
        track_id=one.track_id,
        shot=shot_at(shots, (start + end) / 2),
    )


def joined_seconds(stretches: Iterable[Seconds]) -> list[Seconds]:
    """Stretches in time order, those that touch made one."""
    joined: list[Seconds] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
