from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.cue_calibration import RATES, calibrated  # noqa: E402


def made(shift: float, n: int = 400) -> dict:
    rng = np.random.default_rng(0)
    fake = np.arange(n) % 2 == 1
    logits = rng.normal(size=n) + shift * fake
    method = np.where(np.arange(n) % 4 == 1, "a", "b")
    by_method = [fake & (method == name) for name in ("a", "b")]
    group = np.arange(n) // 4
    return calibrated(logits, fake, group, np.ones(n), by_method, 3, "a test")


def test_the_scale_is_that_of_the_two_distributions() -> None:
    # Two unit normals `d` apart: the log odds rise by d a unit.
    fit = made(2.0)["calibration"]
    assert fit["scale"] == pytest.approx(2.0, abs=0.4)
    assert fit["scale"] * 1.0 + fit["bias"] == pytest.approx(0, abs=0.3)
    assert fit["interval_width_logit"] > 0
    assert fit["bona_fide_logits"] == sorted(fit["bona_fide_logits"])


def test_a_cut_lets_through_the_share_that_names_it() -> None:
    card = made(2.0)
    bona_fide = np.array(card["calibration"]["bona_fide_logits"])
    for point in card["operating_points"]:
        passed = (bona_fide >= point["threshold"]).mean()
        assert passed <= RATES[point["name"]] + 1 / len(bona_fide)
        assert point["measured_on"] == "a test"
    strict, loose = (point["detection_rate"] for point in card["operating_points"])
    assert 0.2 < strict < loose < 1


def test_a_score_is_never_turned_round() -> None:
    assert made(-2.0)["calibration"]["scale"] == pytest.approx(1e-3)
