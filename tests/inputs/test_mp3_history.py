from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.mp3_history import (
    ALONE,
    CERTAIN,
    GRANULE,
    PIECE,
    Grid,
    Look,
    find_grid,
    jumps_between,
    lines_of,
    looks_of,
)
from tests.inputs.made_history import lossy, music


def decoded(seconds: float = 3.0, bit_rate: int = 64_000, rate_hz: int = 44_100) -> np.ndarray:
    return lossy(music(seconds, rate_hz), rate_hz, "libmp3lame", bit_rate, "mp3")[1]


def test_the_transform_keeps_the_energy_of_noise_in_each_band() -> None:
    noise = np.random.default_rng(0).standard_normal(PIECE).astype(np.float32)
    lines = lines_of(noise, 100)
    assert lines.shape[1:] == (32, 18)
    level = np.square(lines).mean(axis=(0, 2))
    assert level.max() / level.min() < 2.0


def test_a_tone_lies_in_its_line() -> None:
    rate_hz, hz = 44_100, 5000.0
    tone = np.sin(2 * np.pi * hz * np.arange(PIECE) / rate_hz).astype(np.float32)
    power = np.square(lines_of(tone, 0)).mean(axis=0).ravel()
    assert abs(int(power.argmax()) - hz / (rate_hz / 2) * GRANULE) <= 1
    near = power[power.argmax() - 4 : power.argmax() + 5].sum()
    assert near / power.sum() > 0.97


@pytest.mark.parametrize("bit_rate", [48_000, 64_000])
@pytest.mark.parametrize("shift", [0, 1, 333])
def test_the_grid_of_an_mp3_is_found_wherever_it_was_cut(bit_rate: int, shift: int) -> None:
    sound = decoded(1.5, bit_rate)
    first, other = find_grid(sound[9000:]), find_grid(sound[9000 + shift :])
    assert first is not None
    assert other is not None
    assert min(first.score, other.score) > CERTAIN
    assert (first.offset - other.offset - shift) % GRANULE == 0


def test_sound_that_was_never_an_mp3_has_no_grid() -> None:
    plain = (np.round(music(2.0) * 32767) / 32768).astype(np.float32)
    aac = lossy(music(2.0), 44_100, "aac", 64_000, "ipod")[1]
    for sound in (plain, aac):
        grid = find_grid(sound[20_000:])
        assert grid is not None
        assert grid.score < 6
    assert find_grid(np.zeros(PIECE, np.float32)) is None
    assert find_grid(plain[:1000]) is None


def test_a_cut_after_the_compression_moves_the_grid() -> None:
    sound = decoded(6.0)
    whole = looks_of(sound)
    assert 9 <= len(whole) <= 12
    assert jumps_between(whole) == []
    cut = looks_of(np.r_[sound[:132_300], sound[137_501:]])
    ((before, after),) = jumps_between(cut)
    assert before.at < 132_300 < after.at + PIECE
    assert (after.grid.offset - before.grid.offset + 5201) % GRANULE == 0
    moved = looks_of(np.r_[sound[:132_300], sound[132_300 + 9 * GRANULE :]])
    assert jumps_between(moved) == []


def test_one_weak_look_is_no_jump() -> None:
    first = [Look(0, Grid(10, 0.5, 9.0)), Look(9, Grid(10, 0.5, 6.0))]
    assert jumps_between([*first, Look(99, Grid(44, 0.5, CERTAIN + 1))]) == []
    assert len(jumps_between([*first, Look(99, Grid(44, 0.5, ALONE + 1))])) == 1
    supported = [Look(99, Grid(44, 0.5, CERTAIN + 1)), Look(120, Grid(44, 0.5, 6.0))]
    assert len(jumps_between([*first, *supported])) == 1


def test_hostile_sounds_are_answered() -> None:
    rng = np.random.default_rng(0)
    for sound in (
        np.ones(50_000),
        np.sign(rng.standard_normal(50_000)),
        np.tile(rng.standard_normal(97), 600),
        np.round(rng.standard_normal(50_000)) / 32768,
        np.r_[np.zeros(40_000), np.ones(3), np.zeros(40_000)],
    ):
        for look in looks_of(sound.astype(np.float32)):
            assert np.isfinite(look.grid.score)
            assert look.grid.score < CERTAIN
    assert looks_of(np.zeros(10, np.float32)) == []
