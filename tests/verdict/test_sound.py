from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.media.probe import probe
from assay.options import Options
from assay.types import Evidence, Finding, Reason, Span, SpeechSegment, Waveform
from assay.verdict import sound as sound_module
from assay.verdict.sound import seconds_of, sound_of

SPOKEN = Path(__file__).parents[2] / "examples" / "spoken.wav"
PICTURE = SPOKEN.with_name("astronaut.jpg")
VIDEO = SPOKEN.with_name("portrait_in_motion.mp4")


def a_case(waveform: Waveform, **options: object) -> Case:
    case = Case(probe(str(SPOKEN)), Options(**options))
    case.__dict__["waveform"] = waveform
    return case


def long_sound(seconds: float = 300.0, start_s: float = 0.0) -> Waveform:
    return Waveform(np.ones(round(seconds * 1000), np.float32) * 0.1, 1000, start_s)


def voice(*spans: tuple[float, float, float], threshold: float = 0.5) -> Evidence:
    held = tuple(Span(start, end, 0.0, p) for start, end, p in spans)
    return Evidence(
        "voice_synthesis", "1", "v", "voice 1", "scored", logit=0.0, p_fake=0.9,
        threshold=threshold, speaker_id=1, spans=held,
    )  # fmt: skip


def test_a_short_recording_is_held_whole() -> None:
    case = Case(probe(str(SPOKEN)))
    sound = sound_of(case, ())
    assert sound is not None
    assert case.waveform is not None
    (clip,) = sound.clips
    assert clip.samples.shape == case.waveform.samples.shape
    assert clip.samples.base is None
    assert sound.not_playable is None
    assert "speech" not in vars(case), "nothing is searched for the drawing's sake"


def test_a_picture_and_a_video_whose_sound_nobody_asked_for_have_none() -> None:
    for path in (PICTURE, VIDEO):
        case = Case(probe(str(path)))
        assert sound_of(case, ()) is None
        assert "waveform" not in vars(case)


def test_no_sound_is_held_where_that_is_not_wanted() -> None:
    sound = sound_of(Case(probe(str(SPOKEN)), Options(embed_sound=False)), ())
    assert sound is not None
    assert sound.clips == ()
    assert sound.not_playable == "not_wanted"


def test_of_a_long_recording_the_flagged_seconds_are_held() -> None:
    flagged = voice((100.0, 104.0, 0.9), (105.0, 108.0, 0.8), (200.0, 203.0, 0.2))
    sound = sound_of(a_case(long_sound()), (flagged,))
    assert sound is not None
    assert [(clip.start_s, clip.duration_s) for clip in sound.clips] == [(98.5, 11.0)]
    assert sound.not_playable == "too_long"


def test_of_a_long_recording_without_a_flag_nothing_is_held() -> None:
    sound = sound_of(a_case(long_sound()), (voice((10.0, 14.0, 0.3)),))
    assert sound is not None
    assert sound.clips == ()
    assert sound.not_playable == "nothing_flagged"


def test_held_seconds_are_bounded_and_the_highest_come_first() -> None:
    spans = [(i * 10.0, i * 10.0 + 6.0, 0.6 + i / 100) for i in range(28)]
    sound = sound_of(a_case(long_sound()), (voice(*spans),))
    assert sound is not None
    assert sum(clip.duration_s for clip in sound.clips) <= sound_module.MAX_PLAYED_S
    assert len(sound.clips) <= sound_module.MAX_CLIPS
    assert sound.clips[-1].start_s == 268.5


def test_a_finding_that_spans_everything_does_not_hold_everything() -> None:
    finding = Finding("hum", "t", "m", "strong", {"start_s": 0.0, "end_s": 300.0})
    one = Evidence("voice_splice", "1", "s", "sound", "reported", findings=(finding,))
    sound = sound_of(a_case(long_sound()), (one,))
    assert sound is not None
    assert [clip.duration_s for clip in sound.clips] == [15.0]


def test_a_studio_rate_is_averaged_down() -> None:
    waveform = Waveform(np.full(192_000, 0.5, np.float32), 192_000)
    sound = sound_of(a_case(waveform), ())
    assert sound is not None
    (clip,) = sound.clips
    assert (clip.sample_rate_hz, len(clip.samples)) == (48_000, 48_000)
    assert float(clip.samples.mean()) == pytest.approx(0.5)


def test_speech_that_was_found_is_kept_without_its_samples() -> None:
    from assay.subjects.speech import Speech

    case = a_case(long_sound(20.0))
    reasons = (Reason("music", "Music."),)
    segment = SpeechSegment(1.0, 3.0, np.zeros(10, np.float32), 16_000, 2, reasons)
    regions = np.array([[1.0, 3.0]], np.float32)
    case.__dict__["speech"] = Speech(long_sound(20.0), (segment,), regions, 2)
    sound = sound_of(case, ())
    assert sound is not None
    (held,) = sound.segments
    assert (held.start_s, held.end_s, held.speaker_id, held.reasons) == (1.0, 3.0, 2, reasons)


def test_a_sound_that_cannot_be_drawn_costs_the_drawing_only() -> None:
    case = a_case(Waveform(np.zeros(0, np.float32), 16_000))
    assert sound_of(case, ()) is None


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"times_s": [1.0, 2]}, [(1.0, 1.0), (2.0, 2.0)]),
        ({"times_s": 3.5}, [(3.5, 3.5)]),
        ({"times_s": np.array([1.5])}, [(1.5, 1.5)]),
        ({"start_s": 1, "end_s": 2.5}, [(1.0, 2.5)]),
        ({"start_s": [1, 4], "end_s": [2, 5]}, [(1.0, 2.0), (4.0, 5.0)]),
        ({"start_s": 3, "end_s": 2}, []),
        ({"start_s": 3}, []),
        ({"times_s": [float("nan"), float("inf"), -1, "x", None, True, [1], 1e12]}, []),
        ({"times_s": "12"}, []),
        ({}, []),
    ],
)
def test_seconds_are_read_from_a_findings_values(
    values: dict, seconds: list[tuple[float, float]]
) -> None:
    assert seconds_of(Finding("c", "t", "m", "notable", values)) == seconds
