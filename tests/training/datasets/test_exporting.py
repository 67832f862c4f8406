from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.datasets.exporting import export  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.records import Bytes, FakeSpan  # noqa: E402
from tests.training.datasets.media_sets import record  # noqa: E402


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    root = tmp_path / "set"
    root.mkdir()
    for name in ("a.wav", "b, c\n.wav", "p.png", "all.rec"):
        (root / name).write_bytes(name.encode())
    return Manifest(
        root,
        (
            record("a.wav", identity="ann", split="train", spans=(FakeSpan(0, 1.5, "audio"),)),
            record("b, c\n.wav", "fake", identity="bob", donor="ann", method="swap", split="test"),
            record("p.png", "fake", visual_fake=True),
            record("all.rec", modality="image", part=Bytes(1, 3)),
            record("clip", modality="frames"),
            record("gone.png"),
        ),
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_and_json_lines_hold_every_field(manifest: Manifest, tmp_path: Path) -> None:
    done = export(manifest, "csv", tmp_path / "out" / "m.csv")
    rows = rows_of(done.path)
    assert done.n == len(rows) == 6
    assert rows[1]["path"] == "b, c\n.wav"
    assert json.loads(rows[0]["spans"])[0]["end_s"] == 1.5
    assert (rows[3]["offset"], rows[3]["length"], rows[0]["offset"]) == ("1", "3", "")
    assert (rows[2]["visual_fake"], rows[2]["audio_fake"]) == ("True", "")
    lines = export(manifest, "jsonl", tmp_path / "m.jsonl").path.read_text().splitlines()
    assert json.loads(lines[1])["donor"] == "ann"
    assert json.loads(lines[0])["part"] is None


def test_the_arena_form_is_of_sound(manifest: Manifest, tmp_path: Path) -> None:
    done = export(manifest, "speech-df-arena", tmp_path / "m.csv")
    assert rows_of(done.path) == [
        {"file_name": str(manifest.root / "a.wav"), "label": "bonafide"},
        {"file_name": str(manifest.root / "b, c\n.wav"), "label": "spoof"},
    ]
    assert sum(done.left_out.values()) == 4


def test_assays_folder_form_is_read_by_its_reader(manifest: Manifest, tmp_path: Path) -> None:
    done = export(manifest, "assay", tmp_path / "folder")
    assert done.left_out == {"frames has no place in this form": 1, "file_missing": 1}
    items = read_manifest(tmp_path / "folder")
    assert [item.path.read_bytes() for item in items] == [
        b"a.wav", b"b, c\n.wav", b"p.png", b"ll.",
    ]  # fmt: skip
    assert len({item.sha256 for item in items}) == 4
    assert items[0].group == items[1].group != items[2].group
    assert [item.label for item in items] == ["real", "fake", "fake", "real"]
    assert [item.split for item in items[:2]] == ["train", "test"]


def test_nothing_is_overwritten_and_nothing_empty_is_written(
    manifest: Manifest, tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(ConfigError, match="there already"):
        export(manifest, "csv", tmp_path / "there")
    with pytest.raises(ConfigError, match="none of csv"):
        export(manifest, "xml", tmp_path / "m.xml")
    pictures = manifest.with_records(manifest.records[2:3], "test")
    with pytest.raises(ConfigError, match="speech-df-arena"):
        export(pictures, "speech-df-arena", tmp_path / "m.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name != "set"] == ["there"]
