"""What every detector that needs sound keeps to, over all that `discover()` finds."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.detectors import Detector
from assay.subjects.speech import SPEECH_RATE_HZ
from assay.types import Evidence, FloatArray, Reason, SpeechSegment, Waveform
from tests.contract.test_detectors import DETECTORS, _said, examined
from tests.verdict.doubles import make_media
from tests.verdict.sound_doubles import VoiceCase, make_segment, make_speech, make_voice

sound_detectors = pytest.mark.parametrize(
    "detector",
    [
        pytest.param(detector, id=name)
        for name, detector in DETECTORS.items()
        if detector.needs == "sound"
    ],
)


def silence() -> FloatArray:
    return np.zeros(2 * SPEECH_RATE_HZ, np.float32)


def one_sample() -> FloatArray:
    return np.full(1, 0.3, np.float32)


def direct_current() -> FloatArray:
    return np.full(2 * SPEECH_RATE_HZ, 0.5, np.float32)


def noise() -> FloatArray:
    return np.random.default_rng(5).normal(0, 0.1, 3 * SPEECH_RATE_HZ).astype(np.float32)


def short_tone() -> FloatArray:
    time_s = np.arange(SPEECH_RATE_HZ // 5) / SPEECH_RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)


def full_scale() -> FloatArray:
    return np.sign(make_voice(2.0) - 0.001).astype(np.float32)


def voiced() -> FloatArray:
    return make_voice(4.0)


SOUNDS = (silence, one_sample, direct_current, noise, short_tone, full_scale, voiced)
NOTHING_IN_THEM = (silence, one_sample, direct_current)
every_sound = pytest.mark.parametrize("make", SOUNDS, ids=lambda make: make.__name__)


def said_to_be_speech(samples: FloatArray) -> VoiceCase:
    """A case whose whole sound is called one segment of valid voice."""
    end_s = len(samples) / SPEECH_RATE_HZ
    segment = SpeechSegment(0.0, end_s, samples, SPEECH_RATE_HZ)
    return VoiceCase(speech=make_speech(segment, waveform=Waveform(samples, SPEECH_RATE_HZ)))


@sound_detectors
@every_sound
def test_it_answers_any_sound_and_says_the_same_twice(
    detector: type[Detector], make: Callable[[], FloatArray]
) -> None:
    first, second = (examined(detector, said_to_be_speech(make())) for _ in range(2))
    assert [_said(one) for one in first] == [_said(one) for one in second]
    assert first
    if make in NOTHING_IN_THEM:
        assert not any(one.status == "scored" for one in first), "there is nothing to judge"


@sound_detectors
@pytest.mark.parametrize("code", ["silence", "no_speech", "music", "too_short"])
def test_no_speech_means_no_voice_is_scored(detector: type[Detector], code: str) -> None:
    reasons = (Reason(code, "The reason that was found."),)
    case = VoiceCase(speech=make_speech(reasons=reasons, waveform=Waveform(noise(), 16_000)))
    for one in examined(detector, case):
        assert one.speaker_id is None
        assert one.subject in ("sound", "file")
        if one.status == "abstained" and one.subject == "sound":
            assert one.reason


@sound_detectors
def test_it_abstains_where_there_is_no_sound(detector: type[Detector]) -> None:
    mute = Case(make_media("video"))
    found = examined(detector, mute)
    assert found
    assert {one.status for one in found} == {"abstained"}


@sound_detectors
def test_segments_that_cannot_be_judged_are_not_scored_alone(detector: type[Detector]) -> None:
    limited = Reason("silence", "Nothing is heard.")
    case = VoiceCase(make_segment(0.0, 2.0, reasons=(limited,)))
    of_voices = [one for one in examined(detector, case) if one.speaker_id is not None]
    assert all(one.status == "abstained" and one.reason for one in of_voices)


@sound_detectors
def test_evidence_names_its_voice_and_lies_within_the_file(detector: type[Detector]) -> None:
    segments = [make_segment(3.0 * i, 3.0 * i + 2.5, 1 + i % 2) for i in range(6)]
    for one in examined(detector, VoiceCase(*segments)):
        assert one.track_id is None
        if one.speaker_id is None:
            assert one.subject in ("sound", "file")
        else:
            assert one.subject == f"voice {one.speaker_id}"
            assert one.speaker_id in (1, 2)
        assert all(0.0 <= span.start_s <= span.end_s <= 18.0 for span in one.spans)
        if one.status == "scored":
            assert one.kind is not None
            assert one.speaker_id is None or _own(one, segments)


def _own(one: Evidence, segments: list[SpeechSegment]) -> bool:
    """Whether it has spans, each of them over one of the voice's own segments."""
    own = [segment for segment in segments if segment.speaker_id == one.speaker_id]
    return bool(one.spans) and all(
        any(abs(span.start_s - s.start_s) < 0.01 and abs(span.end_s - s.end_s) < 0.01 for s in own)
        for span in one.spans
    )


@sound_detectors
def test_it_does_not_change_the_sound_it_is_given(detector: type[Detector]) -> None:
    case = VoiceCase(make_segment(0.0, 3.0), make_segment(3.5, 6.0))
    assert case.speech is not None
    assert case.waveform is not None
    arrays = [case.waveform.samples, case.speech.waveform.samples]
    arrays += [segment.waveform for segment in case.speech.segments]
    before = [array.copy() for array in arrays]
    examined(detector, case)
    assert all((old == new).all() for old, new in zip(before, arrays, strict=True))


@sound_detectors
@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 192_000])
@every_sound
def test_a_file_of_any_rate_is_answered_from_the_start(
    detector: type[Detector], make: Callable[[], FloatArray], rate_hz: int, tmp_path: Path
) -> None:
    from assay.media.probe import probe

    if rate_hz != 8_000 and make not in (one_sample, voiced):
        pytest.skip("one rate is enough for this sound")
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.rint(make() * 32767).astype("<i2").tobytes())
    found = examined(detector, Case(probe(path)))
    if make in NOTHING_IN_THEM:
        assert not any(one.status == "scored" for one in found)


def test_the_made_voice_has_pitch_and_formants() -> None:
    voice = make_voice(1.0, pitch_hz=120.0)
    spectrum = np.abs(np.fft.rfft(voice * np.hanning(len(voice)))) ** 2
    hz = np.fft.rfftfreq(len(voice), 1 / SPEECH_RATE_HZ)
    likeness = np.correlate(voice[:4000], voice[:4000], "full")[4000:]
    assert SPEECH_RATE_HZ / (60 + int(np.argmax(likeness[60:300]))) == pytest.approx(120, rel=0.1)
    near, far = spectrum[(hz > 500) & (hz < 740)].mean(), spectrum[(hz > 6000)].mean()
    assert near > 1000 * far
