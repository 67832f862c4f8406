"""Which stretches of speech a score about a voice speaks of."""

from __future__ import annotations

from collections.abc import Sequence

from assay.case import Case
from assay.types import Evidence, Span, SpeechSegment


def speech_of(case: Case) -> tuple[SpeechSegment, ...]:
    """The segments that were found; () where speech was not looked for, or none is there."""
    speech = vars(case).get("speech")
    return () if speech is None else speech.segments


def judged_segments(case: Case, evidence: Evidence) -> tuple[SpeechSegment, ...]:
    """Those of the voice's segments that this evidence has a span for, in time order.

    All of the voice's where it has no spans.
    """
    own = [one for one in speech_of(case) if one.speaker_id == evidence.speaker_id]
    if evidence.spans:
        own = [one for one in own if span_of(evidence.spans, one) is not None]
    return tuple(own)


def span_of(spans: Sequence[Span], segment: SpeechSegment | Span) -> Span | None:
    """The span that overlaps the segment most, over half of the shorter of both at least."""
    best = max(spans, key=lambda span: _overlap_s(span, segment), default=None)
    if best is None:
        return None
    shorter = min(best.end_s - best.start_s, segment.end_s - segment.start_s)
    return best if _overlap_s(best, segment) > shorter / 2 else None


def seconds_of(segments: Sequence[SpeechSegment]) -> float:
    """Their length together (s)."""
    return float(sum(segment.end_s - segment.start_s for segment in segments))


def _overlap_s(span: Span, segment: SpeechSegment | Span) -> float:
    return min(span.end_s, segment.end_s) - max(span.start_s, segment.start_s)
