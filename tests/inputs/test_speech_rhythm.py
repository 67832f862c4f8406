from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.speech_rhythm import (
    find_breaths,
    find_pauses,
    find_syllables,
    measure_levels,
    smoothed,
)
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, syllables, voice


def with_gap(gap: np.ndarray) -> np.ndarray:
    return np.concatenate([voice(120.0, 1.0), gap.astype(np.float32), voice(120.0, 1.0)])


def hiss(seconds: float, level: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=round(seconds * RATE_HZ))
    return np.diff(noise, prepend=0.0) * level


@pytest.mark.parametrize("rate", [3.0, 5.0])
def test_syllables_are_counted(rate: float) -> None:
    levels = measure_levels(syllables(rate, 3.0), RATE_HZ)
    found = find_syllables(levels, np.ones(len(levels.level_db), bool))
    assert len(found) == pytest.approx(rate * 3, abs=1)
    assert np.diff(found).mean() * 0.01 == pytest.approx(1 / rate, rel=0.05)


def test_what_is_not_voiced_is_no_syllable() -> None:
    levels = measure_levels(syllables(4.0), RATE_HZ)
    assert not len(find_syllables(levels, np.zeros(len(levels.level_db), bool)))


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0])
def test_a_pause_is_as_long_as_it_is(seconds: float) -> None:
    sound = with_gap(hiss(seconds, 1e-4))
    (pause,) = find_pauses(measure_levels(sound, RATE_HZ))
    assert (pause[1] - pause[0]) * 0.01 == pytest.approx(seconds, abs=0.06)
    assert pause[0] * 0.01 == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("seconds", [0.02, 2.0])
def test_what_is_too_short_or_too_long_is_no_pause(seconds: float) -> None:
    assert not find_pauses(measure_levels(with_gap(hiss(seconds, 1e-4)), RATE_HZ))


def test_silence_around_speech_is_no_pause() -> None:
    sound = np.concatenate([hiss(0.5, 1e-4), voice(120.0, 1.0), hiss(0.5, 1e-4)])
    assert not find_pauses(measure_levels(sound, RATE_HZ))


def test_a_breath_in_a_pause_is_heard() -> None:
    breath = hiss(0.3, 1.2e-3) * np.hanning(round(0.3 * RATE_HZ))
    quiet = hiss(0.25, 1e-5)
    levels = measure_levels(with_gap(np.concatenate([quiet, breath, quiet])), RATE_HZ)
    pauses = find_pauses(levels)
    (found,) = find_breaths(levels, pauses)
    assert 1.2 < found[0] * 0.01 < 1.45
    assert 0.1 <= (found[1] - found[0]) * 0.01 <= 0.4


@pytest.mark.parametrize(
    "gap",
    [hiss(0.6, 1e-5), np.zeros(9600), 2e-3 * np.sin(2 * np.pi * 150 * np.arange(9600) / RATE_HZ)],
    ids=["room", "digital silence", "hum"],
)
def test_an_empty_pause_holds_no_breath(gap: np.ndarray) -> None:
    levels = measure_levels(with_gap(gap), RATE_HZ)
    assert find_pauses(levels)
    assert not find_breaths(levels, find_pauses(levels))


def test_a_moving_mean_keeps_length_and_mean() -> None:
    values = np.arange(20.0)
    assert len(smoothed(values)) == 20
    assert smoothed(values)[10] == pytest.approx(10.0)
    assert len(smoothed(np.zeros(0))) == 0


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_finite_levels(name: str) -> None:
    sound = np.clip(np.nan_to_num(hostile_sounds()[name], posinf=1, neginf=-1), -1, 1)
    levels = measure_levels(sound, RATE_HZ)
    for values in (levels.level_db, levels.flatness, levels.high_share):
        assert np.isfinite(values).all()
    find_breaths(levels, find_pauses(levels))
    find_syllables(levels, np.ones(len(levels.level_db), bool))
