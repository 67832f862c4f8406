from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.voice_cues import (
    CUES,
    NAMES,
    OF_RUNS,
    VoiceCueInput,
    levelled,
    measure_run,
    measure_segment,
    measure_voice,
    of_voice,
)
from assay.inputs.voice_stretches import stretches_of
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, syllables, voice
from tests.inputs.test_voice_stretches import speech_of

RECIPE = VoiceCueInput()


def cues_of(sound: np.ndarray) -> dict[str, float]:
    values = measure_segment(sound, RATE_HZ, RECIPE).values
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_a_flat_voice_moves_not_and_a_glide_does() -> None:
    flat, glide = cues_of(voice(120.0, 3.0)), cues_of(voice(120.0, 3.0, glide=-0.2))
    assert flat["pitch_range"] < 0.3
    assert flat["pitch_slope"] == pytest.approx(0, abs=0.1)
    assert glide["pitch_slope"] == pytest.approx(-0.2 * 12, rel=0.1)
    assert glide["pitch_range"] == pytest.approx(0.9 * 0.2 * 12 * 3, rel=0.15)
    assert glide["pitch_speed"] == pytest.approx(0.2 * 12, rel=0.2)


def test_an_uneven_voice_has_more_jitter_and_ripple() -> None:
    even, uneven = cues_of(voice(120.0, 3.0)), cues_of(voice(120.0, 3.0, jitter=0.02))
    for name in ("jitter", "jitter_of_three", "pitch_ripple"):
        assert uneven[name] > 2 * even[name]
    assert uneven["harmonics_to_noise"] < even["harmonics_to_noise"]


def test_syllables_are_told_per_second() -> None:
    found = cues_of(syllables(4.0, 4.0))
    assert found["syllable_rate"] == pytest.approx(4.0, rel=0.15)
    assert found["syllable_variability"] < 0.15


def test_loudness_and_a_constant_change_nothing() -> None:
    sound = voice(150.0, 2.0, 0.01, 0.05, 25.0)
    first = measure_segment(sound, RATE_HZ, RECIPE).values
    for other in (sound * 0.02, sound + 0.2, -sound):
        again = measure_segment(other.astype(np.float32), RATE_HZ, RECIPE).values
        assert again == pytest.approx(first, rel=0.02, abs=0.05, nan_ok=True)


def test_a_run_tells_its_pauses() -> None:
    gap = np.full(RATE_HZ * 3 // 10, 1e-4, np.float32)
    sound = np.concatenate([voice(120.0, 1.0), gap] * 3 + [voice(120.0, 1.0)])
    run = measure_run(sound, RATE_HZ)
    found = dict(zip(NAMES, run.values.tolist(), strict=True))
    assert len(run.pauses_s) == 3
    assert found["pause_length"] == pytest.approx(0.3, abs=0.05)
    assert found["pause_variability"] < 0.1
    assert found["breath_share"] == 0
    assert found["pause_rate"] == pytest.approx(3 / 4.9, rel=0.05)


def test_a_voice_is_the_mean_of_its_segments_by_length() -> None:
    segments = [measure_segment(voice(f, s), RATE_HZ, RECIPE) for f, s in ((110, 1.0), (170, 2.0))]
    run = measure_run(syllables(4.0), RATE_HZ)
    values = of_voice(segments, [run], [1.0, 2.0])
    at = NAMES.index("harmonics_to_noise")
    expected = (segments[0].values[at] + 2 * segments[1].values[at]) / 3
    assert values[at] == pytest.approx(expected, rel=1e-5)
    for name in OF_RUNS:
        place = NAMES.index(name)
        assert values[place] == pytest.approx(run.values[place], nan_ok=True)


def test_nothing_measured_is_not_a_number() -> None:
    assert np.isnan(of_voice([], [], [])).all()


def test_a_person_is_measured_through_the_speech_of_a_file() -> None:
    sound = np.concatenate([voice(120.0, 2.0), np.zeros(4000, np.float32), voice(120.0, 2.0)])
    speech = speech_of(sound, [(0.0, 2.0, 1), (2.25, 4.25, 1)])
    (person,) = stretches_of(speech, 30.0)
    calls: list[int] = []
    found = measure_voice(person, speech, RECIPE, lambda: calls.append(1))
    assert len(found.segments) == len(calls) == 2
    assert len(found.runs) == 1
    assert found.runs[0][1].pauses_s
    assert np.isfinite(found.values[NAMES.index("jitter")])


def test_levelled_brings_every_sound_to_one_strength() -> None:
    sound = levelled(voice(120.0, 1.0) * 1e-3 + 0.3)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.05, rel=1e-3)
    assert not levelled(np.full(100, 1e-7)).any()


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_numbers_or_none(name: str) -> None:
    sound = hostile_sounds()[name]
    segment = measure_segment(sound, RATE_HZ, RECIPE)
    run = measure_run(sound, RATE_HZ)
    for values in (segment.values, run.values, of_voice([segment], [run], [1.0])):
        assert values.shape == (len(CUES),)
        assert not np.isinf(values).any()


def test_the_recipe_has_a_fingerprint_that_follows_it() -> None:
    assert VoiceCueInput().fingerprint == RECIPE.fingerprint
    assert VoiceCueInput(most_s=10.0).fingerprint != RECIPE.fingerprint
