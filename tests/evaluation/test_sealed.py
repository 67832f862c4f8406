from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.evaluation.sealed import log_of, log_use, require_unsealed, uses

FACTS = {"data_hash": "d1", "protocol": "within", "command": "assay evaluate --final"}


def test_the_test_split_needs_final() -> None:
    require_unsealed(["val", "train", ""], final=False)
    require_unsealed(["test"], final=True)
    with pytest.raises(ConfigError, match="2 of the items are of the test split") as error:
        require_unsealed(["test", "val", "test"], final=False)
    assert "--final" in error.value.as_text()


def test_each_use_is_written_down_and_later_ones_are_told(tmp_path: Path) -> None:
    manifest = tmp_path / "m.parquet"
    assert log_use(manifest, [("a", "h1")], FACTS).code == "sealed_first"
    again = log_use(manifest, [("a", "h1")], FACTS)
    assert again.code == "sealed_again"
    assert "1 of these models were measured on it before" in again.text
    other = log_use(manifest, [("b", "h2")], FACTS)
    assert "used 2 times before, with 1 other models" in other.text
    assert log_use(manifest, [("b", "h2")], {**FACTS, "data_hash": "d2"}).code == "sealed_first"
    entries = uses(log_of(manifest))
    assert len(entries) == 4
    assert entries[0]["models"] == [{"name": "a", "sha256": "h1"}]
    assert entries[0]["command"] == "assay evaluate --final"
    assert entries[0]["time"].endswith("+00:00")


def test_a_log_that_cannot_be_read_or_written_stops_the_run(tmp_path: Path) -> None:
    manifest = tmp_path / "m.parquet"
    log_of(manifest).write_text(json.dumps({"models": []}) + "\nnonsense\n")
    with pytest.raises(ConfigError, match="line 2"):
        log_use(manifest, [("a", "h1")], FACTS)
    with pytest.raises(ConfigError, match="cannot be written down"):
        log_use(tmp_path / "gone" / "m.parquet", [("a", "h1")], FACTS)
