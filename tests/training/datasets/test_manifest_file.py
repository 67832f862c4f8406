from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import pyarrow  # noqa: E402
from pyarrow import parquet  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.datasets.manifest_file import (  # noqa: E402
    Manifest,
    read_manifest_file,
    write_manifest,
)
from assay.training.datasets.records import Bytes, FakeSpan, Notice, Record  # noqa: E402

PLAIN = Record(dataset="a", path="x/1.jpg", modality="image", label="real")
FULL = Record(
    dataset="b",
    path="packed.rec",
    modality="video",
    label="fake",
    method="swap",
    identity="i\nd",
    donor="é",
    source="s",
    split="val",
    subset="c23",
    visual_fake=True,
    audio_fake=False,
    spans=(FakeSpan(0.5, 1.25, "audio"), FakeSpan(2, 3)),
    mask="m.png",
    eye="open",
    part=Bytes(12, 2**40),
    listed=True,
    licence="own",
    note="n",
    sha256="f" * 64,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = (PLAIN, FULL, replace(PLAIN, path="x/2.jpg", spans=()))
    manifest = Manifest(tmp_path, rows, (Notice("odd", "is odd", 3),), {"quality": "low"}, "test")
    write_manifest(manifest, tmp_path / "sub" / "m.parquet")
    assert read_manifest_file(tmp_path / "sub" / "m.parquet") == manifest
    assert manifest.datasets == ("a", "b")
    assert not list((tmp_path / "sub").glob(".*"))


def test_files_that_moved_are_found_from_another_root(tmp_path: Path) -> None:
    write_manifest(Manifest(Path("/gone"), (PLAIN,)), tmp_path / "m.parquet")
    manifest = read_manifest_file(tmp_path / "m.parquet", root=tmp_path)
    assert manifest.path_of(manifest.records[0]) == tmp_path / "x/1.jpg"


def test_other_files_are_refused(tmp_path: Path) -> None:
    text, other, foreign = (tmp_path / name for name in ("a.parquet", "b.parquet", "c.parquet"))
    text.write_text("path,label\n")
    parquet.write_table(pyarrow.table({"path": ["a"]}), other)
    write_manifest(Manifest(tmp_path, (PLAIN,)), foreign)
    table = parquet.read_table(foreign)
    wrong = table.set_column(3, "label", pyarrow.array(["maybe"]))
    parquet.write_table(wrong, foreign)
    for path in (text, other, foreign, tmp_path / "none.parquet"):
        with pytest.raises(ConfigError):
            read_manifest_file(path)
