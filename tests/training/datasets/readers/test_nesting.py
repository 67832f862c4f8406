"""Where a layout starts: the root, or a folder or two below."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.nesting import has_folders, join, named, start_of, started
from assay.training.datasets.readers.set_folder import SetFolder


def is_start(folder: SetFolder, place: str) -> bool:
    return has_folders(folder, place, "flac")


@pytest.mark.parametrize("place", ["", "one", "one/two"])
def test_the_start_is_found(tmp_path: Path, place: str) -> None:
    (tmp_path / place / "flac").mkdir(parents=True)
    assert start_of(SetFolder(tmp_path), is_start) == place


def test_what_lies_deeper_is_not(tmp_path: Path) -> None:
    (tmp_path / "one/two/three/flac").mkdir(parents=True)
    assert start_of(SetFolder(tmp_path), is_start) is None
    with pytest.raises(ConfigError, match="nothing of this set") as refused:
        started(tmp_path, is_start, "a flac folder")
    assert "a flac folder" in refused.value.remedy


def test_the_upper_one_wins_and_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "b" / "flac").mkdir(parents=True)
    (tmp_path / "a" / "x" / "flac").mkdir(parents=True)
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert start_of(SetFolder(tmp_path), is_start) == "b"


def test_names_and_paths(tmp_path: Path) -> None:
    (tmp_path / "Data" / "MASK").mkdir(parents=True)
    folder = SetFolder(tmp_path)
    assert join("", "a", "", "b") == "a/b"
    assert named(folder, "Data", "mask") == "Data/MASK"
    assert named(folder, "Data", "none") is None
    assert not has_folders(folder, "Data", "mask")
