from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation import model_report as report  # noqa: E402


def row(name: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    base = {"model": "m|x", "level": "file", "slice": name, "metric": metric, "value": value}
    counts = {"low": None, "high": None, "n_fake": 3, "n_real": 4, "n_groups": 5}
    return {**base, **counts, **more}


RESULT: dict[str, Any] = {
    "protocol": "official",
    "data": {"name": "made\x1b[2J", "n_items": 7, "split": "val", "data_hash": "abc"},
    "final": False,
    "models": [{"name": "m|x", "net": "n", "bundle_sha256": "f" * 64, "scale": "logit",
                "trained_on": ["a", "b"]}],
    "abstentions": {"m|x": {"no_face": 2}},
    "notices": [{"code": "c", "text": "things", "n": 2}, {"code": "d", "text": "one", "n": 1}],
    "rows": [
        row("method: z", "auc", None, why="too small: 3 fakes scored"),
        row("overall", "coverage", 0.5),
        row("overall", "auc", 0.75, low=0.5, high=0.9),
        row("official: made", "min_tdcf", 0.25),
    ],
    "matrix": [
        {"model": "m|x", "generator": "g", "state": "seen", "value": None},
        {"model": "m|x", "generator": "h", "state": "unknown", "value": 0.5, "low": None},
    ],
    "significance": [
        {"slice": "overall", "a": "a", "b": "b", "metric": "auc", "difference": 0.1, "low": 0.0,
         "high": 0.2, "p": 0.0001, "p_holm": 0.02, "test": "DeLong", "p_test": 0.5, "n": 7,
         "n_groups": 5},
        {"slice": "s", "a": "a", "b": "b", "metric": "auc", "difference": None, "why": "too small",
         "low": None, "high": None, "p": None, "p_holm": None, "test": None, "p_test": None,
         "n": 1, "n_groups": 1},
    ],
    "provenance": {"command": "assay evaluate", "commit": None},
}  # fmt: skip


def test_the_page_holds_every_number_and_no_markup_of_the_data() -> None:
    page = report.as_markdown(RESULT)
    for text in ("0.750 [0.500, 0.900]", "too small: 3 fakes scored", "0.250", "no_face 2", "seen",
                 "c: 2 things", "d: one", "assay evaluate"):  # fmt: skip
        assert text in page.replace("\\[", "[").replace("\\]", "]")
    assert "\x1b" not in page
    assert "m\\|x" in page
    assert "not a final test" in page


def test_overall_stands_first_and_official_numbers_in_their_own_table() -> None:
    columns, rows = report.short_table(RESULT)
    assert [r[0] for r in rows] == ["overall", "method: z"]
    assert rows[0][columns.index("answered")] == "50.0%"
    title, columns, rows = report.special_tables(RESULT)[0]
    assert title == "By the sets' own rules"
    assert rows == [("official: made", "m|x", "3 + 4", "5", "0.250")]
    many = {**RESULT, "rows": [row(f"method: {i}", "auc", 0.5) for i in range(40)]}
    assert report.short_table(many)[1][-1][0].startswith("… and 16 more")


def test_the_matrix_and_the_tests() -> None:
    assert report.matrix_of(RESULT)[1] == [("g", "seen"), ("h", "0.500 (unknown whether seen)")]
    rows = report.significance_of(RESULT)[1]
    assert rows[0][3:7] == ("0.100 [0.000, 0.200]", "1.0e-04", "0.020", "DeLong p = 0.500")
    assert rows[1][6] == "too small"
