"""One shape for what tags tell: a finding with innocent causes, cleaned values, a caution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assay.media.tag_text import clean_values
from assay.media.tags import Tags
from assay.types import Finding, Media, Severity

FORGEABLE = "Anyone can write, change or remove such tags."
MAX_TEXT = 300
Rule = Callable[[Tags, Media], list[Finding]]


def tag_finding(
    code: str,
    severity: Severity,
    title: str,
    meaning: str,
    values: Mapping[str, Any],
    causes: tuple[str, ...] = (),
    limit: int = MAX_TEXT,
) -> Finding:
    """A finding of the detector `metadata`; its code gets that name in front.

    Texts in `values` become one printable line of at most `limit` characters. Raises ValueError
    where one worth a look lacks its innocent causes.
    """
    if severity != "info" and not causes:
        raise ValueError(f"{code} is {severity} and needs innocent causes")
    meaning = f"{meaning} {FORGEABLE}"
    cleaned = clean_values(values, limit)
    return Finding(f"metadata_{code}", title, meaning, severity, cleaned, causes)
