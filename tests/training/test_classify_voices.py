"""A network of voices, all the way: from a folder of sounds to a tested bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles.folder import load_bundle_folder  # noqa: E402
from assay.evaluation.predictions import read_predictions  # noqa: E402
from assay.inputs.bundle_scores import score_voice  # noqa: E402
from assay.training.classify import train_net  # noqa: E402
from assay.training.datasets.manifest_file import read_manifest_file  # noqa: E402
from assay.training.datasets.prepared import prepare_voices  # noqa: E402
from assay.training.net_config import run_of  # noqa: E402
from tests.training.made_voices import write_voices  # noqa: E402

N_SPEAKERS = 4


def test_a_network_of_voices_is_trained_tested_and_bundled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_voices(tmp_path / "media", N_SPEAKERS)
    out = train_net(
        run_of(
            {
                "net": "lcnn", "data": str(folder), "out": str(tmp_path / "run"),
                "cache": str(tmp_path / "cache"), "device": "cpu",
                "fit": {"epochs": 1, "batch": 4},
            }
        )
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "epoch 1 of 1: loss" in said
    assert "test, by file: " in said
    card, network = load_bundle_folder(out / "bundle")
    assert (card.raw["net"], card.raw["kind"]) == ("lcnn", "voice")
    assert card.raw["parity_max_difference"] <= 1e-4
    result = json.loads((out / "result.json").read_text())
    assert result["models"][0]["bundle_sha256"] == card.network_sha256
    manifest = read_manifest_file(out / "manifest.parquet")
    tests = [record for record in manifest.records if record.split == "test"]
    assert {record.label for record in tests} == {"real", "fake"}
    stored = {
        row.path: row.logit for row in read_predictions(out / "predictions.parquet").of("run")
    }
    items = prepare_voices(manifest.with_records(tests, ""), tmp_path / "cache")
    assert {item.record.path for item in items} == stored.keys()
    for item in items:
        parts = [score_voice(network, card, np.asarray(s, np.float32)) for s in item.segments]
        found = float(np.concatenate(parts).mean())
        assert found == pytest.approx(stored[item.record.path], abs=1e-3)
