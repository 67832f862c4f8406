from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training import classify_reading  # noqa: E402
from assay.training.classify_reading import (  # noqa: E402
    divided,
    frames_of,
    prepared,
    read,
    sided,
    warnings,
)
from assay.training.datasets.looking import Seen  # noqa: E402
from assay.training.datasets.manifest_file import Manifest, write_manifest  # noqa: E402
from assay.training.datasets.records import Label, Record  # noqa: E402
from assay.training.net_config import NetRun, run_of  # noqa: E402

LABELS: tuple[Label, ...] = ("real", "fake")


def people(n: int = 12, **more: Any) -> list[Record]:
    return [
        Record("made", f"{label}/p{p}.png", "image", label, identity=f"p{p}", **more)
        for p in range(n)
        for label in LABELS
    ]


def run(tmp_path: Path, **more: Any) -> NetRun:
    return run_of(
        {"net": "simple_cnn", "data": str(tmp_path), "out": str(tmp_path / "out"), **more}
    )


def test_a_folder_is_read_by_who_knows_it_and_oddities_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("real/a/1.png", "fake/m/b/1.png", "fake/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    manifest = read(tmp_path)
    assert [r.label for r in manifest.records] == ["fake", "real"]
    said = capsys.readouterr().out
    assert "2 items, read as 'A plain folder" in said
    assert "1 × unknown_kind" in said


def test_a_manifest_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    write_manifest(Manifest(tmp_path, tuple(people(2))), path)
    assert len(read(path).records) == 4
    with pytest.raises(ConfigError, match="no folder or manifest"):
        read(tmp_path / "none")


def test_a_folder_that_several_readers_know_is_left_to_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify_reading, "recognised", lambda root: ["celeb_df", "dfdc", "folder"])
    with pytest.raises(ConfigError, match="several sets: celeb_df, dfdc") as caught:
        read(tmp_path)
    assert "--set NAME" in caught.value.remedy


def test_the_split_is_the_same_for_every_seed_of_training_and_another_for_its_own(
    tmp_path: Path,
) -> None:
    manifest = Manifest(tmp_path, tuple(people()))
    splits = [
        [r.split for r in divided(manifest, run(tmp_path, **changes))[0].records]
        for changes in ({}, {"fit": {"seed": 41}}, {"split_seed": 8})
    ]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


def test_what_counts_as_fake_is_the_side_that_is_looked_at(tmp_path: Path) -> None:
    dubbed = Record("made", "a.mp4", "video", "fake", visual_fake=False, audio_fake=True)
    assert sided(dubbed, "face").label == "real"
    assert sided(dubbed, "voice").label == "fake"
    assert sided(replace(dubbed, visual_fake=None), "face").label == "fake"
    records = [*people(), replace(dubbed, identity="p0")]
    split, lines = divided(Manifest(tmp_path, tuple(records)), run(tmp_path))
    assert lines == ["1 fake items count as real: what a face shows is not"]
    assert split.records[-1].label == "fake"  # the manifest keeps the set's own word


def test_what_has_nothing_to_look_at_is_refused(tmp_path: Path) -> None:
    records = [replace(r, modality="audio") for r in people()]
    with pytest.raises(ConfigError, match="holds nothing that simple_cnn looks at"):
        divided(Manifest(tmp_path, tuple(records)), run(tmp_path))


def test_shortcuts_of_the_side_that_is_looked_at_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = people(16)
    seen = {
        "fake": Seen(codec="h264", sample_rate_hz=16000, sharpness=1.0),
        "real": Seen(codec="mpeg1", sample_rate_hz=44100, sharpness=1.0),
    }
    monkeypatch.setattr(
        classify_reading,
        "look_at_all",
        lambda part, memory, workers: [seen[r.label] for r in part.records],
    )
    (line,) = warnings(Manifest(tmp_path, tuple(records)), run(tmp_path))
    assert line.startswith("Warning: codec alone tells fake from real (AUC 1.00; fake h264 100%")


def test_a_part_without_a_face_is_refused_and_the_missing_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = run(tmp_path, cache=str(tmp_path / "cache"))
    split, _ = divided(Manifest(tmp_path, tuple(people())), asked)
    with pytest.raises(ConfigError, match="In the train part nothing of one label"):
        prepared(asked, Manifest(tmp_path, split.records))
    assert "real train items are left out: file_missing" in capsys.readouterr().out


def test_frames_are_the_papers_unless_said_otherwise(tmp_path: Path) -> None:
    assert frames_of(run(tmp_path)) == run(tmp_path).spec.n_frames
    assert frames_of(run(tmp_path, fit={"n_frames": 3})) == 3
