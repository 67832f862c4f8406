from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.report.conftest import face_box, heat, image_verdict, scored, video_verdict

from assay.report.layers import MAX_OVERLAYS, laid_over, write_layers
from assay.types import Heatmap, Picture


def test_a_picture_and_its_maps_have_one_size(tmp_path: Path) -> None:
    written = write_layers(image_verdict(), tmp_path)
    assert [one["kind"] for one in written] == ["picture", "overlay"]
    assert [one["path"] for one in written] == ["picture-1.jpg", "overlay-1-1.png"]
    assert written[0]["caption"] == "The examined picture."
    picture, over = (Image.open(tmp_path / one["path"]) for one in written)
    assert picture.format == "JPEG"
    assert over.size == picture.size
    assert over.mode == "RGBA"


def test_a_map_is_seen_where_its_box_is_and_nowhere_else(tmp_path: Path) -> None:
    write_layers(image_verdict(), tmp_path)
    alpha = np.asarray(Image.open(tmp_path / "overlay-1-1.png"))[..., 3]
    x0, y0, x1, y1 = (round(side * alpha.shape[1] / 640) for side in face_box(0))
    inside = alpha[max(0, y0) : y1, max(0, x0) : x1]
    assert inside.max() > 150
    assert alpha.sum() == inside.sum()


def test_a_map_without_measured_faithfulness_is_not_written(tmp_path: Path) -> None:
    verdict = image_verdict()
    doubtful = Heatmap(0.0, face_box(0), heat(), faithful=False)
    evidence = (scored("face 1", 0.968, track_id=1, heatmaps=(doubtful,)),)
    written = write_layers(replace(verdict, evidence=evidence), tmp_path)
    assert [one["kind"] for one in written] == ["picture"]


def test_a_large_picture_is_shrunk_with_its_map(tmp_path: Path) -> None:
    verdict = image_verdict()
    rgb = np.full((2000, 3000, 3), 90, np.uint8)
    held = replace(verdict, pictures=(Picture(0, 0.0, rgb, 3000 / 640),))
    write_layers(held, tmp_path)
    assert Image.open(tmp_path / "picture-1.jpg").size == (1280, 853)
    assert Image.open(tmp_path / "overlay-1-1.png").size == (1280, 853)


def test_the_number_of_maps_is_bounded(tmp_path: Path) -> None:
    verdict = image_verdict()
    maps = tuple(Heatmap(0.0, face_box(0), heat(), faithful=True) for _ in range(40))
    evidence = (scored("face 1", 0.9, track_id=1, heatmaps=maps),)
    written = write_layers(replace(verdict, evidence=evidence), tmp_path)
    assert len(written) == 1 + MAX_OVERLAYS


def test_frames_of_a_video_are_told_by_their_time(tmp_path: Path) -> None:
    verdict = video_verdict()
    moment = verdict.pictures[-1].time_s
    one = Heatmap(moment, face_box(0), heat(), faithful=True)
    evidence = (scored("face 1", 0.9, track_id=1, heatmaps=(one,)),)
    written = write_layers(replace(verdict, evidence=evidence), tmp_path)
    assert [one["kind"] for one in written] == ["picture", "overlay"]
    assert written[0]["caption"].startswith("The examined frame at 0:")
    assert write_layers(replace(verdict, evidence=()), tmp_path) == []


@pytest.mark.parametrize(
    "box", [(float("nan"), 0, 9, 9), (5, 5, 5, 9), (0, 0, 1e9, 1e9), (-900, -900, -800, -800)]
)
def test_a_wrong_box_gives_an_empty_map(box: tuple[float, float, float, float]) -> None:
    picture = Picture(0, 0.0, np.zeros((40, 60, 3), np.uint8), 1.0)
    over = laid_over(picture, Heatmap(0.0, box, heat(), faithful=True), (60, 40))
    assert np.asarray(over).max() == 0
