from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.evaluation.board import gather, tables_of
from tests.evaluation.made_results import result, row, stored


def test_models_of_the_same_items_share_a_table_best_first(tmp_path: Path) -> None:
    stored(tmp_path / "a", result([row("weak", "auc", 0.6), row("weak", "equal_error_rate", 0.4)]))
    stored(tmp_path / "b", result([row("strong", "auc", 0.9)]))
    (table,) = tables_of(gather([tmp_path]))
    assert [line.model for line in table.lines] == ["strong", "weak"]
    assert table.metrics == ("auc", "equal_error_rate")
    assert table.ranked_by == "auc"
    assert table.lines[1].numbers["equal_error_rate"].low == pytest.approx(0.35)


def test_where_lower_is_better_the_lowest_comes_first(tmp_path: Path) -> None:
    rows = [row("a", "equal_error_rate", 0.3), row("b", "equal_error_rate", 0.1)]
    stored(tmp_path, result(rows))
    (table,) = tables_of(gather([tmp_path]))
    assert [line.model for line in table.lines] == ["b", "a"]


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": "robustness"},
        {"data": {"name": "faces", "data_hash": "e" * 16, "n_items": 50, "split": "val"}},
        {"data": {"name": "faces", "data_hash": "d" * 16, "n_items": 50, "split": "test"}},
    ],
)
def test_other_items_and_other_protocols_are_never_one_table(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    stored(tmp_path / "a", result([row("one", "auc", 0.6)]))
    stored(tmp_path / "b", result([row("two", "auc", 0.9)], **other))
    assert len(tables_of(gather([tmp_path]))) == 2


def test_a_table_is_named_by_its_manifest_and_its_set(tmp_path: Path) -> None:
    data = {
        "name": "folder",
        "data_hash": "d",
        "n_items": 5,
        "split": "",
        "manifest": "a/x.parquet",
    }
    stored(tmp_path, result([row("m", "auc", 0.7)], data=data))
    assert [table.data for table in tables_of(gather([tmp_path]))] == ["x (folder)"]


def test_frames_and_files_are_two_tables(tmp_path: Path) -> None:
    stored(tmp_path, result([row("a", "auc", 0.6), row("a", "auc", 0.5, level="frame")]))
    assert [t.level for t in tables_of(gather([tmp_path]))] == ["file", "frame"]


def test_frames_that_say_what_the_files_say_are_left_out(tmp_path: Path) -> None:
    rows = [row("a", "auc", 0.6), row("a", "auc", 0.6, level="frame")]
    stored(tmp_path, result(rows))
    assert [t.level for t in tables_of(gather([tmp_path]))] == ["file"]


def test_of_a_long_training_the_first_sets_are_named(tmp_path: Path) -> None:
    value = result([row("m", "auc", 0.6)])
    value["models"][0]["trained_on"] = [{"set": f"s{i}", "label": "real"} for i in range(9)]
    stored(tmp_path, value)
    assert tables_of(gather([tmp_path]))[0].lines[0].trained_on == "s0, s1, s2, s3, 5 more"


def test_of_two_results_for_one_model_the_newer_counts(tmp_path: Path) -> None:
    newer = {"provenance": {"made": "2026-02-01T00:00:00+00:00"}}
    stored(tmp_path / "a", result([row("m", "auc", 0.7)], **newer))
    stored(tmp_path / "b", result([row("m", "auc", 0.6)]))
    (table,) = tables_of(gather([tmp_path]))
    assert [line.numbers["auc"].value for line in table.lines] == [0.7]


def test_a_number_that_could_not_be_measured_is_absent(tmp_path: Path) -> None:
    stored(tmp_path, result([row("m", "auc", None), row("m", "accuracy", 0.6)]))
    (table,) = tables_of(gather([tmp_path]))
    assert set(table.lines[0].numbers) == {"accuracy"}


def test_slices_come_hardest_first(tmp_path: Path) -> None:
    rows = [row("m", "auc", 0.7)]
    rows += [row("m", "auc", v, slice=f"method: {n}") for n, v in (("easy", 0.95), ("hard", 0.5))]
    stored(tmp_path, result(rows))
    (table,) = tables_of(gather([tmp_path]))
    assert list(table.slices) == ["method: hard", "method: easy"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value.pop("protocol"),
        lambda value: value["rows"].append({"model": "m"}),
        lambda value: value["rows"].append(row("stranger", "auc", 0.5)),
        lambda value: value["rows"][0].update(value=float("nan")),
        lambda value: value["rows"][0].update(value="high"),
        lambda value: value.update(data="faces"),
    ],
)
def test_what_is_no_result_is_named(tmp_path: Path, spoil: Any) -> None:
    value = result([row("m", "auc", 0.7)])
    spoil(value)
    path = stored(tmp_path, value)
    with pytest.raises(ConfigError, match=r"result\.json is no result"):
        tables_of([path])


def test_folders_without_results_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no"):
        gather([tmp_path, tmp_path / "nowhere"])
    path = tmp_path / "text.json"
    path.write_text(json.dumps([]))
    with pytest.raises(ConfigError, match="is no result"):
        tables_of([path])
