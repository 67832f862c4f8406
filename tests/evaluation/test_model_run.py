from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

for name in ("sklearn", "matplotlib", "pyarrow", "onnx"):
    pytest.importorskip(name, reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.board import tables_of  # noqa: E402
from assay.evaluation.model_run import Request, evaluate_models  # noqa: E402
from assay.evaluation.predictions import read_predictions  # noqa: E402
from assay.training.datasets.manifest_file import Manifest, write_manifest  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402

from .made_models import write_data, write_pictures, write_tiny_bundle  # noqa: E402


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    records = write_pictures(root, 6) + write_pictures(root, 5, split="test")
    return write_data(root, records)


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_tiny_bundle(tmp_path / "tiny"))


@pytest.fixture(autouse=True)
def _few_plots(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing costs most of a run; the plots have tests of their own."""
    if "leaderboard" not in request.node.name:
        monkeypatch.setattr("assay.evaluation.model_plots.write_model_plots", lambda *_: [])


def run(data: Path, *models: str, **more: Any) -> dict[str, Any]:
    out = more.pop("out", data.parent / "out")
    return evaluate_models(Request(out, models, data, n_draws=20, **more))


def test_everything_is_written_and_the_leaderboard_reads_it(data: Path, model: str) -> None:
    raw = str(write_tiny_bundle(data.parent / "raw", name="raw", calibration=None))
    result = run(data, model, raw, command="assay evaluate …")
    out = data.parent / "out"
    names = {path.name for path in out.iterdir()}
    assert names >= {"result.json", "predictions.parquet", "report.md", "refs.bib", "plots"}
    assert json.loads((out / "result.json").read_text()) == result
    assert set(result) >= {
        "protocol", "data", "models", "rows", "significance", "final", "provenance", "bibtex_keys",
    }  # fmt: skip
    assert result["data"]["n_items"] == 18
    assert result["final"] is False
    assert result["bibtex_keys"] == ["tiny2026"]
    assert "@misc{tiny2026" in (out / "refs.bib").read_text()
    assert result["provenance"]["command"] == "assay evaluate …"
    auc = [r for r in result["rows"] if (r["slice"], r["metric"]) == ("overall", "auc")]
    assert len(auc) == 4  # two models, files and frames
    tables = tables_of([out / "result.json"])
    # Every file is one picture: a table of frames would only repeat that of the files.
    assert {(t.level, len(t.lines)) for t in tables} == {("file", 2)}
    assert len(read_predictions(out / "predictions.parquet").of("tiny")) == 18


def test_the_matrix_is_measured_again_to_the_same_numbers(
    data: Path, model: str, tmp_path: Path
) -> None:
    first = run(data, model)
    stored = data.parent / "out" / "predictions.parquet"
    again = evaluate_models(Request(tmp_path / "again", scores=stored, n_draws=20))
    assert again["rows"] == first["rows"]
    assert again["data"]["data_hash"] == first["data"]["data_hash"]
    assert again["bibtex_keys"] == first["bibtex_keys"]
    assert "command" in again["provenance"]["scores_made_by"]
    beside = run(data, str(stored), out=tmp_path / "beside")
    assert beside["rows"] == first["rows"]
    with pytest.raises(ConfigError, match="nothing of split 'train'"):
        evaluate_models(Request(tmp_path / "x", scores=stored, split="train"))
    with pytest.raises(ConfigError, match="nothing to evaluate"):
        evaluate_models(Request(tmp_path / "x"))


def test_the_test_split_is_sealed_and_each_use_is_logged(data: Path, model: str) -> None:
    with pytest.raises(ConfigError, match="sealed"):
        run(data, model, split="test")
    with pytest.raises(ConfigError, match="sealed"):
        run(data, model, split="all")
    log = data.parent / "sealed_log.jsonl"
    assert not log.exists()
    first = run(data, model, final=True, command="assay evaluate --final")
    assert (first["final"], first["data"]["split"]) == (True, "test")
    assert "sealed_first" in {n["code"] for n in first["notices"]}
    entry = json.loads(log.read_text().splitlines()[0])
    assert entry["command"] == "assay evaluate --final"
    assert entry["data_hash"] == first["data"]["data_hash"]
    other = str(write_tiny_bundle(data.parent / "raw", name="raw", shift=1))
    second = run(data, other, final=True)
    assert "sealed_again" in {n["code"] for n in second["notices"]}
    assert len(log.read_text().splitlines()) == 2
    # Validation data are not sealed and not logged.
    assert run(data, model)["final"] is False
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize("protocol", ["cross-dataset", "leave-one-generator-out", "official", "robustness"])  # fmt: skip  # noqa: E501
def test_every_protocol_runs_from_files_to_a_page(data: Path, model: str, protocol: str) -> None:
    result = run(data, model, protocol=protocol)
    assert any(r["value"] is not None for r in result["rows"] if r["metric"] != "coverage")
    page = (data.parent / "out" / "report.md").read_text()
    assert protocol in page
    if protocol == "robustness":
        rows = read_predictions(data.parent / "out" / "predictions.parquet").rows
        assert {r.variant for r in rows} >= {"", "resave_q60", "screenshot"}
        assert len({r.path for r in rows}) == 18
    if protocol == "leave-one-generator-out":
        assert {c["state"] for c in result["matrix"]} == {"seen", "unseen"}


def test_what_it_was_trained_on_is_laid_beside_the_data(
    data: Path, model: str, tmp_path: Path
) -> None:
    train = tmp_path / "train.parquet"
    shared = Record("made", "x.png", "image", "real", identity="valp0", split="train")
    write_manifest(Manifest(tmp_path, (shared,)), train)
    result = run(data, model, train_manifest=train)
    told = {n["code"]: n["n"] for n in result["notices"]}
    assert told["seen_in_training"] == 2


def test_wrong_data_are_refused_or_told(data: Path, model: str, tmp_path: Path) -> None:
    voice = str(write_tiny_bundle(tmp_path / "voice", "voice", name="voice"))
    with pytest.raises(ConfigError, match="voice reads audio, video; the data hold image only"):
        run(data, voice)
    with pytest.raises(ConfigError, match="none of within"):
        run(data, model, protocol="best")
    with pytest.raises(ConfigError, match="no manifest"):
        run(tmp_path / "none.parquet", model)
    moved = tmp_path / "moved"
    os.rename(data.parent / "made", moved)
    with pytest.raises(ConfigError, match="Not one of the 18 files"):
        run(data, model)
    (tmp_path / "root").mkdir()
    os.rename(moved, tmp_path / "root" / "made")
    assert run(data, model, root=tmp_path / "root")["data"]["n_items"] == 18


def test_files_that_hold_nothing_are_abstentions(tmp_path: Path, model: str) -> None:
    root = tmp_path / "data"
    records = write_pictures(root, 1)
    for record in records:
        (root / record.path).write_bytes(b"")
    result = run(write_data(root, records), model)
    assert sum(result["abstentions"]["tiny"].values()) == 3
    assert "nothing_scored" in {n["code"] for n in result["notices"]}
    assert [r["value"] for r in result["rows"]] == [0.0] * len(result["rows"])
    reals = [replace(r, path=r.path) for r in write_pictures(root, 6) if r.label == "real"]
    result = run(write_data(root, reals), model)
    assert "one_label" in {n["code"] for n in result["notices"]}


@pytest.mark.shared
def test_real_media_through_a_shipped_detector(tmp_path: Path) -> None:
    shared = os.environ.get("ASSAY_SHARED")
    folder = Path(shared or "/nowhere") / "data"
    if not (folder / "manifest.csv").is_file():
        pytest.skip("ASSAY_SHARED names no folder of media")
    from assay.training.datasets.manifest import read_manifest

    records = []
    for label, method in (("real", "camera-photos"), ("fake", "stylegan2-ffhq")):
        items = [i for i in read_manifest(folder) if (i.label, i.method) == (label, method)]
        assert len(items) >= 5
        for item in items[:5]:
            path = item.path.relative_to(folder).as_posix()
            records.append(
                Record("shared", path, "image", label, method if label == "fake" else "",  # type: ignore[arg-type]
                       identity=item.group, split="val")
            )  # fmt: skip
    manifest = tmp_path / "m.parquet"
    write_manifest(Manifest(folder, tuple(records)), manifest)
    result = run(manifest, "synthetic_picture", out=tmp_path / "out")
    found = {r["metric"]: r["value"] for r in result["rows"] if r["slice"] == "overall" and r["level"] == "file"}  # fmt: skip  # noqa: E501
    assert found["coverage"] >= 0.8
    rows = read_predictions(tmp_path / "out" / "predictions.parquet").of("synthetic_picture")
    assert len(rows) == 10
    # The detector's own answer, as `assay detect` gives it.
    import assay

    verdict = assay.detect(folder / records[0].path)
    own = [e for e in verdict.evidence if e.detector == "synthetic_picture"]
    logit = next(r.logit for r in rows if r.path == records[0].path)
    assert own[0].logit == logit
