"""100K-Faces: all forged, known by the folder's name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.faces_100k import Faces100k
from assay.training.datasets.records import Record

from .made_image_sets import faces_100k


def methods(root: Path, release: str = "100k-faces") -> list[str]:
    found = Faces100k().read(root, {"release": release})
    return [row.method for row in found if isinstance(row, Record) and row.label == "fake"]


def test_every_picture_is_forged_by_stylegan(tmp_path: Path) -> None:
    assert methods(faces_100k(tmp_path)) == ["stylegan"] * 3
    assert methods(tmp_path, "generated-photos") == ["generated.photos"] * 3


def test_any_folder_is_read_when_the_reader_is_named(tmp_path: Path) -> None:
    faces_100k(tmp_path)
    (tmp_path / "100K-Faces").rename(tmp_path / "downloads")
    assert not Faces100k().recognises(tmp_path)
    assert len(methods(tmp_path / "downloads")) == 3


@pytest.mark.parametrize(
    "name", ["100K-Faces", "100k_faces", "100k faces", "generated.photos", "100K-Generated-Images"]
)
def test_it_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert Faces100k().recognises(tmp_path)
    assert Faces100k().recognises(tmp_path / name)


def test_a_folder_with_labels_in_it_is_another_set(tmp_path: Path) -> None:
    for label in ("real", "fake"):
        (tmp_path / "faces" / label).mkdir(parents=True)
    assert not Faces100k().recognises(tmp_path / "faces")


def test_apple_doubles_are_no_pictures(tmp_path: Path) -> None:
    faces_100k(tmp_path)
    (tmp_path / "100K-Faces" / "._0000000.jpg").touch()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "0000000.jpg").touch()
    assert len(methods(tmp_path)) == 3


def test_no_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "100K-Faces").mkdir()
    with pytest.raises(ConfigError, match="nothing of this set"):
        methods(tmp_path)
