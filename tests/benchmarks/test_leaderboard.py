"""What `make leaderboard` would do: its commands, and the stand-in that it falls back on."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("pyarrow", reason="needs the train extra")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import leaderboard as benchmark
from board import data

from assay.errors import ConfigError
from assay.training.datasets.manifest import Item
from assay.training.datasets.manifest_file import read_manifest_file
from assay.training.net_config import read_run
from assay.training.nets import discover
from tests.real_faces import portrait_path

pytestmark = pytest.mark.train


def test_the_stand_in_holds_three_splits_of_other_people(tmp_path: Path) -> None:
    portraits = [portrait_path("grace_hopper"), portrait_path("astronaut")]
    manifest = read_manifest_file(data.stand_in(tmp_path, portraits, most=5))
    counts = Counter((record.split, record.label) for record in manifest.records)
    assert set(counts) == {(s, x) for s in ("train", "val", "test") for x in ("real", "fake")}
    people = {s: {r.identity for r in manifest.records if r.split == s} for s in ("train", "test")}
    assert not people["train"] & people["test"]
    assert all(manifest.path_of(record).is_file() for record in manifest.records)


def test_without_labelled_media_the_stand_in_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> Path:
        raise ConfigError("none")

    monkeypatch.setattr(benchmark, "shared_folder", missing)
    monkeypatch.setattr(benchmark.data, "stand_in", lambda *_: tmp_path / "m.parquet")
    monkeypatch.setattr(benchmark, "STAND_IN", tmp_path / "work")
    board = benchmark._board(False, tmp_path)
    assert board.stand_in
    assert "mean nothing" in capsys.readouterr().out


def test_every_measured_model_is_trained_or_imported_before(tmp_path: Path) -> None:
    manifests = {name: tmp_path / f"{name}.parquet" for name in ("faces", "videos", "voices")}
    trainings = (*benchmark.FACES, *benchmark.VOICES)
    assert {t.net for t in trainings} | {p.net for p in benchmark.PEERS} <= set(discover())
    made = {t.run for t in (*trainings, benchmark.TRUNK)} | {p.name for p in benchmark.PEERS}
    assert len(made) == len(trainings) + 1 + len(benchmark.PEERS)
    trunk = read_run(benchmark.ROOT / "configs" / benchmark.TRUNK.config)
    assert trunk.out.as_posix() == f"runs/board/runs/{benchmark.TRUNK.run}"
    for one in benchmark.measurements():
        assert set(one.models) <= {*made, *benchmark.SHIPPED}
        assert one.on in manifests
        sealed = "--final" in one.more
        assert sealed == (one.more[one.more.index("--split") + 1] == "test")


def test_voices_of_the_val_split_are_the_test_and_never_trained_on(tmp_path: Path) -> None:
    items = [
        Item(tmp_path / f"{i}.flac", "audio", label, "m", f"p{i}", split, "", "")
        for i, (label, split) in enumerate([("real", "train"), ("fake", "val")] * 20)
    ]
    records = [data._record(item, tmp_path) for item in items]
    for item, record in zip(items, records, strict=True):
        assert (record.split == "test") == (item.split == "val")
        assert record.label == item.label
    assert {record.split for record in records} == {"train", "val", "test"}
