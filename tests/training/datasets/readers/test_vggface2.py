"""VGGFace2: people from folders, faces of one picture together, lists and counts compared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.vggface2 import VggFace2
from assay.training.datasets.records import Notice, Record

from .made_image_sets import vggface2


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(VggFace2().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    notices = Counter[str]()
    for one in found:
        if isinstance(one, Notice):
            notices[one.code] += one.n
    return rows, dict(notices)


def test_people_splits_and_pictures(tmp_path: Path) -> None:
    rows, notices = read(vggface2(tmp_path))
    one = rows["train/n000002/0019_01.jpg"]
    assert (one.identity, one.split, one.label, one.note) == (
        "n000002", "train", "real", "A_Fine_Frenzy",
    )  # fmt: skip
    assert one.source == rows["train/n000002/0019_02.jpg"].source == "n000002/0019"
    assert rows["train/n000002/0020_01.jpg"].source == "n000002/0020"
    assert rows["test/n000001/0019_01.jpg"].split == "test"
    # The table says four pictures of n000002 where there are three.
    assert notices == {"count_differs": 1}


def test_labels_may_lie_in_meta_beside_data(tmp_path: Path) -> None:
    vggface2(tmp_path / "data")
    (tmp_path / "meta").mkdir()
    for name in ("train_list.txt", "test_list.txt", "identity_meta.csv"):
        (tmp_path / "data" / name).rename(tmp_path / "meta" / name)
    rows, notices = read(tmp_path)
    assert all(row.listed for row in rows.values())
    assert notices == {"count_differs": 1}


def test_lists_give_what_is_missing_and_files_what_is_not_listed(tmp_path: Path) -> None:
    vggface2(tmp_path)
    (tmp_path / "train/n000002/0019_01.jpg").unlink()
    (tmp_path / "train/n000002/0099_01.jpg").touch()
    (tmp_path / "test/n999999").mkdir()
    (tmp_path / "test/n999999/0001_01.jpg").touch()
    rows, notices = read(tmp_path)
    assert rows["train/n000002/0019_01.jpg"].listed
    assert not rows["train/n000002/0099_01.jpg"].listed
    assert notices == {"unlisted": 2, "unknown_person": 1}


def test_without_lists_that_is_said(tmp_path: Path) -> None:
    vggface2(tmp_path)
    for name in ("train_list.txt", "test_list.txt", "identity_meta.csv"):
        (tmp_path / name).unlink()
    rows, notices = read(tmp_path)
    assert len(rows) == 6
    assert notices == {"no_label_file": 2}


@pytest.mark.parametrize(
    "line", ["../n000002/0001_01.jpg", "/etc/passwd", "n000002", "x/0001_01.jpg", "a/b/c.jpg"]
)
def test_a_hostile_list_is_named(tmp_path: Path, line: str) -> None:
    vggface2(tmp_path)
    (tmp_path / "train_list.txt").write_bytes(b"\xef\xbb\xbf" + f"\r\n{line}\r\n".encode())
    with pytest.raises(ConfigError, match=r"train_list\.txt, line 2"):
        read(tmp_path)


@pytest.mark.parametrize("row", ["n000002, x, many, 1, m", "x, x, 3, 1, m", "n000001, x, 9, 1, m"])
def test_a_hostile_table_is_named(tmp_path: Path, row: str) -> None:
    vggface2(tmp_path)
    with (tmp_path / "identity_meta.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ConfigError, match=r"identity_meta\.csv, line 4"):
        read(tmp_path)
