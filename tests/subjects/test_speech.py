from pathlib import Path

import numpy as np
import pytest

from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.subjects.speech import SPEECH_RATE_HZ, Speech, find_speech
from assay.types import Reason, Waveform

SPOKEN = Path(__file__).parents[2] / "examples" / "spoken.wav"


@pytest.fixture(scope="module")
def spoken() -> Waveform:
    return read_waveform(probe(SPOKEN), None, 60.0, lambda: None)


def test_speech_without_segments_says_why():
    sound = Waveform(np.zeros(10, np.float32), SPEECH_RATE_HZ)
    nothing = np.zeros((0, 2), np.float32)
    with pytest.raises(ValueError, match="why"):
        Speech(sound, (), nothing, 0)
    assert Speech(sound, (), nothing, 0, (Reason("silence", "silent"),)).speech_s == 0


def test_segments_lie_in_time_order_and_hold_what_is_there(spoken):
    late = Waveform(spoken.samples, spoken.sample_rate_hz, 5.0)
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
