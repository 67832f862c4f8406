from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.linear_prediction import all_pole, excitation, filtered
from assay.training.forgeries.spectrogram import Frames
from tests.training.sound_makers import RATE_HZ, voiced


def test_the_filter_of_a_known_resonance_is_found() -> None:
    rng = np.random.default_rng(0)
    poles = np.array([1, -1.6, 0.81])
    noise = rng.standard_normal(60_000)
    sound = np.zeros_like(noise)
    for k in range(2, noise.size):
        sound[k] = noise[k] - poles[1] * sound[k - 1] - poles[2] * sound[k - 2]
    power = (np.abs(Frames(512, 128).spectra(sound.astype(np.float32))) ** 2).mean(axis=0)
    filters, gains = all_pole(power[None], 2)
    assert filters[0] == pytest.approx(poles, abs=0.05)
    assert gains[0] > 0


def test_all_filters_are_stable() -> None:
    power = np.abs(Frames(512, 256).spectra(voiced(0.6))) ** 2
    for one in all_pole(power, 16)[0]:
        assert np.abs(np.roots(one)).max() < 1.0005


@pytest.mark.parametrize("kind", ["pulse", "mixed", "noise", "monotone"])
def test_the_source_is_about_as_loud_everywhere(kind: str) -> None:
    source = excitation(voiced(1.0), RATE_HZ, 80, np.random.default_rng(0), kind)
    assert source.shape == (RATE_HZ,)
    assert 0.5 < float(source.std()) < 2


def test_the_filter_gives_the_source_the_envelope() -> None:
    frames, sound = Frames(512, 128), voiced(1.0)
    power = np.abs(frames.spectra(sound)) ** 2
    noise = np.random.default_rng(0).standard_normal(sound.size).astype(np.float32)
    out = filtered(noise, frames, *all_pole(power, 20))
    found = np.abs(frames.spectra(out)) ** 2
    bands = [np.log(p[:, :256].reshape(len(p), 16, 16).mean(axis=2) + 1e-6) for p in (power, found)]
    assert np.corrcoef(bands[0].ravel(), bands[1].ravel())[0, 1] > 0.8
