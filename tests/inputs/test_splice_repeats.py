from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.splice_repeats import find_repeats, silences
from assay.types import FloatArray
from tests.training.sound_makers import voiced

RATE_HZ = 16_000


def stored(sound: FloatArray) -> FloatArray:
    """As a file of 16 bits gives it back."""
    return (np.rint(sound * 32767) / 32768).astype(np.float32)


@pytest.mark.parametrize(("first", "n", "away"), [(4000, 3000, 20_000), (100, 900, 1700)])
def test_a_copied_piece_is_found_where_it_is(first: int, n: int, away: int) -> None:
    sound = stored(voiced(2.0))
    sound[first + away : first + away + n] = sound[first : first + n]
    (found,) = find_repeats(sound, RATE_HZ)
    assert found.away == away
    assert found.first == pytest.approx(first, abs=8)
    assert found.last == pytest.approx(first + n, abs=8)


def test_a_piece_over_and_over_is_found() -> None:
    sound = stored(voiced(2.0))
    sound[10_000:19_600] = np.tile(stored(voiced(0.1, 3)), 6)
    found = find_repeats(sound, RATE_HZ)
    assert found
    assert all(one.away % 1600 == 0 for one in found)


def test_what_was_never_copied_is_not_found() -> None:
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = stored(0.5 * np.sin(2 * np.pi * 100 * time_s).astype(np.float32))
    square = np.sign(tone).astype(np.float32)
    for sound in (stored(voiced(3.0)), np.zeros(RATE_HZ, np.float32), square):
        assert find_repeats(sound, RATE_HZ) == []
    noise = np.random.default_rng(0).standard_normal(RATE_HZ * 2).astype(np.float32)
    assert find_repeats(stored(0.1 * noise), RATE_HZ) == []


def test_short_repeats_do_not_count() -> None:
    sound = stored(voiced(2.0))
    sound[20_000:20_400] = sound[1000:1400]
    assert find_repeats(sound, RATE_HZ) == []


@pytest.mark.parametrize("n", [0, 1, 63, 64, 191, 192])
def test_the_shortest_sounds_are_survived(n: int) -> None:
    assert find_repeats(np.ones(n, np.float32), RATE_HZ) == []
    assert silences(np.ones(n, np.float32), RATE_HZ) == []


def test_silence_within_is_found_and_at_the_ends_is_not() -> None:
    sound = stored(voiced(2.0)) + np.float32(1e-3)
    sound[8000:9000] = 0
    sound[:500] = 0
    sound[-500:] = 0
    ((first, last),) = silences(sound, RATE_HZ)
    assert (first, last) == (pytest.approx(8000, abs=1), pytest.approx(9000, abs=1))
    sound[20_000:20_200] = 0  # 12 ms
    assert len(silences(sound, RATE_HZ)) == 1


def test_not_a_number_repeats_nothing() -> None:
    sound = np.full(4000, np.nan, np.float32)
    assert find_repeats(sound, RATE_HZ) == []
