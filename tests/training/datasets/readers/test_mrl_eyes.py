"""MRL: the fields of the file name; the person is what a split must not divide."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.mrl_eyes import MrlEyes
from assay.training.datasets.records import Notice, Record, groups_of

from .made_image_sets import mrl_eyes

TOP = "mrlEyes_2018_01"


def read(root: Path) -> tuple[list[Record], dict[str, int]]:
    found = list(MrlEyes().read(root, {}))
    rows = [one for one in found if isinstance(one, Record)]
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_the_fifth_field_is_the_eye(tmp_path: Path) -> None:
    rows, notices = read(mrl_eyes(tmp_path))
    assert [(row.identity, row.eye, row.subset) for row in rows] == [
        ("s0001", "closed", "realsense"),
        ("s0001", "open", "ids"),
        ("s0002", "closed", "realsense"),
        ("s0002", "open", "ids"),
    ]
    assert rows[0].note == "gender=male glasses=yes reflections=large light=good"
    assert notices == {}
    assert len(set(groups_of(rows))) == 2


@pytest.mark.parametrize(
    "name",
    ["s0001_00009_0_0_2_0_0_01", "s0001_00009_0_0_0_0_0", "s0001_00009_0_0_0_0_0_04", "eye"],
)
def test_an_odd_name_is_counted(tmp_path: Path, name: str) -> None:
    (mrl_eyes(tmp_path) / TOP / "s0001" / f"{name}.png").touch()
    rows, notices = read(tmp_path)
    assert len(rows) == 4
    assert notices == {"odd_name": 1}


def test_a_picture_in_anothers_folder_is_an_error(tmp_path: Path) -> None:
    (mrl_eyes(tmp_path) / TOP / "s0001" / "s0002_00009_0_0_0_0_0_01.png").touch()
    with pytest.raises(ConfigError, match="is of s0002 and lies with s0001"):
        read(tmp_path)
