from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.splice_cues import SpliceInput, band_levels, steps_of
from assay.types import FloatArray
from tests.training.sound_makers import voiced

RATE_HZ = 16_000


def noise(seconds: float, level: float, seed: int = 0, rate_hz: int = RATE_HZ) -> FloatArray:
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal(round(seconds * rate_hz))).astype(np.float32)


def below(sound: FloatArray, hz: float, rate_hz: int = RATE_HZ) -> FloatArray:
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(sound.size, 1 / rate_hz) > hz] = 0
    return np.fft.irfft(spectrum, sound.size).astype(np.float32)


def largest(samples: FloatArray, rate_hz: int = RATE_HZ) -> tuple[float, float]:
    steps = steps_of(samples, rate_hz, SpliceInput())
    best = int(steps.gap_db.argmax())
    return float(steps.gap_db[best]), float(steps.times_s[best])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_a_step_of_the_background_is_found_where_it_is(rate_hz: int) -> None:
    sound = below(0.3 * voiced(6.0, rate_hz=rate_hz), 2500, rate_hz)
    background = np.r_[noise(3.5, 5e-4, 1, rate_hz), noise(2.5, 0.01, 2, rate_hz)]
    gap_db, at_s = largest(sound + background, rate_hz)
    assert gap_db > 8
    assert at_s == pytest.approx(3.5, abs=0.1)


def test_speech_over_a_steady_background_makes_no_step() -> None:
    for seed in range(4):
        sound = voiced(6.0, seed) * 0.3 + noise(6.0, 2e-3, seed)
        assert largest(sound)[0] < 3


def test_a_band_that_ends_is_a_step() -> None:
    sound = voiced(5.0) + noise(5.0, 0.01)
    half = sound.size // 2
    gap_db, at_s = largest(np.r_[sound[:half], below(sound, 5000)[half:]])
    assert gap_db > 10
    assert at_s == pytest.approx(2.5, abs=0.2)


@pytest.mark.parametrize("n", [0, 1, 100, RATE_HZ * 2])
def test_a_sound_shorter_than_its_two_sides_has_no_places(n: int) -> None:
    steps = steps_of(np.ones(n, np.float32), RATE_HZ, SpliceInput())
    assert len(steps.times_s) == len(steps.gap_db) == len(steps.band_hz) == 0


@pytest.mark.parametrize("rate_hz", [8000, 48_000, 192_000])
def test_levels_are_those_of_the_band(rate_hz: int) -> None:
    recipe = SpliceInput()
    time_s = np.arange(3 * rate_hz) / rate_hz
    tone = np.sin(2 * np.pi * 0.2 * rate_hz * time_s).astype(np.float32)
    levels, middle_hz = band_levels(tone, rate_hz, recipe)
    assert levels.shape == (pytest.approx(149, abs=1), recipe.n_bands)
    assert (np.diff(middle_hz) > 0).all()
    loudest = middle_hz[int(levels.mean(axis=0).argmax())]
    assert loudest == pytest.approx(0.2 * rate_hz, rel=0.2)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_a_constant_sound_has_no_step(value: float) -> None:
    gap_db, _ = largest(np.full(4 * RATE_HZ, value, np.float32))
    assert abs(gap_db) < 1e-6


def test_it_looks_at_the_clock() -> None:
    calls: list[int] = []
    steps_of(noise(5.0, 0.1), RATE_HZ, SpliceInput(), lambda: calls.append(1))
    assert calls
