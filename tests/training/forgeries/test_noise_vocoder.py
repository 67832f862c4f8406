from __future__ import annotations

import numpy as np

from assay.training.forgeries.noise_vocoder import through_bands
from tests.training.sound_makers import RATE_HZ, voiced


def test_the_bands_follow_the_loudness_of_the_sound() -> None:
    sound = voiced(1.0)
    sound[RATE_HZ // 2 :] = 0
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    out = through_bands(sound, noise, RATE_HZ, 16, 100)
    assert out[: RATE_HZ // 2].std() > 20 * out[RATE_HZ // 2 + 800 : -800].std()


def test_a_tone_comes_back_in_its_own_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    out = through_bands(tone, None, RATE_HZ, 32, 50)
    strongest = int(np.argmax(np.abs(np.fft.rfft(out))))
    assert 850 < strongest < 1180
    assert strongest != 1000
