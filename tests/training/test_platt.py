from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from assay.bundles.aggregation import Aggregation
from assay.errors import ConfigError
from assay.training.platt import calibrated, fit_platt


def made(n: int = 200, gap: float = 2.0, seed: int = 0) -> tuple[Any, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    labels = ["fake" if i % 2 else "real" for i in range(n)]
    logits = [float(rng.normal(gap if label == "fake" else 0, 1)) for label in labels]
    return logits, labels, [f"person {i // 2}" for i in range(n)]


def test_the_fit_is_that_of_another_library_with_the_same_targets() -> None:
    rng = np.random.default_rng(3)
    fake = np.r_[np.zeros(120, bool), np.ones(40, bool)]
    logits = np.r_[rng.normal(-3, 2, 120), rng.normal(4, 3, 40)]
    high, low = 41 / 42, 1 / 122
    share = np.where(fake, high, low)
    weight = np.where(fake, 0.5 / 40, 0.5 / 120) * 160
    x = np.r_[logits, logits][:, None]
    y = np.r_[np.ones(160), np.zeros(160)]
    other = LogisticRegression(C=1e9, tol=1e-10, max_iter=5000)
    other.fit(x, y, sample_weight=np.r_[weight * share, weight * (1 - share)])
    assert fit_platt(logits, fake) == pytest.approx(
        (other.coef_[0, 0], other.intercept_[0]), rel=1e-3
    )


def test_labels_that_a_cut_divides_do_not_become_certainties() -> None:
    _, labels, groups = made(40)
    sure = [9.0 if label == "fake" else -9.0 for label in labels]
    found, _ = calibrated(sure, labels, groups)
    p_fake = 1 / (1 + np.exp(-(found["scale"] * 9 + found["bias"])))
    assert p_fake == pytest.approx(21 / 22, abs=1e-3)


def test_points_are_given_where_they_can_be_measured() -> None:
    logits, labels, groups = made(240)
    calibration, points = calibrated(logits, labels, groups, fitted_on="made items")
    assert [point["name"] for point in points] == ["far_1", "far_5"]
    real = np.array([z for z, label in zip(logits, labels, strict=True) if label == "real"])
    for point in points:
        assert (real >= point["threshold"]).mean() <= point["false_alarm_rate"]
    assert (real >= points[1]["threshold"]).sum() == 6
    assert calibration["bona_fide_logits"] == sorted(calibration["bona_fide_logits"])
    assert len(calibration["bona_fide_logits"]) == 120
    assert "made items: 120 people of 120 genuine items in 120 groups" in calibration["fitted_on"]
    assert calibration["interval_width_logit"] > 0
    assert calibrated(*made(36))[1] == []


def test_people_of_genuine_items_count_and_of_a_fake_the_highest() -> None:
    logits, labels, groups = made(60)
    people = [{1: np.array([z, z]), 4: np.array([-8.0])} for z in logits]
    found, _ = calibrated(people, labels, groups, aggregation=Aggregation())
    assert len(found["bona_fide_logits"]) == 60
    assert found["bona_fide_logits"].count(-8.0) == 30
    listed, _ = calibrated([[z, -8.0] for z in logits], labels, groups)
    assert listed == found


def test_items_without_anybody_are_left_out() -> None:
    logits, labels, groups = made(60)
    empty: list[Any] = [{1: np.array([z])} for z in logits]
    empty[0] = {}
    found, _ = calibrated(empty, labels, groups)
    assert len(found["bona_fide_logits"]) == 29


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 18}, "cannot calibrate"),
        ({"gap": -2.0}, "below genuine"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        calibrated(*made(**change))


def test_groups_of_training_are_refused() -> None:
    logits, labels, groups = made()
    with pytest.raises(ConfigError, match="trained on: person 7"):
        calibrated(logits, labels, groups, training_groups={"person 7", "nobody"})
    with pytest.raises(ConfigError, match="0 genuine"):
        calibrated(logits, ["fake"] * 200, groups)
    with pytest.raises(ConfigError, match="neither"):
        calibrated(logits, ["maybe"] * 200, groups)
    with pytest.raises(ConfigError, match="no number"):
        calibrated([float("nan"), *logits[1:]], labels, groups)


def test_kept_out_of_training_is_said_where_training_is_known() -> None:
    logits, labels, groups = made(40)
    found, points = calibrated(logits, labels, groups, training_groups=["another"])
    assert found["fitted_on"].endswith("groups kept out of training")
    assert all(point["measured_on"].startswith("validation items: ") for point in points)
    found, _ = calibrated(logits, labels, groups)
    assert "training" not in found["fitted_on"]


def test_one_person_alone_is_not_enough() -> None:
    logits, labels, _ = made()
    with pytest.raises(ConfigError, match="of 1 groups"):
        calibrated(logits, labels, ["one"] * 200)
