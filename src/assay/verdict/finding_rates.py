"""How often a finding is shown by files that nobody edited: measured once, told with each finding.

`python benchmarks/forensics.py --rates` writes finding_rates.json beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from assay.errors import InstallationError
from assay.types import Evidence, Finding

TABLE = Path(__file__).with_name("finding_rates.json")
LEAST_FILES = 20
"""Of fewer files a share says too little to be told."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Of `n_files` pristine files `n_with` show the finding, `n_strong` as a strong one.

    `measured_on` says in words what files; `detector` and `family` whose finding it is.
    """

    detector: str
    family: str
    n_files: int
    n_with: int
    n_strong: int
    measured_on: str

    @property
    def false_alarm_rate(self) -> float | None:
        """The share; None where too few files were measured."""
        return self.n_with / self.n_files if self.n_files >= LEAST_FILES else None


@cache
def known_rates() -> Mapping[str, Rate]:
    """The measured rates by finding code; empty where nothing was measured.

    Raises InstallationError where the table cannot be read.
    """
    return read_rates(TABLE)


def read_rates(path: Path) -> dict[str, Rate]:
    """The rates in a file. Raises InstallationError for one that is damaged."""
    if not path.is_file():
        return {}
    try:
        table: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["codes"]
        rates = {code: Rate(**entry) for code, entry in table.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InstallationError(
            f"{path.name} cannot be read: {error!r}.", remedy="Install assay again."
        ) from error
    for code, rate in rates.items():
        if not 0 <= rate.n_strong <= rate.n_with <= rate.n_files:
            raise InstallationError(
                f"{path.name} counts {code} wrongly.", remedy="Install assay again."
            )
    return rates


def with_rates(
    evidence: Iterable[Evidence], rates: Mapping[str, Rate] | None = None
) -> list[Evidence]:
    """The evidence with `false_alarm_rate` and `measured_on` in each finding that was measured.

    A finding that another detector has under the same code is left as it is.
    """
    known = known_rates() if rates is None else rates
    return [_rated(one, known) for one in evidence]


def _rated(evidence: Evidence, known: Mapping[str, Rate]) -> Evidence:
    if not evidence.findings:
        return evidence
    findings = tuple(_with_rate(one, evidence.detector, known) for one in evidence.findings)
    return replace(evidence, findings=findings)


def _with_rate(finding: Finding, detector: str, known: Mapping[str, Rate]) -> Finding:
    rate = known.get(finding.code)
    if rate is None or rate.detector != detector or rate.false_alarm_rate is None:
        return finding
    return replace(finding, false_alarm_rate=rate.false_alarm_rate, measured_on=rate.measured_on)
