from __future__ import annotations

from assay.types import Span
from assay.verdict.voices import judged_segments, seconds_of, span_of, speech_of
from tests.verdict.doubles import make_case
from tests.verdict.sound_doubles import VoiceCase, make_segment, make_voice_evidence

FIRST, SECOND, OTHER = make_segment(0, 2), make_segment(2, 5), make_segment(5, 7, speaker_id=2)


def test_speech_is_not_looked_for_to_be_told_of() -> None:
    case = make_case()
    assert speech_of(case) == ()
    assert "speech" not in vars(case)
    case.__dict__["speech"] = None
    assert speech_of(case) == ()


def test_the_judged_segments_are_the_voices_own_with_a_span() -> None:
    case = VoiceCase(FIRST, SECOND, OTHER)
    both = make_voice_evidence(0.0)
    assert judged_segments(case, both) == (FIRST, SECOND)
    one = make_voice_evidence(0.0, spans=(Span(2.0, 5.0, 1.0), Span(5.0, 7.0, 1.0)))
    assert judged_segments(case, one) == (SECOND,)
    assert judged_segments(case, make_voice_evidence(0.0, 3)) == ()


def test_a_span_belongs_to_the_segment_that_it_overlaps_most() -> None:
    spans = (Span(0.0, 2.0, 1.0), Span(2.0, 5.0, 2.0))
    assert span_of(spans, make_segment(2.25, 5.0)) == spans[1]
    assert span_of(spans, make_segment(1.9, 3.0)) == spans[1]
    assert span_of(spans, make_segment(4.8, 6.0)) is None
    assert span_of((), FIRST) is None


def test_seconds_add_up() -> None:
    assert seconds_of([FIRST, SECOND]) == 5.0
    assert seconds_of([]) == 0.0
