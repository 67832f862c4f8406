"""How the detectors of a file's history tell what they found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.findings import Finding, Region, Severity

LIMIT = "It does not change the verdict."
MOST_TOLD = 4
"""Of one kind of finding."""


def history_finding(
    family: str,
    code: str,
    severity: Severity,
    title: str,
    meaning: str,
    values: Mapping[str, Any],
    causes: tuple[str, ...] = (),
    span_s: tuple[float, float] | None = None,
) -> Finding:
    """A finding of the code `family`_`code`; `span_s` is the stretch of time where it lies."""
    region = None
    if span_s is not None:
        start_s = max(0.0, span_s[0])
        region = Region(start_s=round(start_s, 3), end_s=round(max(start_s, span_s[1]), 3))
    return Finding(
        f"{family}_{code}", title, f"{meaning} {LIMIT}", severity, dict(values), causes, region
    )
