from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import run
from tests.evaluation.made_results import result, row, stored


def test_a_folder_of_results_becomes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path / "results" / "one", result([row("m", "auc", 0.7)]))
    out = tmp_path / "board"
    assert run(["leaderboard", str(tmp_path / "results"), "--out", str(out)]) == 0
    assert ".700" in (out / "leaderboard.md").read_text(encoding="utf-8")
    assert "1 measured lines in 1 tables" in capsys.readouterr().err.replace("\n", " ")


def test_without_results_it_says_how_to_make_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["leaderboard", str(tmp_path)]) == 2
    assert "assay evaluate" in capsys.readouterr().err
