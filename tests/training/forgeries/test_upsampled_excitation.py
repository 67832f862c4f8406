from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.upsampled_excitation import WAYS, imperfect_taps, raised, rebuilt
from tests.training.sound_makers import RATE_HZ, voiced

IDENTITY = np.ones(1, np.float32)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [2, 3, 8])
def test_raising_keeps_the_low_band_and_leaves_images(way: str, factor: int) -> None:
    n = 2000
    tone = np.sin(2 * np.pi * 0.11 * np.arange(n)).astype(np.float32)
    out = raised(tone, factor, way, IDENTITY)
    assert out.shape == (n * factor,)
    power = np.abs(np.fft.rfft(out))
    base = round(0.11 * n)
    assert power[base] == pytest.approx(power.max(), rel=1e-3)
    assert power[n - base] > 0.005 * power[base]


def test_the_filters_let_the_low_band_through() -> None:
    for seed in range(30):
        taps = imperfect_taps(np.random.default_rng(seed), 4)
        assert taps.size % 2 == 1
        assert 0.3 < abs(float(taps.sum())) < 5


@pytest.mark.parametrize("way", WAYS)
def test_a_low_sound_gets_images_above_its_band(way: str) -> None:
    spectrum = np.fft.rfft(voiced(1.0))
    spectrum[1900:] = 0
    sound = np.fft.irfft(spectrum).astype(np.float32)
    out = rebuilt(sound, (4,), way, np.random.default_rng(3))
    assert out.shape == sound.shape
    share = [float((np.abs(np.fft.rfft(x))[2200:] ** 2).sum() / (x**2).sum()) for x in (sound, out)]
    assert share[1] > 100 * max(share[0], 1e-9)
    assert np.corrcoef(sound, out)[0, 1] > 0.5


def test_any_length_comes_back() -> None:
    for n in (1700, 1701, 1703):
        assert rebuilt(voiced(1.0)[:n], (2, 4), "zeros", np.random.default_rng(0)).shape == (n,)
    assert RATE_HZ == 16_000
