from __future__ import annotations

import jsonschema

import assay
from assay.report.as_html import to_html
from assay.report.as_json import as_dict, schema
from assay.report.unexamined import NOTHING_TESTED, unexamined


def test_it_is_a_whole_answer_without_a_score() -> None:
    verdict = unexamined("a.jpg", "examiner_crashed", "It crashed.", rerun="assay detect a.jpg")
    told = as_dict(verdict)
    jsonschema.validate(told, schema())
    assert (told["status"], told["verdict"], told["p_fake"]) == ("failed", "not_analysable", None)
    assert told["reasons"] == [{"code": "examiner_crashed", "text": "It crashed."}]
    assert told["limits"] == [NOTHING_TESTED]
    assert told["runtime"]["assay_version"] == assay.__version__
    assert verdict.exit_code == 3


def test_its_report_says_why_and_escapes() -> None:
    page = to_html(unexamined("<b>.jpg", "file_empty", "No bytes in <i>it</i>."))
    assert "No bytes in &lt;i&gt;it&lt;/i&gt;." in page
    assert "<b>.jpg" not in page
