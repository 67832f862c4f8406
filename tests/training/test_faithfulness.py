from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.faithfulness import faithfulness  # noqa: E402
from tests.training.test_calibration import BlueSource, ByBlue  # noqa: E402

PAIRS = [BlueSource().draw(seed) for seed in range(60)]


def facts(**changes: Any) -> dict[str, Any]:
    return faithfulness(ByBlue(**changes), PAIRS)  # type: ignore[arg-type]


def test_a_map_that_knows_its_own_picture_is_faithful() -> None:
    found = facts()
    assert found["faithful"] is True
    assert found["n"] == pytest.approx(30, abs=3)
    assert found["mean_overlap_with_true_mask"] == pytest.approx(1.0)
    assert found["mean_overlap_with_true_mask"] > found["mean_overlap_of_another_map"]
    assert found["mean_fall_by_map"] > found["mean_fall_by_another_map"]
    assert found["mean_fall_by_map"] > found["mean_fall_elsewhere"]


def test_a_map_that_is_the_same_for_every_picture_is_not() -> None:
    assert facts(knows_where=False)["faithful"] is False


def test_what_a_true_map_marks_raises_a_genuine_picture_and_its_peak_points_at_it() -> None:
    found = facts()
    assert found["score_rises_more_by_map"] > 0.9
    assert found["mean_rise_by_map"] > found["mean_rise_elsewhere"]
    assert found["pointing"] == 1.0
    assert 0 < found["forged_share_of_crop"] < 0.15


def test_a_map_turned_away_points_elsewhere() -> None:
    class Turned(ByBlue):
        def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
            outputs = super().run(array)
            return {**outputs, "mask": np.roll(outputs["mask"], 14, axis=(1, 2))}

    found = faithfulness(Turned(), PAIRS)  # type: ignore[arg-type]
    assert found["pointing"] < 0.3
    assert found["faithful"] is False
