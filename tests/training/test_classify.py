from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.bundles.folder import load_bundle_folder  # noqa: E402
from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.predictions import read_predictions  # noqa: E402
from assay.training.classify import train_net  # noqa: E402
from assay.training.datasets.manifest_file import Manifest, read_manifest_file, write_manifest  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402
from assay.training.net_config import NetRun, run_of  # noqa: E402
from assay.training.run import train as train_by_config  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.made_folder import N_PEOPLE, write_folder  # noqa: E402

EPOCHS = 6
FIT = {"epochs": EPOCHS, "batch": 6, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run_in(out: Path, folder: Path, cache: Path, **more: Any) -> NetRun:
    return run_of(
        {
            "net": "simple_cnn", "data": str(folder), "out": str(out), "cache": str(cache),
            "device": "cpu", "fit": FIT, **more,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(
    folder: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A whole run, and what it said."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        out = train_net(run_in(tmp_path_factory.mktemp("runs") / "whole", folder, cache))
    return out, said.getvalue()


def test_it_learns_and_says_so_after_every_epoch(finished: tuple[Path, str]) -> None:
    out, said = finished
    history = json.loads((out / "epochs.json").read_text())
    assert len(history) == EPOCHS
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    for number in range(1, EPOCHS + 1):
        assert f"epoch {number} of {EPOCHS}: loss" in said
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_it_says_who_was_on_which_side_and_what_the_number_was_measured_on(
    finished: tuple[Path, str],
) -> None:
    out, said = finished
    assert "Divided 70/15/15 by group (seed 7)" in said
    assert "Warning: colourfulness alone tells fake from real" in said
    assert "test, by file: " in said
    assert "real and " in said.partition("test, by file: ")[2]
    assert f"assay train {out / 'config.toml'}" in said
    manifest = read_manifest_file(out / "manifest.parquet")
    assert len(manifest.records) == 2 * N_PEOPLE
    people = {s: {r.identity for r in manifest.records if r.split == s} for s in ("train", "test")}
    assert people["train"]
    assert people["test"]
    assert not people["train"] & people["test"]


def test_the_result_and_the_predictions_agree(finished: tuple[Path, str]) -> None:
    out, _ = finished
    result = json.loads((out / "result.json").read_text())
    assert (result["protocol"], result["final"]) == ("within", True)
    assert result["data"]["split"] == "test"
    assert result["provenance"]["seed"] == 7
    wanted = {r["metric"]: r for r in result["rows"] if r["level"] == "file"}
    rows = read_predictions(out / "predictions.parquet").of("whole")
    right = [(row.logit or 0) > 0 for row in rows if row.label == "fake"]
    right += [(row.logit or 0) <= 0 for row in rows if row.label == "real"]
    assert wanted["accuracy"]["value"] == pytest.approx(sum(right) / len(right))
    assert wanted["accuracy"]["n_fake"] + wanted["accuracy"]["n_real"] == len(rows)
    assert result["data"]["n_items"] == len(rows)


def test_the_bundle_is_the_network_that_was_tested(finished: tuple[Path, str]) -> None:
    from assay.inputs.bundle_scores import score_faces
    from assay.training.datasets.prepared import prepare_faces

    out, _ = finished
    card, network = load_bundle_folder(out / "bundle")
    result = json.loads((out / "result.json").read_text())
    assert result["models"][0]["bundle_sha256"] == card.network_sha256
    manifest = read_manifest_file(out / "manifest.parquet")
    tests = [record for record in manifest.records if record.split == "test"]
    items = prepare_faces(manifest.with_records(tests, ""), out / "cache", n_frames=20, max_faces=3)
    rows = read_predictions(out / "predictions.parquet").of("whole")
    stored = {row.path: row.logit for row in rows}
    for item in items:
        (logits,) = score_faces(network, card, item.views).values()
        assert float(logits.mean()) == pytest.approx(stored[item.record.path], abs=1e-3)


def test_the_use_of_the_test_part_is_logged(finished: tuple[Path, str]) -> None:
    lines = (finished[0] / "sealed_log.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["data_hash"]


def test_the_resolved_file_runs_the_same_again(
    finished: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = finished
    stored = (out / "config.toml").read_text()
    assert tomllib.loads(stored)["kind"] == "net"
    path = tmp_path / "again.toml"
    path.write_text(stored.replace(str(out), str(tmp_path / "again")))
    train_by_config(path)
    assert losses(tmp_path / "again") == pytest.approx(losses(out), rel=1e-5)
    assert numbers(tmp_path / "again") == numbers(out)


def test_a_killed_run_goes_on_to_the_same_end(
    finished: tuple[Path, str], folder: Path, cache: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "assay", "train", "simple_cnn", "--data", str(folder)]
    command += ["--out", str(out), "--cache", str(cache), "--device", "cpu", "--batch", "6"]
    command += ["--epochs", str(EPOCHS), "--learning-rate", "1e-3"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, env=os.environ
    )
    try:
        deadline = time.monotonic() + 240
        while not (out / "epochs.json").is_file() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (out / "result.json").exists()
    train_net(run_in(out, folder, cache), resume=True)
    assert losses(out) == pytest.approx(losses(finished[0]), rel=1e-3)
    assert numbers(out)["accuracy"] == pytest.approx(numbers(finished[0])["accuracy"])
    kept = [torch.load(o / "weights.pt", weights_only=True) for o in (out, finished[0])]
    for name in kept[0]:
        torch.testing.assert_close(kept[0][name], kept[1][name], rtol=1e-3, atol=1e-4)


def test_another_run_is_not_resumed(
    finished: tuple[Path, str], folder: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = run_in(finished[0], folder, cache, fit={**FIT, "seed": 8})
    with pytest.raises(ConfigError, match=r"differs in fit\.seed"):
        train_net(other, resume=True)


def test_training_goes_on_from_the_weights_of_a_run(
    finished: tuple[Path, str], folder: Path, cache: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    start = str(finished[0] / "weights.pt")
    fit = {**FIT, "epochs": 1, "learning_rate": 1e-9}
    run = run_in(tmp_path / "on", folder, cache, start=start, fit=fit)
    train_net(run)
    assert "Training starts from the weights" in capsys.readouterr().out
    assert losses(tmp_path / "on")[1] == pytest.approx(min(losses(finished[0])[1::2]), abs=1e-4)


def test_a_manifest_is_read_in_place_of_a_folder(
    finished: tuple[Path, str], cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "set.parquet"
    path.write_bytes((finished[0] / "manifest.parquet").read_bytes())
    train_net(run_in(tmp_path / "out", path, cache, fit={**FIT, "epochs": 1}))
    said = capsys.readouterr().out
    assert "The set's own split is kept." in said
    assert "first logged use of the test split" in said
    assert (tmp_path / "sealed_log.jsonl").is_file()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: None, "no folder or manifest"),
        (lambda f: f.mkdir(), "no media file under a folder real/ or fake/"),
        (lambda f: write_folder(f, 2), "2 groups"),
        (lambda f: (f / "real").mkdir(parents=True) or sound_in(f), "nothing that"),
        (lambda f: f.write_text("no parquet"), "no manifest"),
    ],
)
def test_what_cannot_be_trained_on_is_said(
    tmp_path: Path, cache: Path, make: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "data")
    with pytest.raises(ConfigError, match=said):
        train_net(run_in(tmp_path / "out", tmp_path / "data", cache))


def test_what_the_network_does_not_look_at_is_left_out_aloud(
    folder: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [
        Record("made", str(path.relative_to(folder)), "image", label, identity=path.parent.name)
        for label in ("real", "fake")
        for path in sorted((folder / label).rglob("*.png"))
    ]
    records.append(Record("made", "real/x.wav", "audio", "real", identity="p0"))
    records = [
        replace(r, visual_fake=False, audio_fake=True) if "p0" in r.path else r for r in records
    ]
    path = tmp_path / "set.parquet"
    write_manifest(Manifest(folder, tuple(records)), path)
    train_net(run_in(tmp_path / "out", path, cache, fit={**FIT, "epochs": 1}))
    said = capsys.readouterr().out
    assert "1 audio items are left out: simple_cnn looks at a face" in said
    assert "1 fake items count as real" in said


def test_a_gpu_that_is_not_there_is_said(folder: Path, cache: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigError, match="no GPU"):
        train_net(run_in(tmp_path / "out", folder, cache, device="gpu"))


def sound_in(folder: Path) -> None:
    (folder / "real" / "a.wav").write_bytes(b"RIFF")


def losses(out: Path) -> list[float]:
    history = json.loads((out / "epochs.json").read_text())
    return [row[name] for row in history for name in ("loss", "val_loss")]


def numbers(out: Path) -> dict[str, float]:
    rows = json.loads((out / "result.json").read_text())["rows"]
    return {r["metric"]: round(r["value"], 6) for r in rows if r["level"] == "file"}
