from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.log_mel import FLOOR, log_mel


def sound(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(16000 * seconds)) / 16000
    return (0.3 * np.sin(2 * np.pi * 440 * time_s) + rng.normal(0, 0.02, len(time_s))).astype(
        np.float32
    )


@pytest.mark.parametrize(("n_fft", "apart"), [(320, 2e-3), (321, 0.3)])
def test_it_is_that_of_librosa_with_torchaudios_settings(n_fft: int, apart: float) -> None:
    # Of an odd size torchaudio takes the lines for a third of a percent higher than they are.
    librosa = pytest.importorskip("librosa")
    other = librosa.feature.melspectrogram(
        y=sound(), sr=16000, n_fft=n_fft, hop_length=160, n_mels=64, htk=True, norm=None,
        pad_mode="reflect", power=2.0,
    )  # fmt: skip
    found = log_mel(sound(), n_fft=n_fft)
    assert np.abs(found - np.log(other[:, : found.shape[1]] + FLOOR)).max() < apart


def test_it_has_a_column_every_ten_milliseconds() -> None:
    assert log_mel(sound(1.0)).shape == (64, 100)
    assert log_mel(sound(512 / 25)[: int(512 / 25 * 16000)]).shape == (64, 2048)


def test_silence_is_the_floor_and_a_tone_stands_in_its_band() -> None:
    assert np.allclose(log_mel(np.zeros(1600, np.float32)), np.log(FLOOR))
    loudest = log_mel(sound()).mean(axis=1).argmax()
    mels = 2595 * np.log10(1 + np.array([440.0, 8000.0]) / 700)
    assert loudest == round(float(mels[0] / mels[1] * 65)) - 1


@pytest.mark.parametrize("samples", [np.zeros(320), np.zeros((2, 400)), np.zeros(0)])
def test_too_little_sound_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="321"):
        log_mel(samples.astype(np.float32))
