from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import InputError  # noqa: E402
from assay.training.datasets import tutorial_media  # noqa: E402
from assay.training.datasets.manifest import Item  # noqa: E402
from assay.training.datasets.readers.real_fake_folder import RealFakeFolder  # noqa: E402
from assay.training.datasets.records import Record, groups_of  # noqa: E402
from assay.training.datasets.tutorial_media import arrange, main, placed  # noqa: E402
from tests.training.makers import write_manifest  # noqa: E402


def item(path: Path, label: str, method: str, group: str, modality: str = "video") -> Item:
    return Item(path, modality, label, method, group, "train", "", "")


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    for name in ("a.mp4", "b.mp4", "c.mpg"):
        (tmp_path / name).write_bytes(name.encode())
    return [
        item(tmp_path / "a.mp4", "paired", "swap", "dfl-A/B"),
        item(tmp_path / "b.mp4", "fake", "talk", "t1"),
        item(tmp_path / "c.mpg", "real", "cam", "c1"),
        item(tmp_path / "d.png", "real", "photos", "p", "image"),
    ]


@pytest.fixture(autouse=True)
def halves(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """write_half has tests of its own."""
    seen: list[bool] = []

    def half(source: Path, target: Path, *, right: bool) -> None:
        seen.append(right)
        target.write_bytes(b"right" if right else b"left")

    monkeypatch.setattr(tutorial_media, "write_half", half)
    return seen


def test_the_folder_is_one_that_the_reader_reads_and_halves_are_one_group(
    tmp_path: Path, items: list[Item]
) -> None:
    out = tmp_path / "out"
    assert arrange(placed(items, out)) == 4
    records = [r for r in RealFakeFolder().read(out, {}) if isinstance(r, Record)]
    assert [(r.path, r.label, r.method, r.identity) for r in records] == [
        ("fake/swap/dfl-A_B/a.mp4", "fake", "swap", "dfl-A_B"),
        ("fake/talk/t1/b.mp4", "fake", "talk", "t1"),
        ("real/c1/c.mpg", "real", "", "c1"),
        ("real/dfl-A_B/a.mp4", "real", "", "dfl-A_B"),
    ]
    groups = groups_of(records)
    assert groups[0] == groups[3]
    assert len(set(groups)) == 3
    assert (out / "real" / "dfl-A_B" / "a.mp4").read_bytes() == b"left"
    assert (out / "fake" / "swap" / "dfl-A_B" / "a.mp4").read_bytes() == b"right"


def test_what_is_there_is_not_made_again_and_what_broke_off_is(
    tmp_path: Path, items: list[Item], halves: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arrange(placed(items, out))
    arrange(placed(items, out))
    assert sorted(halves) == [False, True]

    def broken(source: Path, target: Path, *, right: bool) -> None:
        target.write_bytes(b"half of a half")
        raise InputError("no frame")

    monkeypatch.setattr(tutorial_media, "write_half", broken)
    with pytest.raises(InputError):
        arrange(placed(items, tmp_path / "again"))
    assert not list((tmp_path / "again").rglob("a.mp4"))[1:]
    assert not (tmp_path / "again/fake/swap/dfl-A_B/a.mp4").is_file()


def test_only_some_methods_may_be_taken(tmp_path: Path, items: list[Item]) -> None:
    assert [one.target.name for one in placed(items, tmp_path, ["cam"])] == ["c.mpg"]


def test_the_command_takes_the_labelled_media(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"path": "video/x.mp4", "modality": "video", "method": "cam", "identity": "me"}]
    write_manifest(tmp_path / "shared" / "data", rows)
    (tmp_path / "shared" / "data" / "video").mkdir()
    (tmp_path / "shared" / "data" / "video" / "x.mp4").write_bytes(b"x")
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path / "shared"))
    main(["--out", str(tmp_path / "out")])
    assert re.search(r"1 videos lie in .*out", capsys.readouterr().out)
    assert (tmp_path / "out" / "real" / "me" / "x.mp4").is_file()
