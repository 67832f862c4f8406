from __future__ import annotations

import numpy as np

from assay.training.forgeries.mel_reconstruction import through_mel
from assay.training.forgeries.spectrogram import Frames, mel_filters
from tests.training.sound_makers import RATE_HZ, voiced

FRAMES = Frames(1024, 256)


def errors(n_mels: int, updates: int) -> tuple[float, float]:
    """How far the bands, and how far the magnitudes, are from the genuine ones."""
    filters = mel_filters(n_mels, 1024, RATE_HZ, 0.0, 8000.0)
    size = np.abs(FRAMES.spectra(voiced(0.8))).astype(np.float32)
    back = through_mel(size, filters, updates)
    assert back.shape == size.shape
    assert (back >= 0).all()
    wanted = size @ filters.T
    bands = np.linalg.norm(back @ filters.T - wanted) / np.linalg.norm(wanted)
    return float(bands), float(np.linalg.norm(back - size) / np.linalg.norm(size))


def test_the_bands_are_kept_and_the_harmonics_between_them_lost() -> None:
    bands, bins = errors(80, 30)
    assert bands < 0.05
    assert bins > 0.1


def test_more_bands_lose_less_and_updates_come_nearer() -> None:
    assert errors(128, 5)[1] < errors(40, 5)[1]
    assert errors(80, 30)[0] < errors(80, 0)[0]
