from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.training.curves import draw_curves, read_log, write_json


def write_log(folder: Path, version: int, text: str) -> None:
    place = folder / "logs" / f"version_{version}"
    place.mkdir(parents=True)
    (place / "metrics.csv").write_text(text)
    os.utime(place / "metrics.csv", (version, version))


def test_a_resumed_runs_rows_follow_the_first_ones(tmp_path: Path) -> None:
    write_log(tmp_path, 0, "step,loss,auc\n1,0.7,\n1,,0.5\n")
    write_log(tmp_path, 1, "step,loss,auc\n3,0.6,\n")
    assert read_log(tmp_path) == [
        {"step": 1, "loss": 0.7},
        {"step": 1, "auc": 0.5},
        {"step": 3, "loss": 0.6},
    ]


def test_curves_are_drawn_from_the_logs_alone(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the train extra is not installed")
    rows = "".join(f"{n},{1 / n:.3f},\n" for n in range(1, 130))
    write_log(tmp_path, 0, "step,loss,auc\n" + rows + "50,,0.7\n")
    draw_curves(tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_json_is_written_with_a_last_line(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, 2]})
    assert (tmp_path / "a.json").read_text() == '{\n "b": [\n  1,\n  2\n ]\n}\n'
