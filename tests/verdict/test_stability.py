from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card
from assay.case import Case, Deadline
from assay.types import Evidence, FaceView, Stability
from assay.verdict import stability as module
from assay.verdict.calibrate import calibrate
from assay.verdict.fuse import fuse
from assay.verdict.stability import MAX_VIEWS, VARIANTS, measure_stability
from tests.verdict.doubles import FaceDetector, Shifting, make_case, make_view, write_card


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, Card]:
    return {"test_detector": write_card(tmp_path)}


def stability_of(case: Case, detector: type[Any], cards: dict[str, Card]) -> Stability | None:
    fused = fuse(calibrate(detector().examine(case), "far_1", cards), "far_1", cards)
    assert fused is not None
    return measure_stability(case, fused, {"test_detector": detector}, "far_1", cards)


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_changes_the_pixels_and_keeps_the_face(name: str) -> None:
    case = make_case(n_frames=1)
    (before,), (after,) = case.face_views(1), VARIANTS[name].vary(case).face_views(1)
    assert after.rgb.dtype == np.uint8
    assert after.rgb.shape != before.rgb.shape or (after.rgb != before.rgb).any()
    assert (after.frame_box_px == before.frame_box_px).all()
    assert (after.track_id, after.time_s) == (before.track_id, before.time_s)
    assert _relative(after) == pytest.approx(_relative(before), abs=0.04)


def _relative(view: FaceView) -> list[float]:
    """The box and landmarks' mean as shares of the view."""
    height, width = view.rgb.shape[:2]
    size = np.array([width, height], np.float32)
    values = [view.box_px[:2] / size, view.box_px[2:] / size, view.landmarks_px.mean(0) / size]
    return [float(value) for pair in values for value in pair]


def test_crop_moves_the_face_against_the_picture() -> None:
    view = make_view()
    moved = module.crop(view)
    trimmed = view.rgb.shape[1] - moved.rgb.shape[1]
    assert trimmed > 0
    shift = moved.box_px[0] - (view.box_px[0] - trimmed / 2)
    assert shift == pytest.approx(0.03 * 120, abs=0.01)


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_survive_a_tiny_view(name: str) -> None:
    rgb = np.zeros((1, 1, 3), np.uint8)
    tiny = make_view(rgb=rgb, box_px=np.array([0, 0, 1, 1], np.float32))
    case = make_case(n_frames=1)
    case.__dict__["_seen"].views[1] = (tiny,)
    (after,) = VARIANTS[name].vary(case).face_views(1)
    assert after.rgb.size > 0


def test_a_score_that_stands_has_no_flips(cards: dict[str, Card]) -> None:
    found = stability_of(make_case(), FaceDetector, cards)
    assert found is not None
    assert list(found.scores) == ["as_is", *VARIANTS]
    assert found.flips == 0
    assert found.spread < 0.01


def test_a_score_that_falls_flips(cards: dict[str, Card]) -> None:
    found = stability_of(make_case(), Shifting, cards)
    assert found is not None
    assert found.flips == len(VARIANTS)
    assert found.scores["resave"] < 0.05 < 0.9 < found.scores["as_is"]
    assert found.spread > 0.8


def test_few_views_stand_for_the_track_whatever_it_aggregates_with(
    cards: dict[str, Card],
) -> None:
    class Loudest(FaceDetector):
        def score(self, view: FaceView) -> float:
            return 3.0 if view.frame_index == 0 else -1.0

        def _of_track(self, case: Case, track_id: int) -> Evidence:
            from dataclasses import replace

            one = super()._of_track(case, track_id)
            return replace(one, logit=max(span.logit for span in one.spans))

    found = stability_of(make_case(n_frames=30), Loudest, cards)
    assert found is not None
    assert found.flips == 0
    assert found.spread == pytest.approx(0.0, abs=1e-9)


def test_it_costs_less_than_the_examination_itself(cards: dict[str, Card]) -> None:
    seen: list[int] = []

    class Counting(FaceDetector):
        def score(self, view: FaceView) -> float:
            seen.append(view.track_id)
            return 3.0 if view.track_id > 2 else 0.0

    stability_of(make_case(n_tracks=5, n_frames=32), Counting, cards)
    again = seen[5 * 32 :]
    assert set(again) == {3, 4}
    assert len(again) == 2 * MAX_VIEWS * len(VARIANTS)
    assert len(again) < 5 * 32


def test_heat_maps_are_not_drawn_again(cards: dict[str, Card]) -> None:
    asked: list[bool] = []

    class Drawing(FaceDetector):
        def examine(self, case: Case) -> list[Evidence]:
            asked.append(case.options.heatmaps)
            return super().examine(case)

    stability_of(make_case(), Drawing, cards)
    assert asked[0] is True
    assert not any(asked[1:])


def test_a_detector_that_breaks_under_change_leaves_the_variant_out(
    cards: dict[str, Card],
) -> None:
    class Fragile(FaceDetector):
        def score(self, view: FaceView) -> float:
            if view.scale != 1.0:
                raise RuntimeError("not this size")
            return 0.0

    found = stability_of(make_case(), Fragile, cards)
    assert found is not None
    assert "resize" not in found.scores
    assert "resave" in found.scores


def test_no_time_left_means_not_tested(cards: dict[str, Card]) -> None:
    case = make_case()
    fused = fuse(calibrate(FaceDetector().examine(case), "far_1", cards), "far_1", cards)
    assert fused is not None
    case.deadline = Deadline(0.0, 0.0)
    assert measure_stability(case, fused, {"test_detector": FaceDetector}, "far_1", cards) is None


@pytest.fixture
def voice_variant(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(VARIANTS, "same", module.of_views("nothing at all", lambda view: view))
    return "same"


def test_a_registered_variant_joins(cards: dict[str, Card], voice_variant: str) -> None:
    found = stability_of(make_case(), FaceDetector, cards)
    assert found is not None
    assert found.scores[voice_variant] == pytest.approx(found.scores["as_is"])
