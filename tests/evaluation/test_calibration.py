from __future__ import annotations

import numpy as np
import pytest

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.calibration import (  # noqa: E402
    at_equal_odds,
    brier,
    calibration_error,
    log_loss,
    reliability,
)

Draw = tuple[np.ndarray, np.ndarray, np.ndarray]


def made(seed: int, n: int = 400) -> Draw:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6, 0.9, n)
    fake = rng.random(n) < p ** (1 + seed / 3)
    return p, fake, rng.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_brier_and_log_loss_are_scikit_learns(seed: int) -> None:
    p, fake, weights = made(seed)
    wanted = sklearn_metrics.brier_score_loss(fake, p, sample_weight=weights)
    assert brier(weights[None], p, fake)[0] == pytest.approx(wanted)
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    wanted = sklearn_metrics.log_loss(fake, clipped, sample_weight=weights)
    assert log_loss(weights[None], p, fake)[0] == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_error_is_torchmetrics(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="another library's metrics")
    functional = pytest.importorskip(
        "torchmetrics.functional.classification", reason="another library's metrics"
    )
    p, fake, _ = made(seed)
    target = torch.tensor(fake.astype(int))
    wanted = functional.binary_calibration_error(torch.tensor(p), target, n_bins=15, norm="l1")
    found = calibration_error(np.ones((1, len(p))), p, fake)[0]
    assert found == pytest.approx(float(wanted), abs=1e-6)


def test_the_calibration_error_counts_weights() -> None:
    p, fake, weights = made(1)
    many = np.repeat(np.arange(len(p)), weights.astype(int))
    repeated = calibration_error(np.ones((1, len(many))), p[many], fake[many])
    assert calibration_error(weights[None], p, fake)[0] == pytest.approx(repeated[0])


def test_true_odds_have_next_to_no_error_and_false_ones_do() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    fake = rng.random(20_000) < p
    ones = np.ones((1, len(p)))
    assert calibration_error(ones, p, fake)[0] < 0.02
    assert calibration_error(ones, 1 - p, fake)[0] > 0.4
    assert calibration_error(ones, p**3, fake)[0] > 0.1


def test_equal_odds_undo_the_shares_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(40_000)
    fake = rng.random(40_000) < p
    kept = fake & (rng.random(40_000) < 0.1) | ~fake  # nine in ten fakes are thrown away
    p, fake = p[kept], fake[kept]
    ones = np.ones((1, len(p)))
    assert calibration_error(ones, p, fake)[0] > 0.2
    assert calibration_error(at_equal_odds(ones, fake), p, fake)[0] < 0.03
    weights = at_equal_odds(ones, fake)
    assert weights[0][fake].sum() == pytest.approx(weights[0][~fake].sum())
    assert np.isnan(at_equal_odds(ones * fake, fake)).all()


def test_the_diagram_counts_every_file_once() -> None:
    p, fake, _ = made(2)
    rows = reliability(np.r_[p, 0.0, 1.0], np.r_[fake, False, True])
    assert sum(row["n"] for row in rows) == len(p) + 2
    for row in rows:
        assert row["low"] <= row["share_fake"] <= row["high"]
    assert [row["p_fake"] for row in rows] == sorted(row["p_fake"] for row in rows)
    assert len(reliability(np.array([0.99]), np.array([True]))) == 1
