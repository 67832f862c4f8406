"""Every number against scikit-learn or torchmetrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from sklearn import metrics as theirs  # noqa: E402

from assay.evaluation.measures import Scored, measured, rows_of_slice, scored_of  # noqa: E402

from .made_models import made_rows  # noqa: E402


def scored(**more: object) -> Scored:
    rows = [r for r in made_rows(n=60, shift=1.2, **more) if r.level == "file"]  # type: ignore[arg-type]
    return scored_of("m", rows)


def test_numbers_are_scikit_learns() -> None:
    part = scored()
    found = {k: float(v[0]) for k, v in measured(part, np.ones((1, 120))).items()}
    fake, p = part.fake, part.p
    assert p is not None
    hard, cut = p >= 0.5, p >= 0.7
    expected = {
        "auc": theirs.roc_auc_score(fake, part.score),
        "average_precision": theirs.average_precision_score(fake, part.score),
        "accuracy": theirs.accuracy_score(fake, hard),
        "balanced_accuracy": theirs.balanced_accuracy_score(fake, hard),
        "accuracy_at_threshold": theirs.accuracy_score(fake, cut),
        "balanced_accuracy_at_threshold": theirs.balanced_accuracy_score(fake, cut),
        "detection_rate": theirs.recall_score(fake, cut),
        "false_alarm_rate": 1 - theirs.recall_score(~fake, ~cut),
        "log_loss": theirs.log_loss(fake, p),
        "brier": theirs.brier_score_loss(fake, p),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name
    alarms, hits, _ = theirs.roc_curve(fake, part.score)
    assert found["detection_at_far_5"] == pytest.approx(hits[alarms <= 0.05].max())
    assert set(found) == {*expected, "equal_error_rate", "detection_at_far_1",
                          "detection_at_far_5", "ece", "aurc"}  # fmt: skip


def test_ece_and_aurc_by_hand() -> None:
    """The calibration's own tests lay ECE beside torchmetrics'; here the rows reach it."""
    part = scored(seed=4)
    found = {k: float(v[0]) for k, v in measured(part, np.ones((1, 120))).items()}
    p, fake = part.p, part.fake
    assert p is not None
    bins = np.minimum((p * 15).astype(int), 14)
    gaps = [abs(float((p - fake)[bins == k].sum())) for k in range(15)]
    assert found["ece"] == pytest.approx(sum(gaps) / 120)
    order = np.argsort(-np.abs(np.log(p / (1 - p))))
    wrong = ((p >= 0.5) != fake)[order]
    assert found["aurc"] == pytest.approx(np.mean(np.cumsum(wrong) / np.arange(1, 121)))


def test_intervals_hold_the_value_and_counts_stand_beside() -> None:
    rows = {row["metric"]: row for row in rows_of_slice(scored(), "overall", 200)}
    auc = rows["auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert (auc["n_fake"], auc["n_real"], auc["n_groups"]) == (60, 60, 60)
    assert (auc["model"], auc["level"], auc["slice"]) == ("m", "file", "overall")
    assert rows["coverage"]["value"] == 1.0


def test_abstentions_are_in_the_coverage_and_in_nothing_else() -> None:
    rows = [r for r in made_rows(n=20) if r.level == "file"]
    silent = [replace(r, logit=None, p_fake=None, status="abstained", reason="x: y") for r in rows[:5]]  # fmt: skip  # noqa: E501
    part = scored_of("m", [*silent, *rows[5:]])
    found = {row["metric"]: row for row in rows_of_slice(part, "overall", 20)}
    assert found["coverage"]["value"] == pytest.approx(35 / 40)
    assert found["auc"]["n_fake"] == 15


@pytest.mark.parametrize(("n_fake", "n_real", "said"), [(30, 0, "0 reals"), (3, 30, "3 fakes")])
def test_one_label_alone_gives_counts_and_reasons(n_fake: int, n_real: int, said: str) -> None:
    rows = [r for r in made_rows(n=30) if r.level == "file"]
    kept = [r for r in rows if r.label == "fake"][:n_fake]
    kept += [r for r in rows if r.label == "real"][:n_real]
    found = {row["metric"]: row for row in rows_of_slice(scored_of("m", kept), "overall", 20)}
    assert found["auc"]["value"] is None
    assert said in found["auc"]["why"]
    side = "detection_rate" if n_fake > 5 else "false_alarm_rate"
    assert found[side]["value"] is not None


def test_nothing_scored_and_mixed_scales() -> None:
    rows = [r for r in made_rows(n=6) if r.level == "file"]
    silent = [replace(r, logit=None, p_fake=None, status="failed", reason="x: y") for r in rows]
    found = rows_of_slice(scored_of("m", silent), "overall", 20)
    assert [(row["metric"], row["value"]) for row in found] == [("coverage", 0.0)]
    mixed = [replace(rows[0], p_fake=None), *(replace(r, logit=None) for r in rows[1:])]
    with pytest.raises(ValueError, match="mixes"):
        scored_of("m", mixed)


def test_a_score_of_any_scale_is_ranked_and_not_taken_for_a_logit() -> None:
    rows = [replace(r, p_fake=None, threshold=None) for r in made_rows(n=20) if r.level == "file"]
    assert "accuracy" not in measured(scored_of("m", rows), np.ones((1, 40)))
    assert "accuracy" in measured(scored_of("m", rows, is_logit=True), np.ones((1, 40)))
