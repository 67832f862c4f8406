from __future__ import annotations

from pathlib import Path

import jsonschema

from assay.report.as_json import schema
from assay.web.jobs.failures import failed_outcome
from tests.web.jobs.test_gathered import HELD, SHA256


def test_it_is_a_whole_result_with_its_report(tmp_path: Path) -> None:
    outcome = failed_outcome(HELD, "time_limit", "Too long.", engine="e", folder=tmp_path / "new")
    jsonschema.validate(outcome.result, schema())
    assert outcome.result["reasons"] == [{"code": "time_limit", "text": "Too long."}]
    assert outcome.result["input"]["sha256"] == SHA256
    assert outcome.report is not None
    assert "Too long." in (tmp_path / "new" / outcome.report).read_text()
    assert outcome.engine == "e"


def test_without_a_folder_nothing_is_written() -> None:
    assert failed_outcome(HELD, "time_limit", "Too long.").report is None
