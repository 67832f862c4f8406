from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.items import data_hash, items_of, name_of, varied_items  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.records import Bytes, Record  # noqa: E402

from .made_models import write_pictures  # noqa: E402


def test_a_split_is_chosen_and_empty_ones_say_what_there_is(tmp_path: Path) -> None:
    records = [*write_pictures(tmp_path, 2), *write_pictures(tmp_path, 1, split="test")]
    manifest = Manifest(tmp_path, tuple(records))
    assert len(items_of(manifest, "val").items) == 6
    assert len(items_of(manifest, "all").items) == 9
    with pytest.raises(ConfigError, match=r"nothing of split 'train'; it has: test \(3 items\)"):
        items_of(manifest, "train")
    with pytest.raises(ConfigError, match="none of train"):
        items_of(manifest, "dev")
    with pytest.raises(ConfigError, match="holds no item"):
        items_of(Manifest(tmp_path, ()), "val")


def test_an_item_listed_twice_counts_once_unless_its_labels_differ(tmp_path: Path) -> None:
    records = write_pictures(tmp_path, 1)
    chosen = items_of(Manifest(tmp_path, (*records, records[1])), "val")
    assert len(chosen.items) == 3
    assert [(n.code, n.n) for n in chosen.notices] == [("listed_twice", 1)]
    other = replace(records[1], label="real", method="")
    with pytest.raises(ConfigError, match="listed as real and as fake"):
        items_of(Manifest(tmp_path, (*records, other)), "val")


def test_files_that_moved_are_told_and_all_of_them_refused(tmp_path: Path) -> None:
    records = write_pictures(tmp_path, 2)
    (tmp_path / records[0].path).unlink()
    chosen = items_of(Manifest(tmp_path, tuple(records)), "val")
    assert [i.reason for i in chosen.items].count("missing_file: There is no such file.") == 1
    assert chosen.notices[0].code == "missing_file"
    with pytest.raises(ConfigError, match="Not one of the 6 files") as error:
        items_of(Manifest(tmp_path / "elsewhere", tuple(records)), "val")
    assert "--root" in error.value.as_text()


def test_names_and_the_hash(tmp_path: Path) -> None:
    record = Record("casia", "train.rec", "image", "real", part=Bytes(96, 10))
    assert name_of(record) == "train.rec@96"
    items = items_of(Manifest(tmp_path, tuple(write_pictures(tmp_path, 2))), "val").items
    assert data_hash(items) == data_hash(items[::-1])
    assert data_hash(items) != data_hash(items[1:])


def test_variants_are_written_once_and_keep_their_items_name(tmp_path: Path) -> None:
    items = items_of(Manifest(tmp_path, tuple(write_pictures(tmp_path, 1))), "val").items
    made = varied_items(items[:1], tmp_path / "variants")
    assert {item.variant for item in made} >= {"resave_q60", "crop_10"}
    assert {item.name for item in made} == {items[0].name}
    assert all(item.path.is_file() for item in made)
    before = {item.path: item.path.stat().st_mtime_ns for item in made}
    assert {i.path: i.path.stat().st_mtime_ns for i in varied_items(items[:1], tmp_path / "variants")} == before  # fmt: skip  # noqa: E501


def test_what_cannot_be_changed_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "a.png").write_bytes(b"no picture")
    record = Record("made", "made/a.png", "image", "real", split="val")
    items = items_of(Manifest(tmp_path, (record,)), "val").items
    made = varied_items(items, tmp_path / "variants")
    assert made
    assert all(item.reason.startswith("no_variant: ") for item in made)
