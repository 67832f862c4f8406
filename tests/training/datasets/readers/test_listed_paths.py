"""Paths of a table: cut to this folder, completed by a suffix, of a known kind, never outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.listed_paths import ListedPaths


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("sub/a.wav", "sub/b.flac", "c.mp4", "tube/0001.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "path", "modality"),
    [
        ("./sub/a.wav", "sub/a.wav", "audio"),
        ("sub\\a.wav", "sub/a.wav", "audio"),
        ("sub/b", "sub/b.flac", "audio"),
        ("c.mp4", "c.mp4", "video"),
        ("tube", "tube", "frames"),
        ("missing.JPG", "missing.JPG", "image"),
        ("sub/valle2_36.vocos_.0", "sub/valle2_36.vocos_.0", "audio"),
    ],
)
def test_names_find_their_files(root: Path, name: str, path: str, modality: str) -> None:
    assert ListedPaths(root).of(name, "", "here") == (path, modality)


def test_absolute_paths_of_another_machine_are_cut(root: Path) -> None:
    paths = ListedPaths(root)
    assert paths.of("/data/someone/sub/a.wav", "", "here")[0] == "sub/a.wav"
    assert paths.of("/data/someone/sub/missing.wav", "", "here")[0] == "sub/missing.wav"
    assert [(n.code, n.n) for n in paths.notices()] == [("cut_off", 2), ("suffix_added", 0)]
    with pytest.raises(ConfigError, match="does not lead into"):
        paths.of("/elsewhere/sub/a.wav", "", "here")


def test_absolute_paths_of_this_folder_and_of_windows(root: Path) -> None:
    assert ListedPaths(root).of(f"{root}/c.mp4", "", "here")[0] == "c.mp4"
    assert ListedPaths(root).of("D:\\sets\\sub\\a.wav", "", "here")[0] == "sub/a.wav"


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../c.mp4", "sub/../../c.mp4", "/x/../c.mp4", "", "a\0b", "C:\\x.wav"]
)
def test_nothing_leaves_the_folder(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="here"):
        ListedPaths(root).of(name, "", "here")


def test_a_modality_is_taken_from_the_table_first(root: Path) -> None:
    assert ListedPaths(root).of("c.mp4", "audio", "here")[1] == "audio"
    with pytest.raises(ConfigError, match="'smell' is no modality"):
        ListedPaths(root).of("c.mp4", "smell", "here")
