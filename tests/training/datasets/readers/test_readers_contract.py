"""One test for all readers: each has a made tree, tells all of itself and reads what it should."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers import discover, recognised, settled
from assay.training.datasets.records import Modality, Notice, Record

from .made_sets import MADE, OVERLAPS, reader_of

READERS = discover()
# Forms of anybody's own files, not sets that somebody published.
GENERIC = ("folder", "csv")
TOO_MANY_CHOICES = 24


def answers(name: str, root: Path, choices: Mapping[str, str] | None = None) -> list[Record]:
    found = READERS[name].read(root, settled(READERS[name], choices or {}))
    return [one for one in found if isinstance(one, Record)]


def test_every_reader_has_a_made_tree() -> None:
    assert {reader_of(name) for name in MADE} == set(READERS)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_tells_all_of_itself(name: str) -> None:
    about = READERS[name].about
    assert about.name == name
    for told in (about.title, about.licence, about.obtain, about.layout):
        assert told.strip(), name
    assert set(about.modalities) <= set(get_args(Modality))
    assert about.modalities
    assert about.labels
    assert set(about.labels) <= {"real", "fake"}
    assert set(about.splits) <= {"train", "val", "test"}
    if not name.startswith(GENERIC):
        assert about.paper.strip()
        assert about.bibtex.strip().startswith("@")
        assert about.bibtex.count("{") == about.bibtex.count("}")
        assert about.quirks
        assert about.published
    for count in about.published:
        assert count.n > 0
        assert set(count.where) <= set(Record.__slots__)
    for choice in about.choices.values():
        assert choice.values
        assert choice.meaning.strip()
        assert len(set(choice.values)) == len(choice.values)


@pytest.mark.parametrize("name", MADE)
def test_a_made_tree_is_recognised_by_its_reader_and_no_other(name: str, tmp_path: Path) -> None:
    own = reader_of(name)
    found = recognised(MADE[name](tmp_path / "set"))
    strangers = [other for other in found if other != own and (own, other) not in OVERLAPS]
    assert own in found
    assert strangers == []


@pytest.mark.parametrize("name", READERS)
def test_a_folder_of_nothing_is_no_set(name: str, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "notes.txt").write_text("none")
    (tmp_path / "list.csv").write_text("")
    reader = READERS[name]
    assert not reader.recognises(tmp_path / "holiday")
    assert not reader.recognises(tmp_path / "missing")
    with pytest.raises(ConfigError):
        list(reader.read(tmp_path / "holiday", settled(reader, {})))


@pytest.mark.parametrize("name", MADE)
def test_records_are_sorted_single_and_of_what_the_reader_says(name: str, tmp_path: Path) -> None:
    about = READERS[reader_of(name)].about
    root = MADE[name](tmp_path / "set")
    records = answers(about.name, root)
    keys = [record.key for record in records]
    assert records
    assert keys == sorted(set(keys))
    assert {record.dataset for record in records} == {about.name}
    assert {record.label for record in records} <= set(about.labels)
    assert {record.modality for record in records} <= set(about.modalities)
    assert {record.split for record in records} <= {*about.splits, ""}
    for record in records:
        if record.label == "real":
            assert not record.method, record
            assert not record.visual_fake
            assert not record.audio_fake
            assert not record.spans


@pytest.mark.parametrize("name", MADE)
def test_every_choice_can_be_made(name: str, tmp_path: Path) -> None:
    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    there = reader.about.choices
    ways = list(product(*(choice.values for choice in there.values())))[:TOO_MANY_CHOICES]
    for way in ways:
        chosen = dict(zip(there, way, strict=True))
        try:
            found = list(reader.read(root, settled(reader, chosen)))
        except ConfigError:
            # What was chosen is not in this tree: that is said, and not answered with nothing.
            continue
        assert any(isinstance(one, Record) for one in found), chosen


@pytest.mark.parametrize("name", MADE)
def test_what_is_read_depends_on_nothing_but_the_folder(name: str, tmp_path: Path) -> None:
    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    chosen = settled(reader, {})
    assert list(reader.read(root, chosen)) == list(reader.read(root, chosen))


@pytest.mark.parametrize("name", MADE)
def test_paths_lead_to_the_files_of_the_tree(name: str, tmp_path: Path) -> None:
    root = MADE[name](tmp_path / "set")
    records = answers(reader_of(name), root)
    there = [record for record in records if (root / record.path).exists()]
    assert there
    for record in there:
        assert (root / record.path).is_dir() == (record.modality == "frames")
        assert not record.mask or (root / record.mask).exists()


@pytest.mark.parametrize("name", MADE)
def test_what_is_read_can_be_kept(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the train extra is not installed")
    from assay.training.datasets.manifest_file import (
        Manifest,
        read_manifest_file,
        write_manifest,
    )

    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    chosen = settled(reader, {})
    found = list(reader.read(root, chosen))
    records = tuple(one for one in found if isinstance(one, Record))
    notices = tuple(one for one in found if isinstance(one, Notice))
    manifest = Manifest(root, records, notices, chosen, "a test")
    write_manifest(manifest, tmp_path / "manifest.parquet")
    assert read_manifest_file(tmp_path / "manifest.parquet") == manifest


def test_readers_are_listed_without_anything_heavy() -> None:
    code = (
        "import sys; from assay.training.datasets.readers import discover; discover(); "
        "print([m for m in ('torch', 'pyarrow', 'cv2', 'scipy', 'pandas') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert said.stdout.strip() == "[]"
