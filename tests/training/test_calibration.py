from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import load_card  # noqa: E402
from assay.training import calibration  # noqa: E402
from assay.training.calibration import (  # noqa: E402
    Measured,
    faithfulness,
    genuine_crops,
    measure,
    score,
)
from assay.training.pairs import Pair  # noqa: E402
from tests.training.makers import SMALL, make_view  # noqa: E402
from tests.verdict.doubles import write_card  # noqa: E402

VIEWS = [make_view(name, n) for n, name in enumerate("aabbccdde")]


class ByBlue:
    """Scores the share of pure blue, which only the forgeries of `BlueSource` have."""

    def __init__(self, sign: float = 1.0, knows_where: bool = True) -> None:
        self.sign, self.knows_where = sign, knows_where

    def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
        blue = ((array[..., 2] == 255) & (array[..., 0] == 0)).astype(np.float32)
        rng = np.random.default_rng(array.astype(np.int64).sum())
        logit = blue.mean(axis=(1, 2)) * 40 - 2 + rng.normal(0, 0.3, len(array))
        small = blue[:, 2:30, 2:30] * 0.9
        mask = small if self.knows_where else np.tile(small.mean(axis=0), (len(array), 1, 1))
        return {"logit": (self.sign * logit).astype(np.float32), "mask": mask.astype(np.float32)}


class BlueSource:
    """Pairs whose forgery carries a blue square somewhere, and a mask that says where."""

    def __init__(self, *_: Any) -> None:
        pass

    def draw(self, seed: int) -> Pair:
        rng = np.random.default_rng(seed)
        genuine = rng.integers(20, 200, (32, 32, 3)).astype(np.uint8)
        fake, mask = genuine.copy(), np.zeros((28, 28), np.float32)
        x, y = rng.integers(3, 22, 2)
        side = int(rng.integers(2, 9))
        fake[y : y + side, x : x + side] = (0, 0, 255)
        mask[y - 2 : y - 2 + side, x - 2 : x - 2 + side] = 1.0
        return Pair(genuine, fake, mask, "blue")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "PairSource", BlueSource)
    monkeypatch.setattr(calibration, "N_FORGED", 60)
    monkeypatch.setattr(calibration, "BOOTSTRAPS", 12)


def measured(**changes: Any) -> Measured:
    return measure(ByBlue(**changes), VIEWS, SMALL, 7)  # type: ignore[arg-type]


def test_forgeries_come_out_above_and_the_fit_rises() -> None:
    found = measured()
    assert len(found.bona_fide) == calibration.COPIES * len(VIEWS)
    assert len(found.forged) == 60
    assert found.n_people == 5
    assert np.median(found.forged) > np.median(found.bona_fide)
    assert found.scale > 0
    assert np.isfinite([found.scale, found.bias, found.interval_width]).all()
    assert found.interval_width > 0


def test_the_same_seed_measures_the_same() -> None:
    first, again = measured(), measured()
    assert first.as_card() == again.as_card()


def test_a_network_with_the_wrong_direction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="below"):
        measured(sign=-1.0)


def points(bona_fide: np.ndarray, forged: np.ndarray) -> dict[str, dict[str, Any]]:
    found = Measured(bona_fide, forged, 1.0, 0.0, 0.1, {}, 3)
    return {point["name"]: point for point in found.as_card()["operating_points"]}


@pytest.mark.parametrize("n", [3, 99, 100, 760, 2000])
def test_no_cut_lets_more_pass_than_its_name_says(n: int) -> None:
    rng = np.random.default_rng(n)
    bona_fide, forged = rng.normal(-1, 1, n), rng.normal(2, 1, 300)
    rates = {"far_0.1": 0.001, "far_1": 0.01, "far_5": 0.05}
    found = points(bona_fide, forged)
    measurable = {name: rate for name, rate in rates.items() if rate * n >= 1}
    assert set(found) == set(measurable)  # a cut that could not be measured is not stated
    for name, rate in measurable.items():
        threshold = found[name]["threshold"]
        passed = (bona_fide >= threshold).sum()
        assert passed == int(np.floor(rate * n))  # as many as it may, and no more
        assert found[name]["detection_rate"] == pytest.approx((forged >= threshold).mean())
    if len(found) > 1:
        thresholds = [found[name]["threshold"] for name in measurable]
        assert thresholds == sorted(thresholds, reverse=True)


def test_ties_do_not_pass_the_cut() -> None:
    found = points(np.zeros(200), np.r_[np.zeros(5), np.ones(5)])
    assert found["far_5"]["threshold"] > 0.0
    assert found["far_5"]["detection_rate"] == 0.5


def test_what_was_measured_makes_a_card_that_loads(tmp_path: Path) -> None:
    found = measured()
    entries = json.loads(json.dumps(found.as_card()))
    card = write_card(tmp_path, **entries)
    assert load_card("test_bundle", tmp_path / "test_bundle").calibration == card.calibration
    assert card.calibration is not None
    assert card.calibration.bona_fide_logits == tuple(np.sort(found.bona_fide).round(4))
    above = card.calibration.p_fake(float(np.median(found.forged)))
    below = card.calibration.p_fake(float(np.median(found.bona_fide)))
    assert above > 0.5 > below
    wanted = {name for name, rate in calibration.RATES.items() if rate * len(found.bona_fide) >= 1}
    assert {point.name for point in card.operating_points} == wanted
    assert card.heatmap_faithful is found.faithfulness["faithful"]


def test_a_map_that_knows_its_own_picture_is_faithful() -> None:
    assert measured().faithfulness["faithful"] is True


def test_a_map_that_is_the_same_for_every_picture_is_not() -> None:
    blind = measured(knows_where=False).faithfulness
    assert blind["faithful"] is False


def test_the_overlap_with_the_true_mask_is_measured() -> None:
    pairs = [BlueSource().draw(seed) for seed in range(40)]
    facts = faithfulness(ByBlue(), pairs)  # type: ignore[arg-type]
    assert facts["mean_overlap_with_true_mask"] == pytest.approx(1.0)
    assert facts["n"] == pytest.approx(20, abs=3)
    assert facts["mean_overlap_with_true_mask"] > facts["mean_overlap_of_another_map"]
    assert facts["mean_fall_by_map"] > facts["mean_fall_by_another_map"]
    assert facts["mean_fall_by_map"] > facts["mean_fall_elsewhere"]


def test_each_genuine_face_is_measured_as_found_and_degraded() -> None:
    found, degraded = genuine_crops(VIEWS[0], SMALL, 7)
    assert found.shape == degraded.shape == (32, 32, 3)
    assert not np.array_equal(found, degraded)
    again = genuine_crops(VIEWS[0], SMALL, 7)
    assert np.array_equal(again[1], degraded)


def test_scores_come_in_the_order_of_the_crops() -> None:
    class Mean:
        def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
            return {"logit": array.mean(axis=(1, 2, 3))}

    crops = [np.full((4, 4, 3), value, np.uint8) for value in range(37)]
    assert score(Mean(), crops).tolist() == list(range(37))  # type: ignore[arg-type]
