import numpy as np
import pytest

from assay.subjects.turns import LEAST_S, MOST_S, Turn, cut_turns, join_short, spread


def likely(seconds: float, weak_at_s: tuple[float, ...] = ()) -> np.ndarray:
    values = np.ones(round(seconds / 0.032) + 1, np.float32)
    for time_s in weak_at_s:
        values[round(time_s / 0.032)] = 0.4
    return values


def cut(*regions, weak_at_s=()):
    return cut_turns(np.array(regions, np.float32).reshape(-1, 2), likely(60, weak_at_s))


def times(turns):
    return [(round(turn.start_s, 2), round(turn.end_s, 2)) for turn in turns]


def test_short_pauses_stay_inside_and_long_ones_part():
    assert times(cut([0, 1.5], [1.7, 3], [3.5, 5])) == [(0, 3), (3.5, 5)]


def test_a_turn_is_filled_to_about_four_seconds():
    assert times(cut([0, 2], [2.1, 3.9], [4.0, 6])) == [(0, 3.9), (4.0, 6)]


def test_a_voice_without_a_pause_is_cut_at_its_weak_moment():
    turns = cut([1, 12], weak_at_s=(4.6, 8.96))
    assert times(turns) == [(1, pytest.approx(4.6, abs=0.03)), *times(turns)[1:]]
    assert times(turns)[1][1] == pytest.approx(8.96, abs=0.03)


@pytest.mark.parametrize("length_s", [5.9, 6.1, 6.9, 7.1, 13, 47.7])
def test_no_turn_of_a_long_voice_is_too_long_or_too_short(length_s):
    turns = cut([0.5, 0.5 + length_s])
    assert sum(turn.length_s for turn in turns) == pytest.approx(length_s, abs=1e-3)
    assert all(LEAST_S - 0.04 <= turn.length_s <= MOST_S + 0.04 for turn in turns)


def test_short_turns_join_the_nearer_neighbour_of_the_same_speaker():
    turns = (Turn(0, 2), Turn(2.5, 3), Turn(3.4, 5), Turn(7, 7.5), Turn(7.9, 8.2, 1))
    assert times(join_short(turns)) == [(0, 2), (2.5, 5), (7, 7.5), (7.9, 8.2)]


def test_a_turn_is_never_joined_beyond_six_seconds():
    turns = (Turn(0, 5.5), Turn(5.9, 6.5))
    assert join_short(turns) == turns


def test_many_short_turns_become_one():
    turns = tuple(Turn(at * 0.5, at * 0.5 + 0.3) for at in range(8))
    assert times(join_short(turns))[0][0] == 0
    assert all(turn.length_s >= LEAST_S for turn in join_short(turns))


def test_a_spread_is_even_and_bounded():
    turns = tuple(Turn(at, at + 1) for at in range(1000))
    kept = spread(turns, 10)
    assert len(kept) == 10
    assert (kept[0], kept[-1]) == (turns[0], turns[-1])
    assert spread(turns[:5], 10) == turns[:5]
