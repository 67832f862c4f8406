from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.spectrogram import Frames
from assay.training.forgeries.time_stretch import stretched
from tests.training.sound_makers import RATE_HZ

FRAMES = Frames(1024, 256)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
def test_a_stretched_tone_lasts_longer_and_is_as_high(factor: float) -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    out = stretched(tone, factor, FRAMES)
    assert out.size == round(RATE_HZ * factor)
    middle = out[2000:-2000] * np.hanning(out.size - 4000)
    hz = np.fft.rfftfreq(middle.size * 4, 1 / RATE_HZ)[
        np.abs(np.fft.rfft(middle, middle.size * 4)).argmax()
    ]
    assert hz == pytest.approx(500, abs=2)
    assert float(middle.std()) > 0.2


def test_what_happens_halfway_happens_halfway() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[8000:8400] = np.random.default_rng(0).standard_normal(400)
    out = stretched(sound, 1.5, FRAMES)
    centre = float((np.arange(out.size) * out**2).sum() / (out**2).sum())
    assert centre == pytest.approx(1.5 * 8200, abs=400)


def test_a_clip_shorter_than_a_hop_comes_back_at_its_length() -> None:
    assert stretched(np.ones(100, np.float32), 1.3, FRAMES).size == 130
