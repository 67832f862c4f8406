"""Who speaks when, what each segment scores, and which seconds to listen to: for every rendering.

Built from evidence about voices and the sound, and from the segments of speech where they are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.report import wording
from assay.report.sanitise import finite, shortened, visible
from assay.sound import SoundSegment
from assay.types import Evidence, Span, Verdict
from assay.verdict.sound import is_of_sound, seconds_of

MAX_MARKS = 24
SAME_START_S = 0.05
WHY_NOT = {
    "too_short": "too short",
    "music": "music",
    "noisy": "too noisy",
    "clipped": "overdriven",
    "band_limited": "narrow band, as by telephone",
    "silence": "silence",
    "no_speech": "no speech",
}
NOT_SCORED = "no detector gives a score"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A segment without a score, and why in a few words."""

    start_s: float
    end_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One voice (or the whole sound) as one detector scored it, with what it did not judge."""

    title: str
    detector: str
    cut: float | None
    scored: tuple[Span, ...]
    unjudged: tuple[Unjudged, ...] = ()

    @property
    def highest(self) -> Span | None:
        """The segment with the highest score."""
        return max(self.scored, key=lambda span: span.p_fake or 0.0, default=None)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a finding lies: a stretch, or a moment where start and end are one."""

    start_s: float
    end_s: float
    title: str
    detector: str
    severity: str


def lanes(verdict: Verdict) -> list[Lane]:
    """One lane for each voice and detector, the highest score first."""
    of_sound = [one for one in verdict.evidence if is_of_sound(one)]
    rest = _unjudged(verdict, of_sound)
    found = []
    for one in of_sound:
        spans = usable_spans(one.spans)
        if spans:
            title = f"{one.subject}, {wording.titled(one.detector).lower()}"
            unjudged = tuple(rest.pop(one.speaker_id, ())) if one.speaker_id is not None else ()
            cut = wording.usable_cut(one.threshold)
            found.append(Lane(title, one.detector, cut, tuple(spans), unjudged))
    found.sort(key=lambda lane: -((lane.highest and lane.highest.p_fake) or 0.0))
    return found + [Lane(f"voice {n}", "", None, (), tuple(rest[n])) for n in sorted(rest)]


def usable_spans(spans: Iterable[Span]) -> list[Span]:
    """The spans whose numbers can be drawn, in time order."""
    good = [
        span
        for span in spans
        if finite(span.p_fake) is not None
        and finite(span.start_s) is not None
        and finite(span.end_s) is not None
    ]
    return sorted(good, key=lambda span: span.start_s)


def _unjudged(verdict: Verdict, of_sound: Sequence[Evidence]) -> dict[int, list[Unjudged]]:
    """The segments that no detector scored, by speaker."""
    starts: dict[int, set[int]] = {}
    abstained: dict[int, str] = {}
    for one in of_sound:
        if one.speaker_id is not None:
            held = starts.setdefault(one.speaker_id, set())
            held.update(_step(span.start_s) for span in usable_spans(one.spans))
            if one.reason:
                abstained.setdefault(one.speaker_id, wording.sentence_for(one.reason))
    found: dict[int, list[Unjudged]] = {}
    for segment in verdict.sound.segments if verdict.sound else ():
        step, held = _step(segment.start_s), starts.get(segment.speaker_id, set())
        if held.isdisjoint((step - 1, step, step + 1)):
            why = _why(segment, abstained.get(segment.speaker_id))
            one_left = Unjudged(segment.start_s, segment.end_s, why)
            found.setdefault(segment.speaker_id, []).append(one_left)
    return found


def _step(time_s: float) -> int:
    return round(time_s / SAME_START_S)


def _why(segment: SoundSegment, abstained: str | None) -> str:
    words = [
        WHY_NOT.get(reason.code) or shortened(visible(wording.reason_text(reason)), 80)
        for reason in segment.reasons
    ]
    return wording.listed(words) if words else shortened(visible(abstained or NOT_SCORED), 160)


def summary(lane: Lane) -> str:
    """What one lane shows, in one line: the highest segment, how many reach the cut, the rest."""
    parts = []
    top = lane.highest
    if top is not None:
        parts.append(f"Highest {wording.score(top.p_fake)} at {stretch(top.start_s, top.end_s)}")
    if top is not None and lane.cut is not None:
        n_above = sum(1 for span in lane.scored if reaches(span, lane.cut))
        of = wording.counted(len(lane.scored), "segment")
        verb = "reaches" if n_above == 1 else "reach"
        parts.append(f"{n_above} of {of} {verb} the threshold {wording.score(lane.cut)}")
    elif top is not None:
        parts.append(f"{wording.counted(len(lane.scored), 'segment')}, no threshold")
    if lane.unjudged:
        why = Counter(one.why.rstrip(".") for one in lane.unjudged)
        words = wording.listed(word for word, _ in why.most_common(3))
        parts.append(f"{wording.counted(len(lane.unjudged), 'segment')} not judged ({words})")
    return "; ".join(parts) + "."


def reaches(span: Span, cut: float | None) -> bool:
    """Whether a segment's score reaches the cut."""
    return cut is not None and span.p_fake is not None and span.p_fake >= cut


def stretch(start_s: float, end_s: float) -> str:
    """A stretch of time in words: "0:12.0–0:15.5", or one moment."""
    first, last = wording.clock(start_s, tenths=True), wording.clock(end_s, tenths=True)
    return first if first == last else f"{first}–{last}"


def marks(verdict: Verdict) -> tuple[list[Mark], int]:
    """Where findings about the sound lie, in time order, and how many were left out.

    Where there are too many, those that are worth a look stay.
    """
    order = {"strong": 0, "notable": 1, "info": 2}
    found = [
        Mark(start, end, finding.title, one.detector, finding.severity)
        for one in verdict.evidence
        if is_of_sound(one)
        for finding in one.findings
        for start, end in seconds_of(finding)
    ]
    found.sort(key=lambda mark: (order[mark.severity], mark.start_s))
    kept = sorted(found[:MAX_MARKS], key=lambda mark: (mark.start_s, mark.end_s))
    return kept, len(found) - len(kept)


def mark_sentence(mark: Mark) -> str:
    """One mark in words: "0:12.3: The room changes (voice splice)"."""
    where = stretch(mark.start_s, mark.end_s)
    return f"{where}: {mark.title.rstrip('.')} ({wording.titled(mark.detector).lower()})"


def lines(verdict: Verdict) -> list[str]:
    """The voices as lines for a terminal, then the seconds of findings."""
    told = [f"{lane.title[:1].upper()}{lane.title[1:]}: {summary(lane)}" for lane in lanes(verdict)]
    held, n_left_out = marks(verdict)
    told += [f"{mark_sentence(mark)}." for mark in held]
    return told + ([f"and {n_left_out} more places"] if n_left_out else [])
