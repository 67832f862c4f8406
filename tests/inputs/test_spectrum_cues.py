from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.spectrum_cues import CUES, NAMES, OF_VOICE, SpectrumCueInput, measure_voice
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, voice
from tests.inputs.test_voice_phase import with_random_phases

RECIPE = SpectrumCueInput()


def cues_of(*sounds: np.ndarray) -> dict[str, float]:
    values = measure_voice(sounds, RATE_HZ, RECIPE).values
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_guessed_phases_are_told_from_a_throats() -> None:
    sound = voice(120.0, 2.0, 0.005, 0.02, 30.0)
    own, guessed = cues_of(sound), cues_of(with_random_phases(sound))
    for name in ("phase_coherence", "pulse_sharpness", "pulse_one_sidedness"):
        assert own[name] > guessed[name]


def test_all_cues_of_a_voice_are_numbers() -> None:
    found = measure_voice([voice(120.0, 2.0, noise_db=30.0)] * 2, RATE_HZ, RECIPE)
    assert np.isfinite(found.values).all()
    whole = [NAMES.index(name) for name in OF_VOICE]
    assert np.isnan(found.by_segment[:, whole]).all()
    rest = np.delete(found.by_segment, whole, axis=1)
    assert np.isfinite(rest).all()


def test_steady_noise_is_less_restless_than_bursts() -> None:
    random = np.random.default_rng(0)
    steady = random.normal(size=32_000).astype(np.float32)
    bursts = steady * (0.3 + random.random(200).repeat(160)).astype(np.float32)
    assert cues_of(bursts)["high_band_steps"] > 1.5 * cues_of(steady)["high_band_steps"]


def test_tones_are_less_white_than_noise_when_quiet() -> None:
    t = np.arange(32_000) / RATE_HZ
    sound = voice(120.0, 2.0)
    sound[16_000:] = 0
    hum = sound + (1e-3 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    hiss = sound + (1e-3 * np.random.default_rng(0).normal(size=32_000)).astype(np.float32)
    assert cues_of(hiss)["quiet_flatness"] > cues_of(hum)["quiet_flatness"] + 2


def test_loudness_and_polarity_change_nothing() -> None:
    sound = voice(150.0, 2.0, 0.01, 0.05, 25.0)
    first = measure_voice([sound], RATE_HZ, RECIPE).values
    for other in (sound * 0.02, -sound):
        again = measure_voice([other.astype(np.float32)], RATE_HZ, RECIPE).values
        assert again == pytest.approx(first, rel=0.03, abs=0.03)


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_numbers_or_none(name: str) -> None:
    found = measure_voice([hostile_sounds()[name]], RATE_HZ, RECIPE)
    assert found.values.shape == (len(CUES),)
    assert not np.isinf(found.values).any()
    assert found.by_segment.shape == (1, len(CUES))


def test_no_segment_gives_nothing() -> None:
    found = measure_voice([], RATE_HZ, RECIPE)
    assert np.isnan(found.values).all()
    assert found.by_segment.shape == (0, len(CUES))


def test_the_recipe_has_a_fingerprint_that_follows_it() -> None:
    assert SpectrumCueInput(most_s=10.0).fingerprint != RECIPE.fingerprint
