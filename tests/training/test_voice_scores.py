from __future__ import annotations

import pytest

from assay.training.voice_scores import why_no_score

FOUND = {"value": 0.15, "low": 0.07, "high": 0.22}
ALARMS = {"set quiet": {"n": 90, "far_1": 0.01}, "copy found": {"n": 400, "far_1": 0.9}}


def test_what_finds_enough_and_alarms_evenly_may_score() -> None:
    assert why_no_score(FOUND, ALARMS) == ""


@pytest.mark.parametrize("found", [{**FOUND, "low": 0.04}, {**FOUND, "low": None}])
def test_what_finds_too_few_may_not(found: dict[str, float | None]) -> None:
    assert "too few for a score" in why_no_score(found, ALARMS)


def test_one_set_with_many_alarms_is_named() -> None:
    uneven = {**ALARMS, "set readers": {"n": 104, "far_1": 0.048}}
    said = why_no_score(FOUND, uneven)
    assert "readers" in said
    assert "4.8%" in said


def test_a_set_too_small_to_tell_does_not_count() -> None:
    small = {**ALARMS, "set few": {"n": 10, "far_1": 0.1}}
    assert why_no_score(FOUND, small) == ""
