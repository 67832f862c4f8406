from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay.errors import ConfigError

from .made_video_sets import deeper_forensics, put, put_text
from .reading import read

NAME = "deeper_forensics"


def test_swaps_and_their_targets_are_in_one_split(tmp_path: Path) -> None:
    rows, notices = read(NAME, deeper_forensics(tmp_path))
    assert not notices
    assert {path: row.split for path, row in rows.items()} == {
        "manipulated_videos/end_to_end/000_M004.mp4": "train",
        "manipulated_videos/end_to_end/001_W101.mp4": "val",
        "manipulated_videos/end_to_end/002_W101.mp4": "test",
        "target_videos/000.mp4": "train",
        "target_videos/001.mp4": "val",
        "target_videos/002.mp4": "test",
    }
    fake = rows["manipulated_videos/end_to_end/000_M004.mp4"]
    assert (fake.identity, fake.donor, fake.source) == ("000", "M004", "youtube 000")
    assert fake.source == rows["target_videos/000.mp4"].source


def test_variants_can_be_chosen(tmp_path: Path) -> None:
    root = deeper_forensics(tmp_path)
    rows, _ = read(NAME, root, variant="all")
    assert len([row for row in rows.values() if row.label == "fake"]) == 6
    assert {row.split for row in rows.values() if row.identity == "002"} == {"test"}
    with pytest.raises(ConfigError, match="nothing of this set"):
        read(NAME, root, variant="end_to_end_mix_2_distortions")


def test_the_actors_are_no_genuine_side_unless_asked(tmp_path: Path) -> None:
    root = deeper_forensics(tmp_path)
    shutil.rmtree(root / "target_videos")
    rows, notices = read(NAME, root)
    assert {row.label for row in rows.values()} == {"fake"}
    assert "no_reals" in notices
    rows, _ = read(NAME, root, source_videos="real")
    (real,) = (row for row in rows.values() if row.label == "real")
    assert (real.identity, real.split, real.subset) == ("M004", "", "source_videos")


@pytest.mark.parametrize(
    ("text", "said"),
    [("../000_M004.mp4\n", "line 1"), ("001_W101.mp4\nfirst\n", "line 2"),
     ("000_M004.mp4\n", "000_M004 is in train")],
)  # fmt: skip
def test_a_split_file_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    root = deeper_forensics(tmp_path)
    put_text(root, "lists/splits/val.txt", text)
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, root)
    assert "val.txt" in str(caught.value)


def test_what_is_missing_or_strange_is_told(tmp_path: Path) -> None:
    root = deeper_forensics(tmp_path)
    put(root, "manipulated_videos/end_to_end/copy.mp4")
    (root / "lists/splits/val.txt").unlink()
    rows, notices = read(NAME, root)
    assert notices["unknown_name"].n == 1
    assert "val.txt" in notices["no_split_files"].text
    assert rows["target_videos/001.mp4"].split == ""
