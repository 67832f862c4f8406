from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.phase_randomised import WAYS, with_phase
from assay.training.forgeries.spectrogram import Frames
from tests.training.sound_makers import RATE_HZ, voiced


@pytest.mark.parametrize("way", WAYS)
def test_the_magnitudes_stay_and_the_phase_does_not(way: str) -> None:
    frames = Frames(512, 128)
    spectra = frames.spectra(voiced(0.5))
    out = with_phase(spectra, way, np.random.default_rng(0), frames, RATE_HZ)
    loud = np.abs(spectra) > 1e-3 * np.abs(spectra).max()
    assert np.abs(out)[loud] == pytest.approx(np.abs(spectra)[loud], rel=0.02)
    turned = np.angle(out[loud] * np.conj(spectra[loud]))
    assert np.abs(turned).max() > 0.1
    if way == "high":
        low = np.angle(out[:, :40] * np.conj(spectra[:, :40]))
        assert np.abs(low).max() < 1e-6


def test_the_minimum_phase_begins_at_the_middle_of_the_frame() -> None:
    frames = Frames(512, 128)
    out = with_phase(
        frames.spectra(voiced(0.5)), "minimum", np.random.default_rng(0), frames, RATE_HZ
    )
    energy = (np.fft.irfft(out, 512) ** 2).sum(axis=0)
    assert energy[256:320].sum() > 2 * energy[192:256].sum()
