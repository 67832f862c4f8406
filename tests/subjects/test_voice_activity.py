import math
from pathlib import Path

import numpy as np
import pytest

from assay.media.audio import read_waveform, resampled
from assay.media.probe import probe
from assay.subjects.voice_activity import FRAME, RATE_HZ, voice_likelihood, voice_regions

SPOKEN = Path(__file__).parents[2] / "examples" / "spoken.wav"


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    sound = read_waveform(probe(SPOKEN), None, 60.0, lambda: None)
    return resampled(sound.samples, sound.sample_rate_hz, RATE_HZ)


def test_a_voice_is_found_between_silences(spoken):
    silence = np.zeros(2 * RATE_HZ, np.float32)
    sound = np.concatenate([silence, spoken, silence])
    regions = voice_regions(voice_likelihood(sound))
    assert regions[0, 0] >= 1.9
    assert regions[-1, 1] <= 2.4 + len(spoken) / RATE_HZ
    assert (regions[:, 1] - regions[:, 0]).sum() > 0.4 * len(spoken) / RATE_HZ


def test_noise_tones_and_silence_hold_no_voice():
    rng = np.random.default_rng(0)
    n = 5 * RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n) / RATE_HZ)
    for sound in (0.1 * rng.standard_normal(n), tone, np.zeros(n), np.full(n, 0.9)):
        assert len(voice_regions(voice_likelihood(sound.astype(np.float32)))) == 0


def test_a_quiet_recording_is_amplified(spoken):
    loud = voice_likelihood(spoken)
    quiet = voice_likelihood(spoken * np.float32(0.003))
    assert np.abs(loud - quiet).mean() < 0.1
    assert (quiet > 0.5).mean() == pytest.approx((loud > 0.5).mean(), abs=0.1)


def test_the_state_is_carried_from_call_to_call(spoken, monkeypatch):
    whole = voice_likelihood(spoken)
    monkeypatch.setattr("assay.subjects.voice_activity._FRAMES_A_CALL", 7)
    assert np.abs(voice_likelihood(spoken) - whole).max() < 1e-5


def test_it_asks_along_the_way_whether_to_go_on(spoken):
    calls = []
    voice_likelihood(np.tile(spoken, 4), lambda: calls.append(1))
    assert len(calls) == math.ceil(math.ceil(4 * len(spoken) / FRAME) / 256)


@pytest.mark.parametrize("n", [0, 1, 511, 512, 513])
def test_any_length(n):
    likely = voice_likelihood(np.full(n, 0.5, np.float32))
    assert likely.shape == (-(-n // FRAME),)
    assert np.isfinite(likely).all()


def test_regions_close_short_gaps_and_drop_short_voices():
    frame_s = FRAME / RATE_HZ
    likely = np.array(
        [0, 1, 0] + [0.9] * 8 + [0, 0] + [0.9] * 8 + [0.4] * 3 + [0.1] * 5, np.float32
    )
    expected = [[3 * frame_s, 24 * frame_s]]
    # the lone frame lies one frame before the voice and so belongs to it
    expected[0][0] = 1 * frame_s
    assert voice_regions(likely) == pytest.approx(np.array(expected))
    assert voice_regions(np.array([0, 1, 1, 0, 0, 0, 0, 0], np.float32)).shape == (0, 2)
    assert voice_regions(np.ones(10, np.float32)) == pytest.approx(np.array([[0, 10 * frame_s]]))
