from __future__ import annotations

from typing import Any

import pytest

from assay.verdict.unfamiliar import excess, unfamiliarity
from tests.verdict.doubles import make_evidence, make_picture_evidence


def measured(distance: float, limit: float = 2.0) -> dict[str, Any]:
    return {"details": {"domain_distance": distance, "domain_limit": limit}}


def test_the_excess_is_the_share_of_the_limit() -> None:
    assert excess(make_evidence(0.0, **measured(3.0))) == 1.5
    assert excess(make_evidence(0.0)) is None
    assert excess(make_evidence(0.0, **measured(3.0, 0.0))) is None
    assert excess(make_evidence(0.0, details={"domain_distance": "far", "domain_limit": 1})) is None


@pytest.mark.parametrize("distance", [0.0, 1.9, 2.0])
def test_up_to_the_limit_it_is_familiar(distance: float) -> None:
    assert unfamiliarity(make_evidence(0.0, **measured(distance))) is None


def test_beyond_the_limit_the_reason_names_subject_detector_and_how_far() -> None:
    reason = unfamiliarity(make_evidence(0.0, **measured(2.5)))
    assert reason is not None
    assert reason.code == "unfamiliar"
    assert reason.text.startswith("Face 1 is unlike what test_detector was calibrated on (1.25 ")
    picture = unfamiliarity(make_picture_evidence(**measured(2.5)))
    assert picture is not None
    assert picture.text.startswith("The picture is unlike")
