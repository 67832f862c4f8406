from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.protocols import held_out_tables  # noqa: E402
from assay.evaluation.report import (  # noqa: E402
    SHORT_COLUMNS,
    as_markdown,
    number_text,
    short_rows,
)
from assay.evaluation.robustness import robustness_table  # noqa: E402
from assay.evaluation.scores import Row  # noqa: E402

from .made_rows import collection, rows_of  # noqa: E402
from .test_robustness import changed  # noqa: E402


def tables(rows: list[Row]) -> dict[str, Any]:
    return {
        "provenance": {"command": "assay evaluate", "bundles": {"face": "00"}, "commit": None},
        "detectors": held_out_tables(rows, n_draws=30),
        "robustness": robustness_table(rows, n_draws=30),
    }


def test_the_page_holds_every_slice_in_its_order() -> None:
    rows = collection()
    made = tables([*rows, *changed(rows, "crop_10", 1.0)])
    page = as_markdown(made, [Path("x/plots/roc.png")])
    at = [page.index(f"| {kind}: {name} |") for kind, name in (("real", "street"), ("fake", "few"))]
    assert at == sorted(at)
    for text in ("assay evaluate", "face 00", "too small: 3 fakes", "cropping a tenth away"):
        assert text in page
    assert "![roc](plots/roc.png)" in page
    assert "None" not in page


def test_every_row_of_a_grid_has_as_many_cells_as_its_head() -> None:
    n_cells = 0
    for line in as_markdown(tables(collection())).splitlines():
        if line.startswith("|---"):
            n_cells = line.count("|")
        elif line.startswith("|") and n_cells:
            assert line.replace("\\|", "").count("|") == n_cells
        else:
            n_cells = 0


def test_names_from_files_are_only_text() -> None:
    hostile = "x|y\n# head <script> [a](b) `c`"
    rows = [*rows_of(hostile, "fake", 8, 1.0), *rows_of("r", "real", 8, 0.0)]
    page = as_markdown(tables(rows))
    assert "<script>" not in page
    assert "\n# head" not in page
    assert "x\\|y" in page
    assert "[a](b)" not in page


def test_the_short_table_says_how_many_it_leaves_out() -> None:
    rows = short_rows(tables(collection()), per_detector=3)
    assert {len(row) for row in rows} == {len(SHORT_COLUMNS)}
    assert rows[0][1] == "overall"
    assert rows[0][2:4] == ("63/67", "114/116")
    assert rows[-1][1] == "… and 4 more"
    assert rows[0][-1] == "3%"


def test_one_line_is_enough_of_a_detector_that_scored_nothing() -> None:
    dead = [Row(f"{i}", "fake", f"m{i}", "g", status="failed", reason="x") for i in range(4)]
    rows = short_rows(tables(dead))
    assert len(rows) == 2
    assert rows[0][-1] == "100%"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ({"value": 0.91234, "low": 0.9, "high": 1.0}, "0.912 [0.900, 1.000]"),
        ({"value": 0.5, "low": None, "high": None}, "0.500"),
        ({"value": None, "low": None, "high": None}, "–"),
        ({"too_small": "3 fakes scored"}, "too small: 3 fakes scored"),
        ({"unknown": "there are no raw logits"}, "there are no raw logits"),
        ({}, "–"),
    ],
)
def test_a_number_or_why_there_is_none(number: dict[str, Any], text: str) -> None:
    assert number_text(number) == text
