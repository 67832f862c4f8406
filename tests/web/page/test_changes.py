"""What differs between two results, as rows of words."""

from __future__ import annotations

from dataclasses import replace

from assay.report.as_json import as_dict
from assay.report.differences import differences
from assay.web.actor import LOCAL
from assay.web.page import changes
from assay.web.service import Service
from assay.web.store import examinations
from tests.report import conftest as verdicts
from tests.web.page.pages import finished


def test_a_moved_score_and_verdict_are_told() -> None:
    before, after = verdicts.clear_verdict(), verdicts.image_verdict()
    rows = list(changes.as_rows(differences(as_dict(before), as_dict(after))))
    assert ("Verdict", "No evidence found", "Strong evidence") in rows
    assert any(what == "p_fake" and now == "0.97" for what, _, now in rows)


def test_a_detector_that_is_new_is_told() -> None:
    after = verdicts.image_verdict()
    before = replace(after, evidence=after.evidence[:1])
    rows = list(changes.as_rows(differences(as_dict(before), as_dict(after))))
    assert len(rows) == len(after.evidence) - 1
    assert all((old, new) == ("–", "examined") for _, old, new in rows)


def test_the_same_is_no_change() -> None:
    held = as_dict(verdicts.image_verdict())
    assert list(changes.as_rows(differences(held, held))) == []


def test_a_deleted_predecessor_is_none(service: Service) -> None:
    first = finished(service, verdicts.clear_verdict(), "a.jpg")
    again = finished(service, verdicts.image_verdict(), "a.jpg", previous_id=first, again=True)
    row = examinations.get(service.store, LOCAL, again)
    result = as_dict(verdicts.image_verdict())
    held = changes.since(service, LOCAL, row, result)
    assert held["previous"].id == first
    assert held["changes"]
    examinations.remove(service.store, LOCAL, first)
    assert changes.since(service, LOCAL, row, result) == {"previous": None, "changes": []}
