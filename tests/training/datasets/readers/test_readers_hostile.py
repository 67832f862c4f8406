"""Whatever a label file holds: an error that names it, or records, and never another exception."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers import Reader, discover, recognised, settled
from assay.training.datasets.records import Notice, Record

from .made_sets import MADE, reader_of

READERS = discover()
LABELS = (".json", ".csv", ".txt", ".tsv", ".trn", ".trl", ".lst", ".idx", "property", ".rec")


def label_files(root: Path) -> list[Path]:
    return [
        path for path in sorted(root.rglob("*")) if path.name.endswith(LABELS) and path.is_file()
    ]


def hollow(value: Any) -> Any:
    """The same keys, with null for each value."""
    if isinstance(value, dict):
        return {key: hollow(inner) for key, inner in value.items()}
    return [hollow(inner) for inner in value] if isinstance(value, list) else None


def numbered(value: Any) -> Any:
    """The same keys, with a number for each value."""
    if isinstance(value, dict):
        return {key: numbered(inner) for key, inner in value.items()}
    return [numbered(inner) for inner in value] if isinstance(value, list) else 7


def json_changed(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def changed(raw: bytes) -> bytes:
        try:
            return json.dumps(change(json.loads(raw))).encode()
        except ValueError:
            return raw[1:]

    return changed


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut short": lambda raw: raw[: len(raw) * 2 // 3],
    "no text": lambda raw: b"\xff\xfe\x00" + raw,
    "zeros": lambda raw: b"\0" * len(raw),
    "one line": lambda raw: raw.replace(b"\n", b" "),
    "no separators": lambda raw: raw.replace(b",", b"").replace(b" ", b"").replace(b"\t", b""),
    "twice": lambda raw: raw + raw,
    "outside": lambda raw: raw.replace(b"/", b"/../../../"),
    "null": json_changed(hollow),
    "numbers": json_changed(numbered),
    "nothing in a list": json_changed(lambda value: [None]),
    "words": lambda raw: b"the quick brown fox\njumps, over; the\tlazy dog\n" * 3,
}


def answer(reader: Reader, root: Path) -> list[Record | Notice]:
    """What is read, nothing where that is refused; any other exception is the test's failure."""
    try:
        return list(reader.read(root, settled(reader, {})))
    except ConfigError:
        return []


@pytest.mark.parametrize("name", [name for name in MADE if reader_of(name) != "folder"])
def test_a_harmed_label_file_is_an_error_or_an_answer(name: str, tmp_path: Path) -> None:
    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    for path in label_files(root):
        good = path.read_bytes()
        for harm, change in HARMS.items():
            path.write_bytes(change(good))
            recognised(root)
            assert all(isinstance(one, Record | Notice) for one in answer(reader, root)), harm
        path.write_bytes(good)


@pytest.mark.parametrize("name", [name for name in MADE if reader_of(name) != "folder"])
def test_a_label_file_that_is_a_folder_is_an_error_or_an_answer(name: str, tmp_path: Path) -> None:
    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    for path in label_files(root):
        path.unlink()
        path.mkdir()
    recognised(root)
    assert any(isinstance(one, Record) for one in answer(reader, root)) or not answer(reader, root)


@pytest.mark.parametrize("name", MADE)
def test_odd_names_and_loops_in_every_folder_harm_nothing(name: str, tmp_path: Path) -> None:
    reader = READERS[reader_of(name)]
    root = MADE[name](tmp_path / "set")
    before = [one for one in reader.read(root, settled(reader, {})) if isinstance(one, Record)]
    for folder in [root, *(path for path in root.rglob("*/") if path.is_dir())]:
        (folder / "loop").symlink_to(root)
        (folder / "self").symlink_to("self")
        (folder / "gone").symlink_to(tmp_path / "gone")
        (folder / "Thumbs.db").touch()
        (folder / ".DS_Store").touch()
        (folder / "a\nb.tmp").touch()
        _touch_bytes(folder, b"\xff\xfe.tmp")
    recognised(root)
    after = [one for one in reader.read(root, settled(reader, {})) if isinstance(one, Record)]
    assert {row.path for row in before} <= {row.path for row in after}
    assert len(after) < 20 * len(before) + 100


def _touch_bytes(folder: Path, name: bytes) -> None:
    try:
        os.close(os.open(os.fsencode(folder) + b"/" + name, os.O_CREAT | os.O_WRONLY))
    except OSError:
        return  # this file system refuses such names
