from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.board import tables_of  # noqa: E402
from assay.training.classify_data import Row  # noqa: E402
from assay.training.classify_reading import Parts  # noqa: E402
from assay.training.classify_results import (  # noqa: E402
    _calibrated,
    _trained_on,
    log_test,
    provenance,
    result,
    sha256_of,
)
from assay.training.classify_scores import Scored, answers, measured  # noqa: E402
from assay.training.datasets.manifest_file import Manifest  # noqa: E402
from assay.training.datasets.prepared import PreparedFaces  # noqa: E402
from assay.training.datasets.records import Label, Record  # noqa: E402
from assay.training.net_config import NetRun, run_of  # noqa: E402

LABELS: tuple[Label, ...] = ("real", "fake")


def items(split: str, n: int = 24) -> list[PreparedFaces]:
    return [
        PreparedFaces(
            Record(
                "made", f"{split}/{i}.png", "image", LABELS[i % 2], split=split,  # type: ignore[arg-type]
                method="m" if i % 2 else "", licence="CC0", identity=f"{split}{i // 2}",
            ),
            f"person made {split}{i // 2}",
            Path(f"{i}.png"),
        )
        for i in range(n)
    ]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> NetRun:
    out = tmp_path / "out"
    out.mkdir()
    return run_of({"net": "simple_cnn", "data": str(tmp_path), "out": str(out)})


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    found = {split: items(split) for split in ("train", "val", "test")}
    records = tuple(item.record for part in found.values() for item in part)
    return Parts(Manifest(tmp_path, records), found)


def scored(part: list[PreparedFaces], gap: float = 2.0) -> Scored:
    rng = np.random.default_rng(0)
    rows = [Row(i, 0, 0.0, (0, 0), item.fake) for i, item in enumerate(part)]
    return Scored(part, rows, np.array([rng.normal(gap * row.fake, 1) for row in rows]))


def test_the_stored_result_is_one_that_the_leaderboard_reads(run: NetRun, parts: Parts) -> None:
    found = answers(scored(parts.items["test"]), run.spec.aggregation)
    rows = [row for one in found for row in measured(one, run.name)]
    path = run.out / "result.json"
    path.write_text(json.dumps(result(run, parts, rows, "b" * 64)))
    tables = {table.level: table for table in tables_of([path])}
    assert set(tables) == {"file"}  # of pictures, a table of frames would repeat it
    (line,) = tables["file"].lines
    assert (line.model, tables["file"].ranked_by) == ("out", "auc")
    stored = json.loads(path.read_text())
    assert stored["data"]["n_items"] == 24
    assert stored["models"][0]["trained_on"] == "made: 24 items of 12 groups"


def test_the_data_hash_changes_with_a_label(parts: Parts) -> None:
    before, other = parts.hash_of("test"), parts.hash_of("train")
    first = parts.items["test"][0]
    changed = Record(**{**{f: getattr(first.record, f) for f in first.record.__slots__},
                        "label": "fake"})  # fmt: skip
    parts.items["test"][0] = PreparedFaces(changed, first.group, first.path)
    assert parts.hash_of("test") != before
    assert parts.hash_of("train") == other


def test_every_look_at_the_test_is_written_down(
    run: NetRun, parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    log_test(run, parts, "a" * 64)
    log_test(run, parts, "b" * 64)
    lines = (run.out / "sealed_log.jsonl").read_text().splitlines()
    assert [json.loads(line)["models"][0]["sha256"] for line in lines] == ["a" * 64, "b" * 64]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "This is the first logged use of the test split."
    assert "1 times before, with 1 other models" in said[1]


def test_what_was_trained_on_is_told_by_set_method_and_terms(parts: Parts) -> None:
    common = {"set": "made", "licence": "CC0", "files": 12}
    assert _trained_on(parts.items["train"]) == [
        {**common, "method": "", "label": "real"},
        {**common, "method": "m", "label": "fake"},
    ]


def test_a_probability_is_given_where_validation_allows_one(
    run: NetRun, parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    calibration, _ = _calibrated(run, parts, scored(parts.items["val"]))
    assert calibration is not None
    assert calibration["scale"] > 0
    assert capsys.readouterr().out == ""
    few = scored(parts.items["val"][:6])
    assert _calibrated(run, parts, few) == (None, [])
    assert "no probability: 3 genuine validation items" in capsys.readouterr().out
    backwards = scored(parts.items["val"], gap=-3.0)
    assert _calibrated(run, parts, backwards) == (None, [])


def test_the_provenance_names_all_that_made_the_numbers(run: NetRun, parts: Parts) -> None:
    told = provenance(run, parts, "test")
    assert {"command", "commit", "data_hash", "seed", "recipe", "made", "start"} <= set(told)
    assert told["recipe"]["epochs"] == 10
    json.dumps(told)


def test_a_file_is_named_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a").startswith("ba7816bf")
