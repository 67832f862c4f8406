"""A stored result in words: the same that the report says."""

from __future__ import annotations

import pytest

from assay.report import charts, wording
from assay.report.as_json import as_dict
from assay.report.next_steps import next_step
from assay.types import Verdict
from assay.web.page.told import kind_of, told
from tests.report import conftest as verdicts

ALL = (
    verdicts.image_verdict,
    verdicts.timeline_verdict,
    verdicts.audio_verdict,
    verdicts.failed_verdict,
    verdicts.clear_verdict,
    verdicts.inconclusive_verdict,
    verdicts.faceless_verdict,
)


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_the_page_says_what_the_report_says(make: object) -> None:
    verdict: Verdict = make()  # type: ignore[operator]
    held = told(as_dict(verdict), verdict.name)
    assert held.headline == wording.headline(verdict)
    assert held.quote == wording.answer(verdict)
    assert " ".join(held.not_meant) == wording.does_not_mean(verdict)
    assert held.next_step == next_step(verdict)
    assert held.gauge == charts.gauge(verdict)
    assert held.threshold == wording.threshold(verdict)
    told_reasons = [(one.code, one.text) for one in held.reasons]
    assert told_reasons == [(one.code, wording.reason_text(one)) for one in verdict.reasons]


def test_the_name_is_what_the_sender_called_it() -> None:
    held = told(as_dict(verdicts.image_verdict()), "x\u202e.jpg")
    assert "x\\u202e.jpg" in held.quote


def test_a_rate_without_a_threshold_is_not_told() -> None:
    result = as_dict(verdicts.image_verdict())
    result["operating_point"]["threshold"] = 1.0
    held = told(result, "a.jpg")
    assert (held.threshold, held.false_alarm_rate) == (None, None)


def test_a_result_of_an_older_version_is_told_as_far_as_it_goes() -> None:
    from tests.web.examined import result

    held = told(result(), "a.jpg")
    assert held.headline == "Some evidence that the picture was manipulated"
    assert (held.reasons, held.threshold, held.interval) == ((), None, None)


def test_kinds() -> None:
    assert kind_of("video/mp4") == "video"
    assert kind_of("text/html") is None
    assert kind_of(None) is None
