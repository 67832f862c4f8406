from __future__ import annotations

import numpy as np
import pytest

from assay.evaluation.selective import Selective, confidence


def by_hand(sure: np.ndarray, wrong: np.ndarray) -> float:
    """The mean, over the k surest answers, of the share of wrong ones among them."""
    ordered = wrong[np.argsort(-sure)]
    return float(np.mean([ordered[:k].mean() for k in range(1, len(ordered) + 1)]))


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_the_mean_risk_over_all_coverages(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sure, wrong = rng.random(80), rng.random(80) < 0.3
    found = Selective(sure, wrong).aurc(np.ones((1, 80)))
    assert found[0] == pytest.approx(by_hand(sure, wrong))


def test_knowing_where_it_errs_pays() -> None:
    wrong = np.arange(100) < 20
    best = Selective(np.where(wrong, 0.0, 1.0), wrong).aurc(np.ones((1, 100)))[0]
    worst = Selective(np.where(wrong, 1.0, 0.0), wrong).aurc(np.ones((1, 100)))[0]
    blind = Selective(np.zeros(100), wrong).aurc(np.ones((1, 100)))[0]
    assert best < blind < worst
    assert blind == pytest.approx(0.2)


def test_equally_sure_answers_do_not_depend_on_their_order() -> None:
    sure = np.array([1.0, 1.0, 1.0, 0.0])
    for wrong in ([True, False, False, False], [False, False, True, False]):
        found = Selective(sure, np.array(wrong)).aurc(np.ones((1, 4)))[0]
        assert found == pytest.approx((3 * (1 / 3) + 1 / 4) / 4)


def test_weights_stand_for_repeated_files() -> None:
    rng = np.random.default_rng(0)
    sure, wrong = np.round(rng.random(60), 1), rng.random(60) < 0.3
    weights = rng.integers(0, 3, 60)
    many = np.repeat(np.arange(60), weights)
    wanted = Selective(sure[many], wrong[many]).aurc(np.ones((1, len(many))))
    assert Selective(sure, wrong).aurc(weights[None].astype(float)) == pytest.approx(wanted)


def test_what_was_not_answered_is_not_covered() -> None:
    curve = Selective(np.array([3.0, 2.0, 1.0]), np.array([False, False, True])).curve(6)
    assert [point["coverage"] for point in curve] == pytest.approx([1 / 6, 1 / 3, 1 / 2])
    assert [point["risk"] for point in curve] == pytest.approx([0, 0, 1 / 3])


def test_confidence_is_the_distance_from_the_cut() -> None:
    scores, cuts = np.array([0.9, 0.5, 0.1, 1.0]), np.full(4, 0.5)
    found = confidence(scores, cuts, probabilities=True)
    assert found[1] == 0
    assert found[0] == pytest.approx(found[2]) == pytest.approx(np.log(9))
    assert np.isfinite(found).all()
    raw = confidence(np.array([-3.0, 4.0]), np.zeros(2), probabilities=False)
    assert raw.tolist() == [3.0, 4.0]
