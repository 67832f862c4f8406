from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.pitch import PitchInput, track_pitch
from tests.golden import pitch as golden
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, voice


def cents(found: np.ndarray, true: np.ndarray | float) -> np.ndarray:
    return 1200 * np.abs(np.log2(found / true))


@pytest.mark.parametrize("f0_hz", [75.0, 120.0, 211.3, 440.0])
def test_a_pulse_train_has_its_pitch(f0_hz: float) -> None:
    pitch = track_pitch(voice(f0_hz, 1.0), RATE_HZ)
    inner = pitch.f0_hz[8:-8]
    assert np.isfinite(inner).all()
    assert cents(inner, f0_hz).max() < 10
    assert np.nanmedian(pitch.periodicity) > 0.9


def test_a_sine_has_its_pitch() -> None:
    sine = np.sin(2 * np.pi * 133.7 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    pitch = track_pitch(sine, RATE_HZ)
    assert cents(pitch.f0_hz[5:-5], 133.7).max() < 5


def test_a_glide_is_followed_in_time() -> None:
    pitch = track_pitch(voice(100.0, 2.0, glide=0.5), RATE_HZ)
    inner = slice(10, -10)
    true = 100 * 2 ** (0.5 * pitch.times_s[inner])
    assert cents(pitch.f0_hz[inner], true).max() < 15


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_the_rate_does_not_matter(rate_hz: int) -> None:
    pitch = track_pitch(voice(150.0, 0.6, rate_hz=rate_hz), rate_hz)
    assert cents(pitch.f0_hz[8:-8], 150.0).max() < 15


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(size=RATE_HZ).astype(np.float32)
    assert np.isfinite(track_pitch(noise, RATE_HZ).f0_hz).mean() < 0.05
    assert not np.isfinite(track_pitch(np.zeros(RATE_HZ, np.float32), RATE_HZ).f0_hz).any()


def test_a_pause_between_two_voices_is_unvoiced() -> None:
    gap = np.random.default_rng(0).normal(size=RATE_HZ // 2).astype(np.float32) * 1e-3
    sound = np.concatenate([voice(120.0, 1.0), gap, voice(180.0, 1.0)])
    pitch = track_pitch(sound, RATE_HZ)
    assert not np.isfinite(pitch.f0_hz[110:140]).any()
    assert cents(pitch.f0_hz[10:90], 120.0).max() < 15
    assert cents(pitch.f0_hz[160:240], 180.0).max() < 15


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_is_followed_without_a_number_that_is_none(name: str) -> None:
    sound = np.nan_to_num(hostile_sounds()[name], posinf=1, neginf=-1)
    pitch = track_pitch(sound, RATE_HZ)
    lengths = {len(pitch.times_s), len(pitch.f0_hz), len(pitch.periodicity)}
    assert lengths == {-(-(len(sound) + 1) // 160) if len(sound) else 0}
    assert np.isfinite(pitch.voiced_probability).all()
    voiced = np.isfinite(pitch.f0_hz)
    assert (np.isfinite(pitch.periodicity) == voiced).all()


def test_a_long_sound_is_read_in_portions_with_the_same_result() -> None:
    sound = voice(120.0, 25.0, glide=0.02)
    whole, start = track_pitch(sound, RATE_HZ), track_pitch(sound[: 10 * RATE_HZ], RATE_HZ)
    assert np.allclose(whole.f0_hz[20:900], start.f0_hz[20:900], equal_nan=True)


@pytest.mark.parametrize(("low", "high"), [(0.0, 500.0), (300.0, 200.0), (20.0, 500.0)])
def test_a_range_that_no_frame_holds_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="periods"):
        PitchInput(low, high)


def test_it_agrees_with_librosa() -> None:
    other = np.load(golden.PATH)
    own = track_pitch(golden.two_voices(), RATE_HZ).f0_hz[: len(other)]
    voiced = np.isfinite(own), np.isfinite(other)
    both = voiced[0] & voiced[1]
    assert both.mean() > 0.8
    assert (voiced[0] == voiced[1]).mean() > 0.93
    assert (cents(own[both], other[both]) < 30).mean() > 0.98
