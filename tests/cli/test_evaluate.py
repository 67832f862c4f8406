from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    path = tmp_path / "scores.csv"
    lines = ["path,label,method,group,score"]
    lines += [f"f{i},fake,gan,f{i},{0.5 + i / 50}" for i in range(20)]
    lines += [f"r{i},real,studio,r{i},{0.1 + i / 50}" for i in range(20)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def needs_extra() -> None:
    pytest.importorskip("sklearn", reason="the train extra is not installed")
    pytest.importorskip("matplotlib", reason="the train extra is not installed")


@pytest.mark.train
@pytest.mark.usefixtures("needs_extra")
def test_scores_are_measured_and_printed(assay: Assay, scores: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = assay("evaluate", "--scores", str(scores), "--out", str(out), "--draws", "20")
    assert answer.code == 0
    assert "whole file" in answer.out
    assert "fake: gan" in answer.out
    assert (out / "report.md").is_file()
    assert str(out) in answer.err


@pytest.mark.train
@pytest.mark.usefixtures("needs_extra")
def test_json_is_all_that_stands_on_stdout(assay: Assay, scores: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = assay("evaluate", "--scores", str(scores), "--out", str(out), "--json", "--far", "0.1")
    assert answer.code == 0
    tables = json.loads(answer.out)
    assert tables == json.loads((out / "tables.json").read_text("utf-8"))
    assert tables["detectors"]["file"]["main_cut"] == "far_10"


@pytest.mark.train
@pytest.mark.usefixtures("needs_extra")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "no manifest.csv"),
        (["--scores", "none.csv"], "none.csv"),
        (["somewhere", "--scores", "some.csv"], "not both"),
        (["--far", "1.5"], "between 0 and 1"),
        (["nowhere", "--detectors", "face_blendin"], "face_blending"),
    ],
)
def test_wrong_usage_is_said(
    assay: Assay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = assay("evaluate", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.train
@pytest.mark.usefixtures("needs_extra")
def test_without_media_it_says_where_it_looked(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ASSAY_SHARED", raising=False)
    answer = assay("evaluate")
    assert answer.code == 2
    assert "ASSAY_SHARED" in answer.err


def test_without_the_extra_it_says_what_to_install(
    assay: Assay, scores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    answer = assay("evaluate", "--scores", str(scores), "--out", str(tmp_path / "out"))
    assert answer.code == 4
    assert "pip install 'assay[train]'" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.usefixtures("needs_extra")
def test_workers_examine_a_folder(assay: Assay, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 40), "grey").save(tmp_path / "plain.png")
    head = "path,modality,label,method,identity,split,box,source,licence,note,sha256"
    line = "plain.png,image,real,walls,p1,val,,,,,aa"
    (tmp_path / "manifest.csv").write_text(f"{head}\n{line}\n")
    answer = assay(
        "evaluate", str(tmp_path), "--workers", "1", "--out", str(tmp_path / "o"), "--json"
    )
    assert answer.code == 0
    assert json.loads(answer.out)["detectors"]["file"]["confusion"] is None
    assert "no_face" in (tmp_path / "o" / "scores.csv").read_text()
