from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import Notice, Record


def record(path: str) -> Record:
    return Record(dataset="a", path=path, modality="video", label="real")


def fill(root: Path, *names: str) -> SetFolder:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return SetFolder(root)


def test_files_are_found_by_suffix_in_order(tmp_path: Path) -> None:
    tree = fill(
        tmp_path, "b/2.MP4", "b/1.avi", "b/c/3.mp4", "b/.4.mp4", "b/5.txt", "__MACOSX/6.mp4"
    )
    assert tree.files("b", VIDEOS) == ["b/1.avi", "b/2.MP4"]
    assert tree.files("", VIDEOS, deep=True) == ["b/1.avi", "b/2.MP4", "b/c/3.mp4"]
    assert tree.files("none", VIDEOS) == tree.folders("none") == []
    assert tree.folders() == ["b"]
    assert list(tree.notices()) == []


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    fill(tmp_path / "disk", "one/1.mp4")
    tree = fill(tmp_path / "set", "own/2.mp4")
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "set" / "own" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "self").symlink_to("self")
    assert tree.files("", VIDEOS, deep=True) == ["linked/one/1.mp4", "own/2.mp4"]
    assert tree.files("own", VIDEOS, deep=True) == ["own/2.mp4"]
    assert tree.folders("own") == []
    assert [(n.code, n.n) for n in tree.notices()] == [("link_loop", 1)]


def test_folders_without_end_are_left(tmp_path: Path) -> None:
    deep = "/".join("d" * 200)
    (tmp_path / deep).mkdir(parents=True)
    tree = fill(tmp_path, "a.mp4", f"{deep}/b.mp4")
    assert tree.files("", VIDEOS, deep=True) == ["a.mp4"]
    assert [notice.code for notice in tree.notices()] == ["too_deep"]


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    try:
        open(os.fsencode(tmp_path) + b"/\xff.mp4", "wb").close()
    except OSError:
        pytest.skip("this file system refuses such names")
    tree = fill(tmp_path, "a\nb.mp4", "é.mp4")
    assert tree.files("", VIDEOS) == ["a\nb.mp4", "é.mp4"]
    assert tree.folders() == []
    assert [(n.code, n.n) for n in tree.notices()] == [("name_not_utf8", 1)]


def test_videos_are_files_or_folders_of_pictures(tmp_path: Path) -> None:
    tree = fill(tmp_path, "a/videos/1.mp4", "b/2.mp4", "c/frames/3/0.png", "d/images/4/0.png")
    assert tree.videos("a") == [("a/videos/1.mp4", "video")]
    assert tree.videos("b") == [("b/2.mp4", "video")]
    assert tree.videos("c") == [("c/frames/3", "frames")]
    assert tree.videos("d") == [("d/images/4", "frames")]
    assert tree.videos("e") == []
    assert [(n.code, n.n) for n in tree.notices()] == [("frames", 2)]
    both = fill(tmp_path, "g/videos/1.mp4", "g/frames/1/0.png")
    assert both.videos("g") == [("g/videos/1.mp4", "video")]
    assert [notice.code for notice in both.notices()] == ["two_layouts"]


def test_answers_come_in_order_and_once() -> None:
    said = [Notice("a", "is a", 2), Notice("b", "is b", 0)]
    found = list(in_order([record("b"), record("a")], said, "x"))
    assert found == [record("a"), record("b"), said[0]]
    with pytest.raises(ConfigError, match="a is listed twice"):
        list(in_order([record("a"), record("a")], [], "x"))
    with pytest.raises(ConfigError, match="nothing of this set"):
        list(in_order([], said, "a/b.mp4"))
