from __future__ import annotations

import numpy as np
import pytest

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation import metrics  # noqa: E402
from assay.evaluation.ranking import (  # noqa: E402
    Ranking,
    auc,
    average_precision,
    detection_at,
    equal_error_rate,
    fitted_cut,
)

Draw = tuple[np.ndarray, np.ndarray, np.ndarray]


def made(seed: int) -> Draw:
    """Scores (tied in every second), labels, and how often each row is there."""
    rng = np.random.default_rng(seed)
    fake = np.r_[True, False, rng.random(50 + 9 * seed) < 0.15 + 0.08 * seed]
    scores = rng.normal(0, 1, len(fake)) + 0.3 * seed * fake
    weights = rng.integers(0, 4, len(fake)).astype(float)
    weights[:2] = 1
    return (np.round(scores, 1) if seed % 2 else scores), fake, weights


@pytest.mark.parametrize("seed", range(8))
def test_auc_is_scikit_learns_with_weights(seed: int) -> None:
    scores, fake, weights = made(seed)
    wanted = sklearn_metrics.roc_auc_score(fake, scores, sample_weight=weights)
    assert auc(Ranking(scores, fake).curve(weights[None]))[0] == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_scikit_learns_with_weights(seed: int) -> None:
    scores, fake, weights = made(seed)
    wanted = sklearn_metrics.average_precision_score(fake, scores, sample_weight=weights)
    assert average_precision(Ranking(scores, fake).curve(weights[None]))[0] == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(8))
def test_auc_and_average_precision_are_torchmetrics(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="another library's metrics")
    functional = pytest.importorskip(
        "torchmetrics.functional.classification", reason="another library's metrics"
    )
    scores, fake, _ = made(seed)
    p = torch.tensor(1 / (1 + np.exp(-scores)))
    curve = Ranking(scores, fake).curve(np.ones((1, len(fake))))
    target = torch.tensor(fake.astype(int))
    assert auc(curve)[0] == pytest.approx(float(functional.binary_auroc(p, target)), abs=1e-6)
    wanted = float(functional.binary_average_precision(p, target))
    assert average_precision(curve)[0] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_equal_error_and_detection_are_those_of_repeated_rows(seed: int) -> None:
    scores, fake, weights = made(seed)
    curve = Ranking(scores, fake).curve(weights[None])
    many = np.repeat(np.arange(len(fake)), weights.astype(int))
    wanted = metrics.equal_error_rate(scores[many], fake[many])
    assert equal_error_rate(curve)[0] == pytest.approx(wanted)
    for rate in (0.0, 0.01, 0.05, 0.3, 1.0):
        wanted = metrics.detection_rate_at(rate)(scores[many], fake[many])
        assert detection_at(curve, rate)[0] == pytest.approx(wanted)


def test_draws_are_measured_each_for_itself() -> None:
    scores, fake, weights = made(3)
    ranking = Ranking(scores, fake)
    stacked = np.stack([np.ones(len(fake)), weights, weights[::-1]])
    together = auc(ranking.curve(stacked))
    assert together == pytest.approx([auc(ranking.curve(row[None]))[0] for row in stacked])


@pytest.mark.parametrize("measure", [auc, average_precision, lambda c: detection_at(c, 0.1)])
def test_a_draw_without_a_label_has_no_number(measure: object) -> None:
    scores, fake, _ = made(2)
    curve = Ranking(scores, fake).curve(np.stack([fake * 1.0, ~fake * 1.0]))
    assert np.isnan(measure(curve)).all()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.0, 0), (0.01, 1), (0.05, 5), (0.5, 50), (1, 100)]
)
def test_the_fitted_cut_lets_through_what_it_may(rate: float, expected: int) -> None:
    reals = np.random.default_rng(0).permutation(np.linspace(-3, 3, 100))
    assert (reals >= fitted_cut(reals, rate)).sum() == expected


def test_equal_scores_never_exceed_the_rate() -> None:
    reals = np.array([0.0] * 90 + [1.0] * 10)
    assert (reals >= fitted_cut(reals, 0.05)).mean() == 0.0
    assert (reals >= fitted_cut(reals, 0.1)).mean() == pytest.approx(0.1)
    with pytest.raises(ValueError, match="bona fide"):
        fitted_cut(np.array([]), 0.1)
