"""140k Real and Fake Faces: 1 is genuine in its tables, which lie two folders above."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.faces_140k import Faces140k
from assay.training.datasets.records import Notice, Record

from .made_image_sets import faces_140k

INNER = "real_vs_fake/real-vs-fake"


def read(root: Path) -> tuple[list[Record], dict[str, int]]:
    found = list(Faces140k().read(root, {}))
    rows = [one for one in found if isinstance(one, Record)]
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_one_is_a_genuine_face_and_valid_is_val(tmp_path: Path) -> None:
    rows, notices = read(faces_140k(tmp_path))
    told = {row.path: row for row in rows}
    genuine = told[f"{INNER}/train/real/31355.jpg"]
    assert (genuine.label, genuine.method, genuine.source) == ("real", "", "ffhq 31355")
    forged = told[f"{INNER}/valid/fake/ABCDEFGHI1.jpg"]
    assert (forged.label, forged.method, forged.split) == ("fake", "stylegan", "val")
    assert len(rows) == 6
    assert all(row.listed for row in rows)
    assert notices == {}


def test_the_inner_folders_are_read_alone_and_from_above(tmp_path: Path) -> None:
    top = faces_140k(tmp_path)
    inner, notices = read(top / INNER)
    assert [row.path for row in inner] == [
        row.path.removeprefix(f"{INNER}/") for row in read(top)[0]
    ]
    # From there the tables above cannot be seen.
    assert notices == {"no_label_file": 1}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,,x,0,real,train/real/31355.jpg", "do not say the same"),
        ("1,,x,1,fake,train/real/31355.jpg", "do not say the same"),
        ("1,,x,1,real,train/fake/31355.jpg", "do not say the same"),
        ("1,,x,real,real,train/real/31355.jpg", "do not say the same"),
        ("1,,x,1,real,test/real/31355.jpg", "not of the split"),
        ("1,,x,1,real,../../../etc/passwd", "leaves the set's folder"),
        ("1,,x,1,real", "fields"),
    ],
)
def test_a_contradiction_is_named_with_file_and_line(tmp_path: Path, row: str, said: str) -> None:
    top = faces_140k(tmp_path)
    with (top / "train.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ConfigError, match=said) as refused:
        read(top)
    assert "train.csv, line 4" in str(refused.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    top = faces_140k(tmp_path)
    (top / "test.csv").write_text("id,class\n1,real\n")
    with pytest.raises(ConfigError, match=r"test\.csv, line 1: there is no column 'label'"):
        read(top)


def test_what_tables_leave_out_or_say_again_is_counted(tmp_path: Path) -> None:
    top = faces_140k(tmp_path)
    (top / INNER / "train/real/99.jpg").touch()
    text = (top / "train.csv").read_text()
    (top / "train.csv").write_bytes(
        b"\xef\xbb\xbf" + (text + text.splitlines()[-1] + "\n").replace("\n", "\r\n").encode()
    )
    rows, notices = read(top)
    assert notices == {"unlisted": 1, "listed_twice": 1}
    assert [row.listed for row in rows if row.path.endswith("/99.jpg")] == [False]


def test_a_listed_picture_that_is_missing_is_given(tmp_path: Path) -> None:
    top = faces_140k(tmp_path)
    (top / INNER / "test/fake/ABCDEFGHI2.jpg").unlink()
    assert f"{INNER}/test/fake/ABCDEFGHI2.jpg" in {row.path for row in read(top)[0]}
