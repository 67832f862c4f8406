import numpy as np
import pytest

from assay.errors import TimeLimitError
from assay.media.audio import resampled
from assay.subjects.speech import SPEECH_RATE_HZ, Speech, find_speech
from assay.types import Reason, Waveform
from tests.subjects.voices import melody, spoken, voiced


def test_speech_without_segments_says_why():
    sound = Waveform(np.zeros(10, np.float32), SPEECH_RATE_HZ)
    nothing = np.zeros((0, 2), np.float32)
    with pytest.raises(ValueError, match="why"):
        Speech(sound, (), nothing, 0)
    assert Speech(sound, (), nothing, 0, (Reason("silence", "silent"),)).speech_s == 0


def test_segments_lie_in_time_order_and_hold_what_is_there():
    late = Waveform(spoken(), SPEECH_RATE_HZ, 5.0)
    speech = find_speech(late)
    assert speech.segments
    assert speech.waveform.sample_rate_hz == SPEECH_RATE_HZ
    assert speech.waveform.start_s == 5.0
    for segment in speech.segments:
        first = round((segment.start_s - 5.0) * SPEECH_RATE_HZ)
        part = speech.waveform.samples[first : first + len(segment.waveform)]
        assert np.array_equal(part, segment.waveform)
        assert segment.end_s - segment.start_s == pytest.approx(
            len(segment.waveform) / SPEECH_RATE_HZ
        )
    starts = [segment.start_s for segment in speech.segments]
    assert starts == sorted(starts)


def test_silence_and_noise_give_a_reason():
    silent = find_speech(Waveform(np.zeros(48000, np.float32), 48000))
    assert [reason.code for reason in silent.reasons] == ["silence"]
    noise = np.random.default_rng(0).standard_normal(48000).astype(np.float32) * 0.1
    assert [reason.code for reason in find_speech(Waveform(noise, 16000)).reasons] == ["no_speech"]


def sounding(samples, rate_hz: int = SPEECH_RATE_HZ) -> Speech:
    return find_speech(Waveform(np.asarray(samples, np.float32), rate_hz))


def why(speech: Speech) -> list[str]:
    return [reason.code for reason in speech.reasons]


def test_a_file_of_music_alone_says_so():
    assert why(sounding(melody(12.0))) == ["music"]


@pytest.mark.parametrize(
    ("samples", "rate_hz", "reason"),
    [
        (np.zeros(1), 16000, "silence"),
        (np.ones(1), 16000, "silence"),
        (np.zeros(0), 16000, "silence"),
        (np.zeros(200_000), 192_000, "silence"),
        (np.full(100_000, 0.9), 48000, "silence"),  # a constant is no sound
        (np.sign(np.random.default_rng(0).standard_normal(96_000)), 48000, "no_speech"),
        (spoken()[6000:14000], 16000, "too_short"),
        (0.5 * np.sin(np.arange(5000.0)), 1000, "no_speech"),
        (np.sin(np.arange(30.0)), 1, "no_speech"),
    ],
)
def test_bad_sound_is_answered_with_a_reason(samples, rate_hz, reason):
    speech = sounding(samples, rate_hz)
    assert speech.segments == ()
    assert why(speech) == [reason]


def test_an_offset_and_another_rate_change_nothing_that_counts():
    plain = sounding(spoken())
    fast = resampled(spoken(), 16000, 192_000)
    for other in (sounding(spoken() * 0.5 + 0.4), sounding(fast, 192_000)):
        assert [segment.start_s for segment in other.segments] == pytest.approx(
            [segment.start_s for segment in plain.segments], abs=0.07
        )
        assert not any(segment.reasons for segment in other.segments)
        assert abs(other.waveform.samples.mean()) < 1e-4


def test_clipped_and_telephone_speech_say_so():
    clipped = np.clip(spoken() * 20, -1, 1)
    assert all("clipped" in reasons(segment) for segment in sounding(clipped).segments)
    narrow = sounding(resampled(spoken(), 16000, 8000), 8000)
    assert narrow.segments
    assert all("band_limited" in reasons(segment) for segment in narrow.segments)


def reasons(segment) -> list[str]:
    return [reason.code for reason in segment.reasons]


def test_two_voices_are_numbered_by_speaking_time():
    gap = np.zeros(6000, np.float32)
    speech = sounding(np.concatenate([voiced(95.0, 2.5), gap, spoken(), gap, spoken()]))
    ids = [segment.speaker_id for segment in speech.segments]
    assert speech.n_speakers == len(set(ids))
    seconds = {
        k: sum(s.end_s - s.start_s for s in speech.segments if s.speaker_id == k) for k in ids
    }
    assert seconds[1] == max(seconds.values())
    last = [segment.speaker_id for segment in speech.segments if segment.start_s > 4]
    assert set(last) == {1}


def test_a_long_file_is_bounded_and_says_what_was_left_out(monkeypatch):
    monkeypatch.setattr("assay.subjects.speech.MOST_SEGMENTS", 3)
    monkeypatch.setattr("assay.subjects.speech.MOST_SOUND_S", 40.0)
    speech = sounding(np.tile(np.concatenate([spoken(), np.zeros(8000)]), 12))
    assert len(speech.segments) == 3
    assert speech.waveform.duration_s == pytest.approx(40.0)
    assert speech.segments[-1].start_s > 30
    assert len(speech.notes) == 2


def test_the_time_limit_reaches_inside():
    def stop() -> None:
        raise TimeLimitError("over")

    with pytest.raises(TimeLimitError):
        find_speech(Waveform(spoken(), SPEECH_RATE_HZ), stop)
