"""CASIA-WebFace: the header record is no picture, parts are JPEGs, faults are told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from assay.errors import ConfigError
from assay.training.datasets.readers.casia_webface import CasiaWebFace
from assay.training.datasets.records import Notice, Record

from .made_image_sets import TINY_JPEG, casia_folders, casia_rec, rec_record, write_rec

TOP = "faces_webface_112x112"


def read(root: Path, form: str = "found") -> tuple[list[Record], dict[str, int]]:
    found = list(CasiaWebFace().read(root, {"form": form}))
    rows = [one for one in found if isinstance(one, Record)]
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_neither_the_header_nor_ranges_of_people_are_pictures(tmp_path: Path) -> None:
    rows, notices = read(casia_rec(tmp_path))
    assert [row.identity for row in rows] == ["0", "0", "1"]
    assert {row.path for row in rows} == {f"{TOP}/train.rec"}
    assert {row.label for row in rows} == {"real"}
    assert notices == {}


def test_a_part_can_be_decoded(tmp_path: Path) -> None:
    rows, _ = read(casia_rec(tmp_path, media=True))
    raw = (tmp_path / rows[1].path).read_bytes()
    part = rows[1].part
    assert part is not None
    with Image.open(io.BytesIO(raw[part.offset : part.offset + part.length])) as image:
        image.load()
        assert image.size == (112, 112)


def test_folders_are_people(tmp_path: Path) -> None:
    rows, notices = read(casia_folders(tmp_path))
    assert [row.identity for row in rows] == ["0000045", "0000045", "0000099", "0000099"]
    assert {row.subset for row in rows} == {"folders"}
    assert notices == {}


def test_both_forms_are_told_and_chosen(tmp_path: Path) -> None:
    casia_folders(casia_rec(tmp_path))
    rows, notices = read(tmp_path)
    assert {row.subset for row in rows} == {"rec"}
    assert notices == {"two_layouts": 1}
    assert {row.subset for row in read(tmp_path, "folders")[0]} == {"folders"}


def test_a_form_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing of this set"):
        read(casia_folders(tmp_path), "rec")


def test_a_cut_file_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    rec = casia_rec(tmp_path) / TOP / "train.rec"
    second = int((tmp_path / TOP / "train.idx").read_text().split()[5])
    rec.write_bytes(rec.read_bytes()[: second + 16])
    rows, notices = read(tmp_path)
    assert len(rows) == 1
    assert notices == {"beyond_end": 2}


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (b"\0" * 64, "wrong_magic"),
        (rec_record([900, 901], b""), "pictures end before record"),
        (rec_record([float("nan"), 3], b""), "pictures end before record"),
        (rec_record([-3, 3], b""), "pictures end before record"),
    ],
)
def test_a_bad_header_record_is_an_error(tmp_path: Path, first: bytes, said: str) -> None:
    write_rec(tmp_path, [first, rec_record([0, 0], TINY_JPEG)])
    with pytest.raises(ConfigError, match=said):
        read(tmp_path)


@pytest.mark.parametrize("person", [float("nan"), float("inf"), -1, 0.5])
def test_a_label_that_is_no_person_is_counted(tmp_path: Path, person: float) -> None:
    good, bad = rec_record([2, 0], TINY_JPEG), rec_record([person, 0], TINY_JPEG)
    write_rec(tmp_path, [rec_record([3, 3], b""), good, bad])
    rows, notices = read(tmp_path)
    assert [row.identity for row in rows] == ["2"]
    assert notices == {"no_identity": 1}


def test_nothing_readable_is_an_error_that_says_why(tmp_path: Path) -> None:
    write_rec(tmp_path, [rec_record([2, 2], b""), rec_record([0, 0], b"no picture")])
    with pytest.raises(ConfigError, match="neither a JPEG nor a PNG"):
        read(tmp_path)


def test_without_a_header_record_of_ranges_all_are_pictures(tmp_path: Path) -> None:
    write_rec(tmp_path, [rec_record([], TINY_JPEG, label=k) for k in range(3)])
    assert [row.identity for row in read(tmp_path)[0]] == ["0", "1", "2"]


def test_a_missing_index_and_another_set_are_told(tmp_path: Path) -> None:
    casia_rec(tmp_path)
    (tmp_path / TOP / "property").write_text("85742,112,112\n")
    assert read(tmp_path)[1] == {"other_set": 1}
    (tmp_path / TOP / "property").unlink()
    assert read(tmp_path)[1] == {"no_property": 1}
    (tmp_path / TOP / "train.idx").unlink()
    with pytest.raises(ConfigError, match=r"train\.idx is not there"):
        read(tmp_path)
