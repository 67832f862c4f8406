import numpy as np
import pytest

from assay.subjects.speech import SPEECH_RATE_HZ, Speech
from assay.types import Reason, Waveform


def test_speech_without_segments_says_why():
    sound = Waveform(np.zeros(10, np.float32), SPEECH_RATE_HZ)
    nothing = np.zeros((0, 2), np.float32)
    with pytest.raises(ValueError, match="why"):
        Speech(sound, (), nothing, 0)
    assert Speech(sound, (), nothing, 0, (Reason("silence", "silent"),)).speech_s == 0
