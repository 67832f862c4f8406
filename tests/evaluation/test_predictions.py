from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.predictions import (  # noqa: E402
    COLUMNS,
    Prediction,
    read_predictions,
    write_predictions,
)

from .made_models import made_rows  # noqa: E402

ROW = made_rows(n=1)[-1]
SILENT = {"logit": None, "p_fake": None, "status": "abstained", "reason": "no_face: none"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = [*made_rows(n=3), replace(ROW, path="ü\n/x.mp4", **SILENT)]
    path = write_predictions(rows, tmp_path / "p.parquet", {"command": "assay evaluate", "seed": 0})
    matrix = read_predictions(path)
    assert list(matrix.rows) == rows
    assert matrix.provenance["command"] == "assay evaluate"
    assert matrix.models == ("m",)
    assert len(matrix.of("m")) == 7
    assert len(matrix.of("m", "frame")) == 18
    assert [p for p in tmp_path.iterdir() if p != path] == []


def test_the_columns_are_those_of_the_contract() -> None:
    assert COLUMNS == (
        "model", "model_sha256", "dataset", "path", "label", "method", "group", "split", "subset",
        "modality", "variant", "level", "track_id", "time_s", "status", "logit", "p_fake",
        "threshold", "reason", "end_s",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": "1"}, "neither real nor fake"),
        ({"level": "video"}, "neither frame nor file"),
        ({"level": "proposal"}, "do not fit"),
        ({"end_s": 1.0}, "do not fit"),
        ({"level": "proposal", "time_s": 2.0, "end_s": 1.0}, "no stretch"),
        ({"level": "proposal", "time_s": None, "end_s": 1.0}, "no stretch"),
        ({"status": "ok"}, "none of"),
        ({"p_fake": 1.2}, "outside"),
        ({"logit": float("nan")}, "no finite number"),
        ({"threshold": float("inf")}, "no finite number"),
        ({"logit": None, "p_fake": None}, "do not fit"),
        ({"status": "abstained", "reason": "x"}, "do not fit"),
        ({**SILENT, "reason": ""}, "neither a score nor a reason"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        replace(ROW, **changes)  # type: ignore[arg-type]


def test_two_scores_of_one_item_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="more than one score"):
        write_predictions([ROW, replace(ROW, logit=9.0)], tmp_path / "p.parquet", {})


def test_other_files_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    with pytest.raises(ConfigError, match="no file"):
        read_predictions(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("path,score\n")
    with pytest.raises(ConfigError, match="no prediction matrix"):
        read_predictions(tmp_path / "text.parquet")
    parquet.write_table(pa.table({"path": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(ConfigError, match="lacks the columns model"):
        read_predictions(tmp_path / "other.parquet")


def test_the_answer_is_taken_on_the_scale_of_the_threshold() -> None:
    assert replace(ROW, logit=5.0, p_fake=0.4, threshold=0.5).fired is False
    assert replace(ROW, logit=0.1, p_fake=None, threshold=0.0).fired is True
    assert replace(ROW, threshold=None).fired is None
    assert Prediction(**{**{c: getattr(ROW, c) for c in COLUMNS}, **SILENT}).fired is None


def test_a_matrix_from_before_there_were_proposals_is_read(tmp_path: Path) -> None:
    from pyarrow import parquet

    path = write_predictions([ROW], tmp_path / "p.parquet", {})
    parquet.write_table(parquet.read_table(path).drop_columns(["end_s"]), path)
    assert read_predictions(path).rows == (ROW,)
