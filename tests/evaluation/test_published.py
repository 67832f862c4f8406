from __future__ import annotations

import pytest

from assay.evaluation.published import ROWS

BOARDS = {"DFDC", "FaceForensics++", "FakeAVCeleb", "FaceForensics", "LAV-DF"}


def test_the_five_boards_are_there() -> None:
    assert {row.dataset for row in ROWS} == BOARDS


def test_numbers_are_written_as_their_sources_do() -> None:
    said = {(row.dataset, row.metric): row.text() for row in ROWS}
    assert said["DFDC", "AUC"] == "0.951"
    assert said["FaceForensics++", "AUC"] == "0.9444"
    assert said["LAV-DF", "AP@.95"] == "0.24 %"


def test_each_names_a_network_that_is_here() -> None:
    pytest.importorskip("torch", reason="the train extra is not installed")
    from assay.training.nets import discover

    assert {row.net for row in ROWS} <= set(discover())
