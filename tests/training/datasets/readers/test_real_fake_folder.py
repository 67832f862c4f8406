"""A plain folder: labels, methods and people from folders and names, whatever else lies there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.real_fake_folder import RealFakeFolder
from assay.training.datasets.records import Notice, Record

from .made_folders import plain


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(RealFakeFolder().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_splits_labels_methods_and_people(tmp_path: Path) -> None:
    rows, notices = read(plain(tmp_path))
    one = rows["train/fake/swap/id00001_b.mp4"]
    assert (one.label, one.method, one.identity, one.split) == ("fake", "swap", "id00001", "train")
    genuine = rows["test/real/id00002_a.mp4"]
    assert (genuine.label, genuine.method, genuine.split) == ("real", "", "test")
    assert notices == {}


@pytest.mark.parametrize(
    ("path", "label", "method", "identity"),
    [
        ("real/anna/1.jpg", "real", "", "anna"),
        ("fake/swap/anna/1.jpg", "fake", "swap", "anna"),
        ("Fake/clip.mp4", "fake", "unnamed", "clip"),
        ("real/train/anna_1.jpg", "real", "", "anna"),
        ("genuine/anna_1.wav", "real", "", "anna"),
        ("bonafide/anna_1.wav", "real", "", "anna"),
        ("spoof/anna_1.wav", "fake", "unnamed", "anna"),
        ("deepfakes/anna_1.mp4", "fake", "unnamed", "anna"),
        ("fake/Deepfakes/000_003.mp4", "fake", "Deepfakes", "000"),
        ("fake/bob__cafe.mp4", "fake", "unnamed", "bob"),
        ("fake/7.wav", "fake", "unnamed", ""),
        ("real/IMG_0001.jpg", "real", "", ""),
        ("real/frame0007.jpg", "real", "", ""),
        ("real/00012.png", "real", "", "00012"),
        ("real/a_fake_name.JPG", "real", "", ""),
    ],
)
def test_what_a_path_tells(
    tmp_path: Path, path: str, label: str, method: str, identity: str
) -> None:
    expected = "" if path.endswith("clip.mp4") else identity
    rows, _ = read(touch(tmp_path, path))
    one = rows[path]
    assert (one.label, one.method, one.identity) == (label, method, expected)


@pytest.mark.parametrize(
    ("name", "donor"),
    [
        ("fake/id0_id16_0003.mp4", "id16"),
        ("fake/071_054.mp4", "054"),
        ("fake/id07_take2.mp4", ""),
        ("fake/1234_0001.jpg", ""),
        ("real/id0_id16_0003.mp4", ""),
    ],
)
def test_a_swap_names_the_donor(tmp_path: Path, name: str, donor: str) -> None:
    assert read(touch(tmp_path, name))[0][name].donor == donor


def test_names_above_the_folder_mean_nothing(tmp_path: Path) -> None:
    root = touch(tmp_path / "fake" / "test" / "my set", "real/anna_1.jpg", "fake/anna_2.jpg")
    rows, _ = read(root)
    assert rows["real/anna_1.jpg"].label == "real"
    assert rows["real/anna_1.jpg"].split == ""


def test_hidden_files_and_apple_doubles_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg", "fake/b.jpg", "real/._a.jpg", "real/.DS_Store", ".x/real/c.jpg")
    touch(tmp_path, "__MACOSX/real/a.jpg")
    rows, notices = read(tmp_path)
    assert set(rows) == {"real/a.jpg", "fake/b.jpg"}
    assert notices == {}


def test_files_of_other_kinds_and_without_a_label(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg", "fake/b.jpg", "real/notes.txt", "README.md", "extra/c.jpg")
    rows, notices = read(tmp_path)
    assert set(rows) == {"real/a.jpg", "fake/b.jpg"}
    assert notices == {"unknown_kind": 1}


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/anna_1.jpg", "set/fake/b.jpg")
    (tmp_path / "set" / "real").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "fake" / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "self").symlink_to("self")
    rows, notices = read(tmp_path / "set")
    assert set(rows) == {"real/anna_1.jpg", "fake/b.jpg"}
    assert notices == {"link_loop": 1}


def test_a_file_under_both_labels_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="under a real and under a fake folder"):
        read(touch(tmp_path, "real/fake/a.jpg"))


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    touch(tmp_path, "real/a\nb.jpg", "fake/ü.jpg")
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/real/\xff.jpg"))).touch()
    except OSError:
        pytest.skip("this file system keeps no such names")
    rows, notices = read(tmp_path)
    assert set(rows) == {"real/a\nb.jpg", "fake/ü.jpg"}
    assert notices == {"name_not_utf8": 1}


def test_one_name_for_most_files_is_told(tmp_path: Path) -> None:
    touch(tmp_path, *(f"real/holiday_{k}.jpg" for k in range(12)), "fake/b.jpg")
    assert read(tmp_path)[1] == {"one_person": 12}


def test_nothing_in_it_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no media file") as refused:
        read(touch(tmp_path, "real/notes.txt"))
    assert "real/" in refused.value.remedy
    with pytest.raises(ConfigError) as refused:
        read(touch(tmp_path / "set", "biggan/0_real/1.png", "biggan/1_fake/1.png"))
    assert "forensynths" in refused.value.remedy


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["real/a.jpg", "fake/b.jpg"], True),
        (["Train/REAL/a.jpg", "Train/Fake/b.jpg"], True),
        (["real/a.jpg"], False),
        (["genuine/a.jpg", "spoof/b.jpg"], True),
        (["0_real/a.jpg", "1_fake/b.jpg"], False),
        (["deep/real/a.jpg", "deep/fake/a.jpg"], False),
    ],
)
def test_what_it_takes_for_its_own(tmp_path: Path, names: list[str], expected: bool) -> None:
    assert RealFakeFolder().recognises(touch(tmp_path, *names)) is expected
