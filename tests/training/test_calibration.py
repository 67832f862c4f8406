from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import load_card  # noqa: E402
from assay.bundles.familiarity import feature_limit  # noqa: E402
from assay.inputs.patch import PatchInput  # noqa: E402
from assay.training import calibration  # noqa: E402
from assay.training.calibration import (  # noqa: E402
    Measured,
    genuine_crops,
    measure_faces,
    measure_pictures,
    picture_patches,
    score,
)
from assay.training.pairs import Pair  # noqa: E402
from assay.training.pictures import CachedPicture  # noqa: E402
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
        return {
            "logit": (self.sign * logit).astype(np.float32),
            "mask": mask.astype(np.float32),
            "features": rng.normal(0, 1, (len(array), 4)).astype(np.float32),
        }


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
        return Pair(genuine, fake, "blue", "made", mask)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "PairSource", BlueSource)
    monkeypatch.setattr(calibration, "N_FORGED", 60)
    monkeypatch.setattr(calibration, "BOOTSTRAPS", 12)


def measured(**changes: Any) -> Measured:
    return measure_faces(ByBlue(**changes), VIEWS, config(SMALL))  # type: ignore[arg-type]


def config(recipe: Any) -> Any:
    return SimpleNamespace(
        recipe=recipe,
        schedule=SimpleNamespace(seed=7),
        mixture=None,
        data=SimpleNamespace(calibration_sources=("kept out",)),
    )


def test_forgeries_come_out_above_and_the_fit_rises() -> None:
    found = measured()
    assert len(found.bona_fide) == 2 * len(VIEWS)
    assert len(found.forged) == 60
    assert "of 5 groups" in found.on
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
    found = Measured(bona_fide, forged, 1.0, 0.0, 0.1, 2.0, "made", "some", {})
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
    assert found.heatmap is not None
    assert card.heatmap_faithful is found.heatmap["faithful"]
    assert feature_limit(card) == found.max_distance


def test_each_genuine_face_is_measured_as_found_and_degraded() -> None:
    found, degraded = genuine_crops(VIEWS[0], SMALL, 7)
    assert found.shape == degraded.shape == (32, 32, 3)
    assert not np.array_equal(found, degraded)
    again = genuine_crops(VIEWS[0], SMALL, 7)
    assert np.array_equal(again[1], degraded)


class Mean:
    """Scores the mean of a crop; its features lie as far out as the crop is bright."""

    def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
        means = array.mean(axis=(1, 2, 3))
        return {"logit": means, "features": np.repeat(means[:, None], 3, axis=1)}


def test_a_subject_gets_the_mean_logit_and_the_median_distance_of_its_crops() -> None:
    subjects = [
        np.stack([np.full((4, 4, 3), value + extra, np.uint8) for extra in range(n)])
        for value, n in [(10, 1), (20, 3), (40, 2), (60, 30)]
    ]
    found = score(Mean(), subjects)  # type: ignore[arg-type]
    assert found.logits.tolist() == [10, 21, 40.5, 74.5]
    assert found.distances.tolist() == [10, 21, 40.5, 74.5]


def picture(number: int, fake: bool) -> CachedPicture:
    rgb = np.random.default_rng(number).integers(0, 200, (70, 90, 3)).astype(np.uint8)
    if fake:
        rgb[20:60, 10:80] = (0, 0, 255)
    return CachedPicture(f"g{number}", "net" if fake else "camera", "train", fake, rgb, f"{number}")


class BluePatches:
    """Scores the share of blue, through any JPEG."""

    def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
        blue = (array[..., 2].astype(int) - array[..., 0] > 90).mean(axis=(1, 2))
        logit = (8 * blue - 3).astype(np.float32)
        return {"logit": logit, "features": np.stack([logit, -logit], axis=1)}


def test_pictures_are_measured_by_their_patches() -> None:
    recipe = PatchInput(size_px=32, n_patches=4)
    pictures = [picture(n, fake=n % 2 == 0) for n in range(24)]
    found = measure_pictures(BluePatches(), pictures, config(recipe))  # type: ignore[arg-type]
    assert len(found.bona_fide) == 24
    assert found.scale > 0
    assert found.heatmap is None
    assert "heatmap" not in found.as_card()
    assert np.median(found.forged) > np.median(found.bona_fide)
    assert "12 genuine files (12 groups of 1 sources, 1 of these wholly" in found.on
    assert found.as_card()["in_domain"]["features"]["max_distance"] == found.max_distance > 0


def test_a_picture_is_read_as_found_and_degraded_and_the_same_every_time() -> None:
    recipe = PatchInput(size_px=32, n_patches=4)
    found, degraded = picture_patches(picture(1, fake=False), recipe, 7)
    assert found.shape[1:] == degraded.shape[1:] == (32, 32, 3)
    assert len(found) == 4
    again = picture_patches(picture(1, fake=False), recipe, 7)
    assert np.array_equal(again[1], degraded)
    assert not np.array_equal(degraded, found)
