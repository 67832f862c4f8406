from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import assay  # noqa: E402
from assay.errors import ConfigError, UsageError  # noqa: E402
from assay.evaluation.run import Request, evaluate  # noqa: E402
from assay.evaluation.scores import read_scores, write_rows  # noqa: E402
from assay.options import Options  # noqa: E402
from tests.real_faces import portrait_path  # noqa: E402

from .made_rows import collection  # noqa: E402


def test_scores_become_tables_a_page_and_plots(tmp_path: Path) -> None:
    write_rows(collection(), tmp_path / "s.csv")
    asked = Request(tmp_path / "out", scores=tmp_path / "s.csv", n_draws=30, command="typed")
    tables = evaluate(asked)
    assert json.loads((tmp_path / "out" / "tables.json").read_text("utf-8")) == tables
    known = tables["provenance"]
    assert known["command"] == "typed"
    assert len(known["scores_sha256"]) == 64
    assert known["assay_version"]
    assert (tmp_path / "out" / "report.md").read_text("utf-8").startswith("# Evaluation")
    assert (tmp_path / "out" / "plots" / "roc.png").is_file()
    assert not (tmp_path / "out" / "scores.csv").exists()
    again = evaluate(asked)
    assert again["detectors"] == tables["detectors"]


def test_media_are_examined_changed_and_measured(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (60, 40), "grey").save(tmp_path / "plain.png")
    lines = ["path,modality,label,method,identity,split,box,source,licence,note,sha256"]
    lines.append("plain.png,image,real,walls,p1,val,,,,,aa")
    lines.append("plain.png,image,open,eyes,p2,val,,,,,bb")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    request = Request(
        tmp_path / "out",
        data=tmp_path,
        options=Options(detectors=("face_blending",)),
        workers=0,
        robustness=True,
        n_draws=20,
    )
    tables = evaluate(request)
    known = tables["provenance"]
    assert len(known["data_hash"]) == 16
    assert known["detectors"].keys() == {"face_blending"}
    assert len(known["bundles"]["face_blending"]) == 64
    assert (known["files_of_the_split"], known["pieces_scored"]) == (2, 1)
    assert tables["detectors"]["face_blending"]["slices"][0]["n_real_abstained"] == 1
    assert (tmp_path / "out" / "scores.csv").read_text().count("\n") == 3
    assert (tmp_path / "out" / "robustness.csv").read_text().count("\n") == 1 + 2 * 5


def test_a_face_is_scored_and_keeps_its_score_in_the_table(tmp_path: Path) -> None:
    shutil.copy(portrait_path("grace_hopper"), tmp_path / "face.jpg")
    lines = ["path,modality,label,method,identity,split,box,source,licence,note,sha256"]
    lines.append("face.jpg,image,real,portraits,p1,val,,,,,aa")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    asked = Request(tmp_path / "out", data=tmp_path, workers=0, n_draws=20)
    evaluate(asked)
    (whole,) = [row for row in read_scores(tmp_path / "out/scores.csv") if row.detector == "file"]
    assert whole.p_fake == pytest.approx(assay.detect(tmp_path / "face.jpg").p_fake)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        evaluate(Request(tmp_path / "out", scores=tmp_path / "none.csv"))
    with pytest.raises(ConfigError):
        evaluate(Request(tmp_path / "out", data=tmp_path))
