from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card
from assay.bundles.familiarity import familiarity, feature_limit
from tests.verdict.doubles import write_card

LIMIT = {"features": {"max_distance": 2.0, "quantile": 0.995, "measured_on": "a straight line"}}


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return write_card(tmp_path, in_domain=LIMIT)


def rows(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None] * np.ones((1, 32), np.float32)


def test_the_distance_is_the_median_of_the_crops_root_mean_square(card: Card) -> None:
    found = familiarity(rows(-1.0, 1.5, 40.0), card)
    assert found is not None
    assert found.distance == pytest.approx(1.5)
    assert found.as_details() == {"domain_distance": found.distance, "domain_limit": 2.0}
    one = np.zeros((1, 32), np.float32)
    one[0, 0] = 8.0
    spread = familiarity(one, card)
    assert spread is not None
    assert spread.distance == pytest.approx(8.0 / np.sqrt(32))


@pytest.mark.parametrize(("value", "abstains"), [(1.9, False), (2.9, False), (3.1, True)])
def test_far_outside_it_abstains_with_both_numbers(
    card: Card, value: float, abstains: bool
) -> None:
    found = familiarity(rows(value), card)
    assert found is not None
    assert found.abstains is abstains
    assert found.reason.startswith("unfamiliar: ")
    assert f"{value:.2f}, limit 2.00" in found.reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_lies_outside(card: Card, value: float) -> None:
    found = familiarity(rows(value), card)
    assert found is not None
    assert found.abstains


def test_without_features_or_without_a_limit_nothing_is_checked(card: Card, tmp_path: Path) -> None:
    assert familiarity(None, card) is None
    assert familiarity(np.zeros((0, 32), np.float32), card) is None
    assert familiarity(rows(1.0), write_card(tmp_path)) is None


@pytest.mark.parametrize("stated", [None, 3, {}, {"max_distance": "x"}, {"max_distance": -1.0}])
def test_a_limit_that_cannot_be_used_is_none(tmp_path: Path, stated: Any) -> None:
    assert feature_limit(write_card(tmp_path, in_domain={"features": stated})) is None
