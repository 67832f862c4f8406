from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.pitch import track_pitch
from assay.inputs.voice_pulses import (
    Cycles,
    find_cycles,
    harmonics_to_noise_db,
    jitter,
    jitter_of_three,
    shimmer,
    voiced_stretches,
)
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, pulse_times, voice


def cycles_of(sound: np.ndarray) -> Cycles:
    return find_cycles(sound, RATE_HZ, track_pitch(sound, RATE_HZ))


def made(lengths: list[float], heights: list[float] | None = None) -> Cycles:
    n = len(lengths)
    even = np.ones(n) if heights is None else np.array(heights)
    return Cycles(np.array(lengths), even, np.ones(n), np.zeros(n, int))


def test_every_cycle_of_a_voice_is_found() -> None:
    cycles = cycles_of(voice(120.0, 2.0))
    assert len(cycles) > 0.9 * 2 * 120 - 10
    assert cycles.lengths_s.mean() == pytest.approx(1 / 120, rel=1e-3)


@pytest.mark.parametrize("amount", [0.005, 0.01, 0.02])
def test_jitter_is_that_of_the_pulses(amount: float) -> None:
    periods = np.diff(pulse_times(120.0, 4.0, amount))
    true = np.abs(np.diff(periods)).mean() / periods.mean()
    assert jitter(cycles_of(voice(120.0, 4.0, amount))) == pytest.approx(true, rel=0.25)


def test_an_even_voice_has_hardly_any_jitter_or_shimmer() -> None:
    cycles = cycles_of(voice(130.0, 2.0))
    assert jitter(cycles) < 1e-3
    assert jitter_of_three(cycles) < 1e-3
    assert shimmer(cycles) < 0.03


def test_shimmer_rises_with_uneven_heights() -> None:
    found = [shimmer(cycles_of(voice(120.0, 4.0, shimmer=s))) for s in (0.0, 0.05, 0.1)]
    assert found[0] < found[1] < found[2]
    assert found[1] == pytest.approx(0.05 * 2 / np.sqrt(np.pi), rel=0.4)


@pytest.mark.parametrize("noise_db", [10.0, 20.0])
def test_harmonics_to_noise_is_the_ratio_that_was_mixed(noise_db: float) -> None:
    cycles = cycles_of(voice(120.0, 3.0, noise_db=noise_db))
    assert np.median(harmonics_to_noise_db(cycles)) == pytest.approx(noise_db, abs=3.0)


def test_jitter_by_hand() -> None:
    cycles = made([0.010, 0.011] * 15)
    assert jitter(cycles) == pytest.approx(0.001 / 0.0105, rel=1e-6)
    assert jitter_of_three(cycles) == pytest.approx(0.001 * 2 / 3 / 0.0105, rel=0.01)


def test_neighbours_that_differ_too_much_do_not_count() -> None:
    lengths = [0.010] * 30
    lengths[15] = 0.020
    assert jitter(made(lengths)) == 0


def test_cycles_of_two_stretches_are_no_neighbours() -> None:
    cycles = made([0.010] * 25 + [0.012] * 25)
    apart = Cycles(cycles.lengths_s, cycles.heights, cycles.likeness, np.repeat([0, 1], 25))
    assert jitter(cycles) > 0
    assert jitter(apart) == 0


def test_too_few_cycles_give_no_number() -> None:
    assert np.isnan(jitter(made([0.01] * 5)))
    assert np.isnan(jitter_of_three(made([0.01])))
    assert np.isnan(shimmer(made([])))


def test_voiced_stretches_are_unbroken_and_long_enough() -> None:
    f0 = np.array([np.nan, 1, 1, 1, 1, 1, np.nan, 1, 1, np.nan, 1, 1, 1, 1, 1, 1])
    assert voiced_stretches(f0, 5) == [(1, 6), (10, 16)]
    assert voiced_stretches(np.zeros(0)) == []


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_finite_cycles(name: str) -> None:
    sound = np.clip(np.nan_to_num(hostile_sounds()[name], posinf=1, neginf=-1), -1, 1)
    cycles = cycles_of(sound)
    assert np.isfinite(cycles.lengths_s).all()
    assert np.isfinite(harmonics_to_noise_db(cycles)).all()
    assert (cycles.lengths_s > 0).all()
