from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from .conftest import Answer

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.predictions import write_predictions  # noqa: E402
from tests.evaluation.made_models import chance, made_rows  # noqa: E402

Assay = Callable[..., Answer]


@pytest.fixture
def matrices(tmp_path: Path) -> tuple[str, str]:
    rows = made_rows(n=10)
    a = write_predictions(rows, tmp_path / "a.parquet", {})
    worse = [replace(r, logit=-9.0, p_fake=chance(-9.0)) if r.path == "fake/0.mp4" else r for r in rows]  # fmt: skip  # noqa: E501
    b = write_predictions(worse[:-4], tmp_path / "b.parquet", {})
    return str(a), str(b)


def test_the_same_matrix_is_identical(assay: Assay, matrices: tuple[str, str]) -> None:
    answer = assay("compare", matrices[0], matrices[0])
    assert answer.code == 0
    assert "identical" in answer.err


def test_differences_are_told_and_end_with_1(assay: Assay, matrices: tuple[str, str]) -> None:
    answer = assay("compare", *matrices, "--draws", "20")
    assert answer.code == 1
    assert "made: fake/0.mp4" in answer.out
    assert "rows only in A" in answer.out
    found = json.loads(assay("compare", *matrices, "--json", "--draws", "20").out)
    assert found[0]["n_only_a"] == 4
    assert found[0]["n_changed"] == 4


def test_what_is_no_matrix_is_refused(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no")
    answer = assay("compare", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"))
    assert answer.code == 2
    assert "no prediction matrix" in answer.err
    assert assay("compare", "a", "b", "--tolerance", "inf").code == 2
