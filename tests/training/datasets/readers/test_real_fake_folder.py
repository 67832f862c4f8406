from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError

from .made_folders import plain
from .made_video_sets import put
from .reading import READERS, read


def test_folders_tell_label_method_person_and_split(tmp_path: Path) -> None:
    rows, notices = read("folder", plain(tmp_path))
    assert not notices
    found = {path: (row.label, row.method, row.identity, row.split) for path, row in rows.items()}
    assert found == {
        "test/fake/swap/id00002_b.mp4": ("fake", "swap", "id00002", "test"),
        "test/real/id00002_a.mp4": ("real", "", "id00002", "test"),
        "train/fake/swap/id00001_b.mp4": ("fake", "swap", "id00001", "train"),
        "train/real/id00001_a.mp4": ("real", "", "id00001", "train"),
    }


def test_a_person_may_be_a_folder_and_a_method_unnamed(tmp_path: Path) -> None:
    put(tmp_path, "real/alice/1.jpg", "fake/swap/alice/1.png", "fake/7.wav", "fake/bob__cafe.mp4")
    rows, _ = read("folder", tmp_path)
    assert {path: (row.modality, row.method, row.identity) for path, row in rows.items()} == {
        "fake/7.wav": ("audio", "unnamed", ""),
        "fake/bob__cafe.mp4": ("video", "unnamed", "bob"),
        "fake/swap/alice/1.png": ("image", "swap", "alice"),
        "real/alice/1.jpg": ("image", "", "alice"),
    }


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    put(plain(tmp_path), "train/real/notes.txt", "train/real/a.zip")
    assert read("folder", tmp_path)[1]["unknown_kind"].n == 2


def test_a_folder_without_media_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "real/a.txt", "other/a.mp4")
    (tmp_path / "fake").mkdir()
    assert READERS["folder"].recognises(tmp_path)
    with pytest.raises(ConfigError, match="no media file"):
        read("folder", tmp_path)
