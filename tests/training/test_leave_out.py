from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training import leave_out  # noqa: E402
from assay.training.config import TrainingConfig, read_config  # noqa: E402
from assay.training.leave_out import COLUMNS, write_scores  # noqa: E402
from assay.training.loop import Member  # noqa: E402
from assay.training.nets.trunk import Outputs  # noqa: E402
from assay.training.run import Prepared  # noqa: E402
from tests.training.makers import make_picture, make_view, write_config  # noqa: E402


class Brightness(torch.nn.Module):
    """Scores by the mean of the picture, times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, pictures: Any) -> Outputs:
        means = pictures.float().mean(dim=(1, 2, 3)) * self.factor
        return Outputs(means, means[:, None])


ALONE = Member("all", Brightness(1.0))
MEMBERS = [ALONE, Member("without gan", Brightness(-2.0), frozenset({"gan"}))]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingConfig:
    monkeypatch.chdir(tmp_path)
    config = read_config(write_config(tmp_path))
    config.run_folder.mkdir(parents=True)
    return config


def pictures_of(config: TrainingConfig) -> TrainingConfig:
    from assay.inputs.patch import PatchInput

    return replace(config, kind="picture", recipe=PatchInput(size_px=32))


def scores(config: TrainingConfig) -> list[dict[str, str]]:
    with (config.run_folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_whole_pictures_are_scored_by_the_mean_of_their_patches(config: TrainingConfig) -> None:
    config = pictures_of(config)
    prepared = Prepared(
        [],
        [make_picture(0), make_picture(1, fake=True, method="gan", group="g, 1")],
        [make_picture(2, side=40)],
        [make_picture(3, twin=True, split="val")],
    )
    write_scores(config, prepared, MEMBERS)
    rows = scores(config)
    assert list(rows[0]) == [*COLUMNS, "all", "without gan"]
    told = [tuple(row[name] for name in COLUMNS) for row in rows]
    assert told == [
        ("train", "real", "camera", "camera", "group-0", "0.png"),
        ("train", "fake", "gan", "gan", "g, 1", "1.png"),
        ("calibration", "real", "camera", "camera", "group-2", "2.png"),
        ("val", "fake", "made", "made", "group-3", "3.png"),
    ]
    for row, picture in zip(rows, [*prepared.training, *prepared.calibration], strict=False):
        assert float(row["all"]) == pytest.approx(picture.rgb.mean(), abs=25)
        assert float(row["without gan"]) == pytest.approx(-2 * float(row["all"]), abs=1e-2)


def test_what_has_no_patch_has_no_score(config: TrainingConfig) -> None:
    config = pictures_of(config)
    tiny = make_picture(0, side=8)
    flat = make_picture(1, rgb=np.full((96, 96, 3), 7, np.uint8))
    write_scores(config, Prepared([], [tiny, make_picture(2)], [flat], []), MEMBERS)
    rows = scores(config)
    assert [row["all"] == "nan" for row in rows][:2] == [True, False]
    assert len(rows) == 3


def test_a_face_is_scored_as_it_is_and_forged_in_every_way(config: TrainingConfig) -> None:
    decoded = make_view(seed=9).rgb
    prepared = Prepared(
        [],
        [make_view("a", 1), make_view("c", 4, twin=True)],
        [make_view("b", 2, reconstructions=(decoded,)), make_view("e", 3)],
        [],
    )
    write_scores(config, prepared, MEMBERS)
    rows = scores(config)
    ways = {
        name: [row["method"] for row in rows if row["group"] == name and row["label"] == "fake"]
        for name in "abc"
    }
    assert ways["a"] == ["self_blend", "two_faces", "mouth_rendering"]
    assert ways["b"] == ["self_blend", "two_faces", "mouth_rendering", "face_reconstruction"]
    assert ways["c"] == ["swapped_twin"]
    genuine = [row["group"] for row in rows if row["label"] == "real"]
    assert genuine == ["a", "c", "b", "e"]
    assert {row["method"] for row in rows if row["label"] == "real"} == {"genuine"}
    assert {row["source"] for row in rows} == {"made"}
    assert all(np.isfinite(float(row["all"])) for row in rows)


def test_the_same_run_writes_the_same_scores(config: TrainingConfig) -> None:
    views = [make_view("a", 1), make_view("b", 2)]
    texts = []
    for order in (views, views):
        write_scores(config, Prepared([], order, [make_view("c", 3)], []), MEMBERS)
        texts.append((config.run_folder / "scores.csv").read_text())
    assert texts[0] == texts[1]
    # Nor does a forgery depend on its place in the list.
    write_scores(config, Prepared([], views[::-1], [make_view("c", 3)], []), MEMBERS)
    assert sorted(scores(config), key=str) == sorted(csv.DictReader(texts[0].splitlines()), key=str)


def test_of_training_data_some_of_each_source_are_scored(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leave_out, "MOST_PER_SOURCE", 5)
    config = pictures_of(config)
    training = [make_picture(n, side=40) for n in range(12)]
    training += [make_picture(n, side=40, fake=True, method="gan") for n in range(3)]
    calibration = [make_picture(n, side=40) for n in range(20, 29)]
    write_scores(config, Prepared([], training, calibration, []), MEMBERS)
    rows = scores(config)
    kept = [row["path"] for row in rows if row["split"] == "train" and row["method"] == "camera"]
    assert len(kept) == 5
    assert kept != [f"{n}.png" for n in range(5)]  # from all of it, not its beginning
    assert sum(row["method"] == "gan" for row in rows) == 3
    assert sum(row["split"] == "calibration" for row in rows) == 9


def test_training_data_are_scored_for_those_that_left_something_out_alone(
    config: TrainingConfig,
) -> None:
    config = pictures_of(config)
    parts = ([make_picture(0)], [make_picture(1)], [make_picture(2, split="val")])
    for members, n in (([ALONE], 2), (MEMBERS, 3)):
        write_scores(config, Prepared([], *parts), members)
        assert len(scores(config)) == n
