from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.spectrogram import Frames, frames_for, mel_filters, smooth_envelope
from tests.training.sound_makers import RATE_HZ, voiced


@pytest.mark.parametrize(("size", "hop"), [(256, 128), (512, 128), (1024, 128), (400, 80)])
@pytest.mark.parametrize("n", [1, 255, 4001, 8192])
def test_there_and_back_is_the_same_sound(size: int, hop: int, n: int) -> None:
    frames, sound = Frames(size, hop), voiced(1.0)[:n]
    spectra = frames.spectra(sound)
    assert spectra.shape == (-(-n // hop) + 1, size // 2 + 1)
    back = frames.sound(spectra, n)
    assert back.dtype == np.float32
    assert np.abs(back - sound).max() < 1e-5


def test_frames_last_as_long_at_any_rate() -> None:
    assert frames_for(1024, 4, RATE_HZ) == Frames(1024, 256)
    other = frames_for(1024, 4, 44_100)
    assert other.size == pytest.approx(1024 * 44_100 / 16_000, abs=4)
    assert other.size % other.hop == 0


def test_a_tone_lights_the_mel_band_it_lies_in() -> None:
    filters = mel_filters(40, 1024, RATE_HZ, 0.0, 8000.0)
    assert filters.shape == (40, 513)
    tone = np.zeros(513)
    bands = []
    for hz in (200, 1000, 3000, 7000):
        tone[:] = 0
        tone[round(hz / 8000 * 512)] = 1
        bands.append(int(np.argmax(filters @ tone)))
    assert bands == sorted(set(bands))
    assert np.allclose(filters.sum(axis=1), 1, atol=1e-4)


def test_an_envelope_is_the_mean_over_its_band() -> None:
    rng = np.random.default_rng(0)
    magnitudes = rng.uniform(0, 1, (3, 257))
    smooth = smooth_envelope(magnitudes, 500, RATE_HZ)
    assert smooth.shape == magnitudes.shape
    assert smooth[1, 100] == pytest.approx(magnitudes[1, 92:109].mean(), rel=1e-4)
    assert smooth.std() < 0.5 * magnitudes.std()
