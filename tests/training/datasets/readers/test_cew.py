"""CEW: the state from the folder, two eyes and their face from one source."""

from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers.cew import Cew
from assay.training.datasets.records import Record

from .made_image_sets import cew


def read(root: Path, part: str = "eyes") -> list[Record]:
    return [one for one in Cew().read(root, {"part": part}) if isinstance(one, Record)]


def test_states_sides_and_people(tmp_path: Path) -> None:
    rows = read(cew(tmp_path))
    told = {(row.eye, row.subset): row for row in rows}
    assert set(told) == {(e, s) for e in ("open", "closed") for s in ("left", "right")}
    assert told["open", "left"].source == told["open", "right"].source == "Aaron_Guiel_0001"
    assert told["open", "left"].identity == "Aaron_Guiel"
    assert told["closed", "left"].source == told["closed", "right"].source
    assert told["closed", "left"].identity == ""
    assert {row.label for row in rows} == {"real"}


def test_faces_share_the_source_of_their_eyes(tmp_path: Path) -> None:
    rows = read(cew(tmp_path), "all")
    assert len(rows) == 6
    assert len({row.source for row in rows}) == 2
    assert {row.subset for row in read(tmp_path, "faces")} == {"face"}


def test_the_folders_of_eyes_alone_are_known(tmp_path: Path) -> None:
    inner = cew(tmp_path) / "dataset_B_Eye_Images"
    assert Cew().recognises(inner)
    assert len(read(inner)) == 4
