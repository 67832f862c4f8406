"""FFHQ: categories from the JSON, sizes by choice, the photograph as the source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.ffhq import Ffhq
from assay.training.datasets.records import Notice, Record

from .made_image_sets import ffhq

CHOSEN = {"size": "1024"}
JSON = "ffhq-dataset-v2.json"


def read(root: Path, size: str = "1024") -> tuple[list[Record], dict[str, int]]:
    found = list(Ffhq().read(root, {"size": size}))
    rows = [one for one in found if isinstance(one, Record)]
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_the_category_is_the_split_and_the_photograph_the_source(tmp_path: Path) -> None:
    rows, notices = read(ffhq(tmp_path))
    told = {row.path.rsplit("/", 1)[-1]: row for row in rows}
    assert [told[f"{n:05d}.png"].split for n in (0, 1, 7, 60_000, 60_001)] == [
        "train", "train", "train", "val", "val",
    ]  # fmt: skip
    assert told["00000.png"].source == told["00001.png"].source != ""
    assert told["60000.png"].source != told["00000.png"].source
    assert told["00000.png"].licence == "Attribution License"
    assert {row.label for row in rows} == {"real"}
    assert not told["00007.png"].listed
    assert notices == {"unlisted": 1}


def test_thumbnails_and_photographs_are_a_choice(tmp_path: Path) -> None:
    rows, _ = read(ffhq(tmp_path), "128")
    assert {row.path.split("/")[0] for row in rows} == {"thumbnails128x128"}
    with pytest.raises(ConfigError, match="in-the-wild-images") as refused:
        read(tmp_path, "wild")
    assert "size=1024" in refused.value.remedy


def test_listed_pictures_are_given_even_where_they_are_missing(tmp_path: Path) -> None:
    (ffhq(tmp_path) / "images1024x1024/60000/60001.png").unlink()
    rows, _ = read(tmp_path)
    assert "images1024x1024/60000/60001.png" in {row.path for row in rows}


def test_without_the_json_the_split_follows_the_number_and_that_is_said(tmp_path: Path) -> None:
    (ffhq(tmp_path) / JSON).unlink()
    (tmp_path / "images1024x1024" / "00000" / "cover.png").touch()
    rows, notices = read(tmp_path)
    assert {row.split for row in rows if "/60000/" in row.path} == {"val"}
    assert notices == {"no_label_file": 5, "odd_name": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"category": "holdout"}, "category 'holdout'"),
        ({"image": {"file_path": "../../etc/passwd"}}, "leaves the set's folder"),
        ({"image": {"file_path": "/etc/passwd"}}, "leaves the set's folder"),
        ({"image": {"file_path": None}}, "no path"),
        ({"image": []}, "list where an object"),
    ],
)
def test_a_hostile_row_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    rows = json.loads((ffhq(tmp_path) / JSON).read_text())
    rows["1"] |= change
    (tmp_path / JSON).write_text(json.dumps(rows))
    with pytest.raises(ConfigError, match=said) as refused:
        read(tmp_path)
    assert JSON in str(refused.value)
    assert "'1'" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "holds a list"),
        ('{"0": {', "line 1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"0": {"category": "training"}, "0": {}}', "one image twice"),
        ('{"x": {"category": "training"}}', ""),
    ],
)
def test_a_broken_json_is_refused(tmp_path: Path, text: str, said: str) -> None:
    ffhq(tmp_path)
    (tmp_path / JSON).write_text(text)
    if said:
        with pytest.raises(ConfigError, match=said):
            read(tmp_path)
    else:
        assert read(tmp_path)[1]["no_label_file"] == 5


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    before = read(ffhq(tmp_path))
    text = json.dumps(json.loads((tmp_path / JSON).read_text()), indent=1)
    (tmp_path / JSON).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read(tmp_path) == before
