from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.bootstrap import draws, intervals, ratio  # noqa: E402
from assay.evaluation.metrics import auc, with_interval  # noqa: E402
from assay.evaluation.ranking import Ranking  # noqa: E402
from assay.evaluation.ranking import auc as weighted_auc  # noqa: E402


def people(n_groups: int = 40) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(n_groups), 3)
    fake = groups % 2 == 0
    scores = rng.normal(0, 1, n_groups)[groups] + rng.normal(0, 0.1, len(groups)) + fake
    return scores, fake, [str(group) for group in groups]


def test_a_group_is_drawn_whole_or_not_at_all() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    weights = np.concatenate(list(draws(groups, 50)))
    assert weights.shape == (51, 6)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights[1:].std() > 0


def test_portions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, fake, groups = people()
    ranking = Ranking(scores, fake)
    whole = intervals(lambda w: {"auc": weighted_auc(ranking.curve(w))}, groups, 100)
    monkeypatch.setattr("assay.evaluation.bootstrap.CELLS_AT_ONCE", 700)
    parts = intervals(lambda w: {"auc": weighted_auc(ranking.curve(w))}, groups, 100)
    assert parts["auc"]["value"] == whole["auc"]["value"]
    assert parts["auc"]["low"] == pytest.approx(whole["auc"]["low"])


def test_it_is_the_bootstrap_of_the_metrics() -> None:
    scores, fake, groups = people()
    ranking = Ranking(scores, fake)
    found = intervals(lambda w: {"auc": weighted_auc(ranking.curve(w))}, groups, 2000)["auc"]
    wanted = with_interval(auc, scores, fake, groups, 500)
    assert found["value"] == pytest.approx(wanted.value)
    assert found["low"] == pytest.approx(wanted.low, abs=0.02)
    assert found["high"] == pytest.approx(wanted.high, abs=0.02)


def test_too_few_groups_give_no_interval() -> None:
    found = intervals(lambda w: {"mean": w.mean(axis=1)}, list("aabbccdd"), 50)["mean"]
    assert found == {"value": 1.0, "low": None, "high": None}
    found = intervals(lambda w: {"mean": w[:, 0]}, list("abcde"), 200)["mean"]
    assert found["low"] == 0.0
    assert found["high"] >= 1.0


def test_a_number_that_does_not_exist_is_none() -> None:
    found = intervals(lambda w: {"x": np.full(len(w), np.nan)}, list("abcdef"), 20)["x"]
    assert found == {"value": None, "low": None, "high": None}


def test_nothing_divided_by_nothing_is_not_a_number() -> None:
    found = ratio(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 0.0]))
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == 0.5
