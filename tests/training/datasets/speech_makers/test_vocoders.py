from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import cast

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.datasets.speech_makers import Copier, Sound, discover
from assay.training.datasets.speech_makers import vocoders as room
from assay.training.datasets.speech_makers.vocoders import (
    FFT,
    MEL_RATE_HZ,
    mel_filters,
    mel_spectrum,
    stubbed,
)

NAMES = [maker.name for maker in room.MAKERS]


def tone(rate_hz: int = 16_000, seconds: float = 3.0) -> Sound:
    """A voice-like sum of harmonics of 120 Hz that swells twice a second."""
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    waves = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 30))
    return Sound((0.1 * waves * (1.2 + np.sin(4 * np.pi * t))).astype(np.float32), rate_hz)


@pytest.mark.parametrize("highest_hz", [8000.0, MEL_RATE_HZ / 2])
def test_mel_filters_are_slaneys(highest_hz: float) -> None:
    librosa = pytest.importorskip("librosa", reason="librosa is not installed")
    wanted = librosa.filters.mel(sr=MEL_RATE_HZ, n_fft=FFT, n_mels=80, fmin=0.0, fmax=highest_hz)
    np.testing.assert_allclose(mel_filters(highest_hz), wanted, atol=1e-6)


def test_a_tone_is_in_its_mel_band() -> None:
    t = np.arange(MEL_RATE_HZ) / MEL_RATE_HZ
    mel = mel_spectrum(Sound(np.sin(2 * np.pi * 3000 * t).astype(np.float32), MEL_RATE_HZ), 8000.0)
    bands = mel_filters(8000.0) @ np.eye(FFT // 2 + 1)[round(3000 / MEL_RATE_HZ * FFT)]
    assert mel.shape == (80, MEL_RATE_HZ // 256)
    assert (mel[:, 20:60].argmax(axis=0) == bands.argmax()).all()


def test_too_little_sound_has_no_mel_spectrum() -> None:
    with pytest.raises(InputError, match="too short"):
        mel_spectrum(Sound(np.zeros(100, np.float32), 16_000), 8000.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_like_its_source(name: str) -> None:
    """Every vocoder that is installed keeps the harmonics of 120 Hz, their swelling and time."""
    maker = cast(Copier, discover()[name])
    if reason := maker.missing():
        pytest.skip(f"{reason} is not installed")
    sound = tone()
    made = maker.copy(sound, 1)
    assert made.samples.dtype == np.float32
    assert made.samples.size / made.rate_hz == pytest.approx(3.0, abs=0.1)
    assert loudness(made) @ loudness(sound) > 0.8
    assert made.samples[: sound.samples.size].tobytes() != sound.samples.tobytes()


def loudness(sound: Sound) -> np.ndarray:
    """The level of 58 steps of 50 ms, centred, of length 1."""
    step = sound.rate_hz // 20
    power = (sound.samples[: 58 * step].reshape(58, step) ** 2).mean(axis=1)
    centred = np.sqrt(power) - np.sqrt(power).mean()
    return np.asarray(centred / np.linalg.norm(centred))


def test_a_stub_lasts_as_long_as_it_is_needed() -> None:
    name = "no_such_module_anywhere"
    assert find_spec(name) is None
    with stubbed((name, "json")):
        module = __import__(name)
        assert module.anything(1).more() == {}
        assert sys.modules["json"].loads("1") == 1
    assert name not in sys.modules
    assert "json" in sys.modules
