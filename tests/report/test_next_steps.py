from dataclasses import replace

from assay import types as t
from assay.report.next_steps import STEPS, next_step

FOUND = t.Reason("file_findings", "No score is high, but x.")


def test_a_reason_may_have_a_step_of_its_own(make: dict) -> None:
    assert "shows a face" in next_step(make["faceless"]())
    assert next_step(make["image"]()) == STEPS["strong_evidence"]
    assert "asks for" in next_step(make["failed"]())


def test_strong_findings_of_the_file_have_a_step(make: dict) -> None:
    verdict = make["forensic"]()
    step = next_step(verdict)
    assert "what else causes it" in step
    assert "compressed copy" not in step
    flips = replace(verdict, reasons=(t.Reason("flips", ""), *verdict.reasons))
    assert next_step(flips).startswith(STEPS["inconclusive"])
    assert "what else causes it" in next_step(flips)


def test_a_file_without_a_score_is_not_without_findings(make: dict) -> None:
    declined = make["faceless"]()
    step = next_step(replace(declined, reasons=(*declined.reasons, FOUND)))
    assert step.startswith("Read what was found in the file")
    assert "shows a face" in step
