from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.cli.evaluate_models import is_asked

from .conftest import Answer

for name in ("sklearn", "matplotlib", "pyarrow", "onnx"):
    pytest.importorskip(name, reason="the train extra is not installed")
pytestmark = pytest.mark.train

from tests.evaluation.made_models import (  # noqa: E402
    write_data,
    write_pictures,
    write_tiny_bundle,
)

Assay = Callable[..., Answer]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    records = write_pictures(tmp_path, 5) + write_pictures(tmp_path, 2, split="test")
    return write_data(tmp_path, records)


def test_models_stand_beside_each_other(assay: Assay, data: Path) -> None:
    a = write_tiny_bundle(data.parent / "a", name="a")
    b = write_tiny_bundle(data.parent / "b", name="b")
    out = data.parent / "out"
    named = ["--model", str(a), "--model", str(b), "--data", str(data), "--out", str(out)]
    answer = assay("evaluate", *named, "--protocol", "within", "--draws", "20", "--workers", "0")
    assert answer.code == 0, answer.err
    assert "overall" in answer.out
    assert "Is one model better?" in answer.out
    assert str(out) in answer.err
    again = assay(
        "evaluate", "--scores", str(out / "predictions.parquet"), "--draws", "20", "--json",
        "--out", str(data.parent / "again"),
    )  # fmt: skip
    assert again.code == 0, again.err
    first = json.loads((out / "result.json").read_text())
    assert json.loads(again.out)["rows"] == first["rows"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "assay"], "--data MANIFEST.parquet"),
        (["--data", "m.parquet"], "No model is named"),
        (["--model", "assay", "--data", "none.parquet"], "none.parquet"),
        (["folder", "--model", "assay", "--data", "m.parquet"], "cannot both"),
        (["--model", "assay", "--data", "m.parquet", "--robustness"], "--protocol robustness"),
        (["--model", "assay", "--data", "DATA", "--protocol", "best"], "none of within"),
        (["--model", "assay", "--data", "DATA", "--split", "test"], "--final"),
        (["--model", "nobody", "--data", "DATA"], "no model 'nobody'"),
        (["--protocol", "within"], "--data MANIFEST.parquet"),
    ],
)
def test_wrong_usage_is_said(
    assay: Assay, data: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(data.parent)
    answer = assay("evaluate", *(str(data) if a == "DATA" else a for a in arguments))
    assert answer.code == 2, answer.err
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_the_old_way_stays_what_it_was() -> None:
    assert not is_asked(None, None, None, None, False)
    assert not is_asked(None, None, Path("scores.csv"), None, False)
    assert is_asked(None, None, Path("p.parquet"), None, False)
    assert is_asked(["m"], None, None)
