from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.bundles.aggregation import Aggregation
from assay.errors import BundleMismatchError

NUMBERS = st.lists(st.floats(-30, 30), min_size=1, max_size=6)


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_means_of_logits_and_of_probabilities_differ() -> None:
    logits = np.array([4.0, -1.0])
    assert Aggregation("mean_logit").person(logits) == pytest.approx(1.5)
    mean = (sigmoid(4.0) + sigmoid(-1.0)) / 2
    assert sigmoid(Aggregation("mean_probability").person(logits)) == pytest.approx(mean)
    assert Aggregation("max").person(logits) == 4.0


def test_the_first_person_above_the_cut_speaks_for_the_file() -> None:
    rule = Aggregation("mean_probability", "first_above", above=0.55)
    people = {2: np.array([3.0]), 1: np.array([1.0]), 0: np.array([-2.0])}
    assert rule.file(people) == pytest.approx(1.0)


def test_nobody_above_the_cut_gives_the_mean_probability() -> None:
    rule = Aggregation("mean_probability", "first_above", above=0.99)
    found = rule.file({0: np.array([1.0]), 1: np.array([-1.0])})
    assert found == pytest.approx(0.0, abs=1e-9)


def test_the_highest_person_counts_where_the_rule_says_so() -> None:
    people = {0: np.array([1.0, 2.0]), 1: np.array([-3.0])}
    assert Aggregation("mean_logit", "max").file(people) == 1.5


@pytest.mark.parametrize("people", [{}, {0: np.array([])}])
def test_no_frame_is_no_score(people: dict[int, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="no score"):
        Aggregation().file(people)


def test_a_card_holds_it_and_unknown_rules_are_refused() -> None:
    rule = Aggregation("mean_probability", "first_above", 0.6)
    assert Aggregation.from_card(rule.as_card()) == rule
    for wrong in ({"over_frames": "median"}, {"over_people": "vote"}, {"speed": 1}, {"above": 1.0}):
        with pytest.raises(BundleMismatchError):
            Aggregation.from_card(wrong)


@given(NUMBERS)
def test_an_answer_lies_between_its_frames(logits: list[float]) -> None:
    for rule in ("mean_logit", "mean_probability", "max"):
        found = Aggregation(rule).person(np.array(logits))
        assert min(logits) - 1e-6 <= found <= max(logits) + 1e-6


def test_very_sure_answers_keep_their_order() -> None:
    rule = Aggregation("mean_probability")
    assert rule.person(np.array([40.0])) == pytest.approx(40.0)
    assert rule.person(np.array([40.0, 40.0])) < rule.person(np.array([50.0, 50.0]))
