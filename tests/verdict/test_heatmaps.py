from __future__ import annotations

from typing import Any

import pytest

from assay.verdict.heatmaps import heatmap_sentence, heatmap_sentences
from tests.verdict.doubles import make_evidence

PASSED = {
    "faithful": True,
    "score_falls_more_by_map": 0.88,
    "pointing": 0.724,
    "score_rises_more_by_map": 0.95,
    "forged_share_of_crop": 0.31,
    "mean_overlap_with_true_mask": 0.69,
    "n": 150,
}


def test_what_was_measured_of_a_map_is_told_in_numbers() -> None:
    said = heatmap_sentence("seams", PASSED)
    assert said.startswith("The heat maps of seams were tested against known forgeries: ")
    for number in ("88 % of 150 forgeries", "72 %", "95 %", "31 % of the crop", "0.69"):
        assert number in said


def test_a_map_that_failed_is_said_to_be_left_out_with_its_numbers() -> None:
    said = heatmap_sentence("seams", {**PASSED, "faithful": False})
    assert said.startswith("No heat map of seams is shown, because its maps failed the test: ")
    assert "88 %" in said


@pytest.mark.parametrize("stated", [{}, {"faithful": False}, {"faithful": "yes"}])
def test_a_map_that_was_not_measured_is_said_to_be_left_out(stated: dict[str, Any]) -> None:
    said = heatmap_sentence("seams", stated)
    assert said.startswith("No heat map of seams is shown")
    assert "not been measured" in said


def test_each_detector_that_scored_is_told_of_once() -> None:
    scored = [make_evidence(1.0, i, details={"heatmap": PASSED}) for i in (1, 2)]
    other = make_evidence(1.0, detector="other", details={"heatmap": {}})
    silent = make_evidence(None, 3, detector="silent", details={"heatmap": PASSED})
    assert [line.split(" of ")[1].split()[0] for line in heatmap_sentences([*scored, other])] == [
        "test_detector",
        "other",
    ]
    assert heatmap_sentences([silent, make_evidence(1.0)]) == []
