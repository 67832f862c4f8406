from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets import scanning
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.readers import About, Choice, Reader, discover
from assay.training.datasets.records import Notice, PublishedCount, Record
from assay.training.datasets.scanning import as_markdown, counted, named, recognise, scan, sets
from tests.training.datasets.readers.made_folders import plain


class Made(Reader):
    about = About(
        name="made",
        title="A | made set",
        modalities=("image",),
        labels=("real", "fake"),
        splits=(),
        licence="none",
        obtain="made here",
        paper="",
        layout="mark",
        published=(
            PublishedCount(2, {"label": "real"}),
            PublishedCount(5, {"label": "fake"}, sure=False),
        ),
        choices={"quality": Choice(("low", "high"), "how well")},
    )

    def recognises(self, root: Path) -> bool:
        return (root / "mark").is_file()

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        if (root / "mark").read_text():
            for name in ("a.png", "b.png"):
                yield Record("made", name, "image", "real", subset=choices["quality"])
        yield Notice("odd", "were odd", 3)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = {**discover(), "made": Made()}
    monkeypatch.setattr(scanning, "discover", lambda: readers)


def test_a_plain_folder_is_recognised(tmp_path: Path) -> None:
    manifest, reader = scan(plain(tmp_path))
    assert reader.about.name == "folder"
    assert len(manifest.records) == 4
    assert manifest.root.is_absolute()


def test_what_knows_more_goes_before_the_plain_readers(made: None, tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "mark").write_text("x")
    manifest, reader = scan(tmp_path, choices={"quality": "high"})
    assert reader.about.name == "made"
    assert manifest.notices == (Notice("odd", "were odd", 3),)
    assert {record.subset for record in manifest.records} == {"high"}
    assert scan(tmp_path, "folder")[1].about.name == "folder"


def test_counts_stand_beside_those_stated(made: None, tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("x")
    rows = counted(scan(tmp_path)[0])
    assert [(one.what, one.found, one.published, one.sure, one.as_published) for one in rows] == [
        ("label real", 2, 2, True, True),
        ("label fake", 0, 5, False, False),
    ]
    assert counted(Manifest(tmp_path, (Record("nobody", "a", "image", "real"),))) == []


def test_folders_that_no_reader_knows_are_refused(made: None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No reader knows"):
        recognise(tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        scan(tmp_path / "gone")
    with pytest.raises(ConfigError, match="no choice 'colour'"):
        scan(plain(tmp_path), "made", {"colour": "red"})
    (tmp_path / "mark").write_text("")
    with pytest.raises(ConfigError, match="found no item"):
        scan(tmp_path, "made")


def test_two_sets_at_once_must_be_told_apart(
    made: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {**scanning.discover(), "other": Made()}
    monkeypatch.setattr(scanning, "discover", lambda: readers)
    (tmp_path / "mark").touch()
    with pytest.raises(ConfigError, match="several sets: made, made"):
        recognise(tmp_path)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        named("foldr")
    assert "'folder'" in caught.value.remedy


def test_every_reader_has_a_row(made: None) -> None:
    rows = {row["name"]: row for row in sets()}
    assert rows.keys() >= {"made", "folder"}
    assert rows["made"]["published"][1] == {"n": 5, "where": {"label": "fake"}, "sure": False}
    table = as_markdown(sets())
    assert "A \\| made set" in table
    assert "2 real, ≈ 5 fake" in table
    assert len(table.splitlines()) == len(rows) + 2
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1


def test_listing_needs_neither_torch_nor_pyarrow() -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'pyarrow', 'imagehash', 'sklearn', 'matplotlib', 'cv2', 'tqdm'):\n"
        "    sys.modules[name] = None\n"
        "from assay.cli import run\n"
        "sys.exit(run(['data', 'list', '--json']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"name": "folder"' in done.stdout
