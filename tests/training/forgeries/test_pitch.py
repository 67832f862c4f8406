from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.pitch import pitch_of, pulses
from tests.training.sound_makers import RATE_HZ


@pytest.mark.parametrize("hz", [85.0, 130.0, 240.0, 390.0])
def test_the_pitch_of_a_harmonic_sound_is_found(hz: float) -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    sound = sum(np.sin(2 * np.pi * k * hz * time_s) / k for k in range(1, 9)).astype(np.float32)
    found, clarity = pitch_of(sound, RATE_HZ, 160)
    assert found.shape == clarity.shape == (101,)
    assert float(np.median(found)) == pytest.approx(hz, rel=0.02)
    assert float(np.median(clarity)) > 0.9


def test_noise_and_silence_have_none() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    assert (pitch_of(noise, RATE_HZ, 160)[0] > 0).mean() < 0.15
    assert not pitch_of(np.zeros(RATE_HZ, np.float32), RATE_HZ, 160)[0].any()


def test_pulses_come_once_a_period_and_not_where_there_is_no_pitch() -> None:
    hz = np.r_[np.full(50, 100.0), np.zeros(51)].astype(np.float32)
    out = pulses(hz, 160, RATE_HZ, RATE_HZ)
    assert np.count_nonzero(out[:7900]) == pytest.approx(49, abs=1)
    assert not out[8200:].any()
    assert float((out[:7900] ** 2).mean()) == pytest.approx(1, rel=0.05)
