import numpy as np
import pytest

from assay.media.audio import resampled
from assay.subjects.voice_activity import FRAME, RATE_HZ, voice_likelihood
from assay.subjects.voice_quality import (
    MUSIC,
    background_power,
    band_edge_hz,
    clipped_share,
    measure_voice,
    music_measure,
    voice_reasons,
)
from tests.subjects.voices import melody, spoken


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def measured(sound: np.ndarray) -> dict[str, float]:
    likely = voice_likelihood(sound)
    first, last = 8, len(sound) // FRAME - 8
    start_s, end_s = first * FRAME / RATE_HZ, last * FRAME / RATE_HZ
    voice = sound[first * FRAME : last * FRAME]
    background = background_power(sound, likely, start_s, end_s)
    return measure_voice(voice, voice, likely[first:last], background)


def codes(sound: np.ndarray) -> list[str]:
    return [reason.code for reason in voice_reasons(measured(sound))]


def padded() -> np.ndarray:
    """The sentence with half a second of faint noise around it."""
    pause = 1e-4 * noise(8000)
    return np.concatenate([pause, spoken(), pause])


def test_a_clean_voice_has_no_reasons():
    assert codes(padded()) == []
    quality = measured(padded())
    assert quality["snr_db"] > 25
    assert quality["voiced_share"] > 0.7
    assert -30 < quality["level_dbfs"] < -10


@pytest.mark.parametrize("snr_db", [15.0, 10.0, 0.0])
def test_the_background_is_read_within_three_decibels(snr_db):
    sound = padded()
    level = np.sqrt(np.square(spoken()).mean() / 10 ** (snr_db / 10))
    noisy = sound + np.float32(level) * noise(len(sound), 1)
    assert measured(noisy)["snr_db"] == pytest.approx(snr_db, abs=3)
    assert ("noisy" in codes(noisy)) == (snr_db < 5)


def test_digital_silence_around_a_noisy_voice_does_not_clean_it():
    voice = spoken()
    level = np.sqrt(np.square(voice).mean())
    gap = np.zeros(8000, np.float32)
    sound = np.concatenate([gap, voice + np.float32(level) * noise(len(voice)), gap])
    assert measured(sound)["snr_db"] < 5


def test_a_telephone_is_a_narrow_band():
    narrow = resampled(resampled(padded(), RATE_HZ, 8000), 8000, RATE_HZ)
    assert codes(narrow) == ["band_limited"]
    assert 3300 < band_edge_hz(narrow) < 4200
    assert band_edge_hz(padded()) > 6000


@pytest.mark.parametrize(("gain", "at_least"), [(4.0, 0.005), (10.0, 0.05)])
def test_clipping_is_seen_at_any_level(gain, at_least):
    voice = padded() / np.abs(padded()).max()
    clipped = np.clip(voice * gain, -1, 1)
    assert clipped_share(clipped) > at_least
    assert clipped_share(clipped * np.float32(0.1)) == pytest.approx(clipped_share(clipped))
    assert "clipped" in codes(clipped)
    assert clipped_share(voice) < 0.001


def test_a_tone_is_not_clipped():
    tone = np.sin(2 * np.pi * 100 * np.arange(48000) / 48000).astype(np.float32)
    assert clipped_share(tone[::3]) < 0.005


def test_music_holds_its_tones_and_speech_does_not():
    assert music_measure(melody(5.0)) > MUSIC
    assert music_measure(spoken()) < MUSIC
    assert music_measure(0.1 * noise(5 * RATE_HZ)) < MUSIC
    over = padded()
    assert "music" in codes(over + 0.6 * melody(len(over) / RATE_HZ)[: len(over)])


def test_short_and_silent_stretches_say_so():
    assert "too_short" in codes(padded()[: RATE_HZ + 2000])
    assert "silence" in codes(padded() * np.float32(1e-4))


@pytest.mark.parametrize("n", [0, 1, 2, 100, 511, 5000])
def test_next_to_nothing_is_measured_without_nan(n):
    for sound in (np.zeros(n, np.float32), np.ones(n, np.float32)):
        quality = measure_voice(sound, sound, np.zeros(0, np.float32), 0.0)
        assert all(np.isfinite(value) for value in quality.values())
        assert voice_reasons(quality)
