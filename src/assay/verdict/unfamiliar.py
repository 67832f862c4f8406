"""How far a subject lies from what its detector was calibrated on, as its evidence states it."""

from __future__ import annotations

from assay.types import Evidence, Reason
from assay.verdict.naming import in_words


def excess(evidence: Evidence) -> float | None:
    """How often the familiar distance fits into the evidence's own; None where not measured.

    Above 1 the subject lies outside what its detector was calibrated on.
    """
    distance = evidence.details.get("domain_distance")
    limit = evidence.details.get("domain_limit")
    if not isinstance(distance, int | float) or not isinstance(limit, int | float) or limit <= 0:
        return None
    return float(distance) / float(limit)


def unfamiliarity(evidence: Evidence) -> Reason | None:
    """The reason `unfamiliar`, None where the subject is familiar or that was not measured."""
    found = excess(evidence)
    if found is None or found <= 1:
        return None
    subject = in_words(evidence.subject)
    subject = subject[:1].upper() + subject[1:]
    text = f"{subject} is unlike what {evidence.detector} was calibrated on ({found:.2f} of the "
    return Reason("unfamiliar", text + "limit): its error rates may not hold.")
