"""What whoever reads an answer should do now."""

from __future__ import annotations

from assay.types import Verdict

STEPS = {
    "strong_evidence": (
        "Look at the marked places yourself, ask the source for the file as it left the camera, "
        "examine that too, and keep this report with the file's hash."
    ),
    "some_evidence": (
        "Find the earliest and largest copy and examine that one. Do not publish the suspicion on "
        "this alone."
    ),
    "inconclusive": (
        "Find a larger, less compressed copy, nearer to the source, and examine that one."
    ),
    "no_evidence_found": (
        "Go on with source, date and place: who published it first, and does anything else "
        "confirm it?"
    ),
    "not_analysable": (
        "The reasons say what is missing; examine another copy, or another passage, that has it."
    ),
}
_AFTER = {
    "no_face": "Examine a larger copy, or a passage that shows a face from the front.",
    "no_voice_detector": (
        "Have the voice examined by other means; what the file says about itself is given here."
    ),
}
_AFTER |= dict.fromkeys(
    ("no_face_detector", "nothing_scored", "not_run", "bundle_missing"),
    "See `assay detectors` for what is installed and `assay doctor` for what is missing.",
)
_AFTER_FINDINGS = (
    "Read what was found in the file and what else causes it, look at the marked places yourself, "
    "and ask the source for the file as it left the camera: does it carry the same?"
)
_AFTER_FAILURE = "Do what the reason asks for, then examine the file again."


def next_step(verdict: Verdict) -> str:
    """What to do now; where the file itself carries strong traces, what to do about these."""
    if verdict.status == "failed":
        return _AFTER_FAILURE
    codes = [reason.code for reason in verdict.reasons]
    if verdict.status == "declined":
        step = _AFTER.get(codes[0], STEPS[verdict.label])
        return f"{_AFTER_FINDINGS} {step}" if "file_findings" in codes else step
    if verdict.label == "inconclusive" and "file_findings" in codes:
        alone = codes[0] == "file_findings"
        return _AFTER_FINDINGS if alone else f"{STEPS[verdict.label]} {_AFTER_FINDINGS}"
    return STEPS[verdict.label]
