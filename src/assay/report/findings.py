"""What detectors found, in words and in order: the gravest first, each with what else causes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.findings import SEVERITIES, Box, Finding, Region
from assay.report.figures import clock, rate
from assay.report.sanitise import finite, shortened, visible
from assay.report.value_pairs import value_pairs
from assay.report.wording import titled
from assay.types import Evidence, Verdict

SEVERITY_WORDS = {"info": "for information", "notable": "worth a look", "strong": "strong trace"}
SEVERITY_MEANS = (
    "A strong trace hardly comes about by itself; one worth a look has harmless causes too, which "
    "stand below it; the rest is for information."
)
NOT_MEASURED = "How often genuine files show this was not measured."
MAX_FINDINGS = 60
MAX_CAUSES = 8
MAX_NUMBERED = 40
MAX_LINE = 300
MAX_INFO_LINE = 150
MAX_GLANCE = 60
# Places, serial numbers and names stay folded: a page may be shown to others.
_SHOWN_AT_ONCE = ("make", "model", "tool", "programs", "taken")
_COUNT_OF = re.compile(r"\A(\d{1,7}) (?=\S)")


@dataclass(frozen=True, slots=True)
class Row:
    """One finding as a report shows it; `number` is that of its box in the pictures."""

    finding: Finding
    severity: str
    where: str | None
    measured: str | None
    causes: tuple[str, ...]
    glance: str
    pairs: list[tuple[str, str]]
    number: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one detector about one subject, the gravest first."""

    detector: str
    title: str
    of_file: bool
    rows: tuple[Row, ...]


def groups(verdict: Verdict) -> tuple[Group, ...]:
    """Findings by detector and subject, the group with the gravest first; at most 60 in all.

    The finding that the provenance box tells is left out.
    """
    numbers = numbered(verdict)
    held = [(one, _ordered(_not_told_elsewhere(verdict, one))) for one in verdict.evidence]
    held = [(one, found) for one, found in held if found]
    held.sort(key=lambda pair: _gravity(pair[1][0]))
    left, made = MAX_FINDINGS, []
    for one, found in held:
        rows = tuple(_row(finding, numbers.get(id(finding))) for finding in found[:left])
        left -= len(rows)
        if rows:
            made.append(Group(one.detector, _title(one), one.subject == "file", rows))
    return tuple(made)


def n_left_out(verdict: Verdict) -> int:
    """How many findings a report does not show because there are too many."""
    n = sum(len(_not_told_elsewhere(verdict, one)) for one in verdict.evidence)
    return max(0, n - MAX_FINDINGS)


def numbered(verdict: Verdict) -> dict[int, int]:
    """The number of each finding that lies in a box, by the finding's `id`, the gravest first."""
    boxed = [
        finding
        for one in verdict.evidence
        for finding in one.findings
        if finding.region is not None and finding.region.box_px is not None
    ]
    return {id(finding): i + 1 for i, finding in enumerate(_ordered(boxed)[:MAX_NUMBERED])}


def lines(verdict: Verdict) -> list[str]:
    """The findings for a terminal: grave ones with meaning and first cause, the rest in short."""
    found = [f for one in verdict.evidence for f in _not_told_elsewhere(verdict, one)]
    return [_line(finding) for finding in _ordered(found)]


def where(region: Region | None, number: int | None = None) -> str | None:
    """Where a finding lies in words; None where it is the file as a whole."""
    if region is None:
        return None
    parts = []
    if region.box_px is not None:
        box = f"Box {number} in the picture" if number else "In the picture"
        parts.append(f"{box}: {_sides(region.box_px)}")
    if region.source_px is not None:
        parts.append(f"the same as at {_sides(region.source_px)} (dashed)")
    if region.start_s is not None:
        parts.append(_seconds(region.start_s, region.end_s or region.start_s))
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def measured(finding: Finding) -> str | None:
    """How often pristine files show the same; None for bare facts that nobody measured."""
    share = finite(finding.false_alarm_rate)
    if share is None:
        return None if finding.severity == "info" else NOT_MEASURED
    what = visible(finding.measured_on) or "pristine files"
    counted_files = _COUNT_OF.match(what)
    if counted_files is None:
        return f"Shown by {rate(share)} of {what}."
    n = int(counted_files[1])
    return f"Shown by {round(share * n)} of {what}."


def glance(finding: Finding) -> str:
    """The few values that say what a finding is about: "NIKON, COOLPIX P6000"; or nothing."""
    told = {key: finding.values[key] for key in _SHOWN_AT_ONCE if finding.values.get(key)}
    return shortened(", ".join(value for _, value in value_pairs(told)), MAX_GLANCE)


def _sentence(cause: str) -> str:
    text = cause.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _ordered(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=_gravity)


def _gravity(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _not_told_elsewhere(verdict: Verdict, one: Evidence) -> Sequence[Finding]:
    told = verdict.provenance.meaning if verdict.provenance else None
    return [finding for finding in one.findings if finding.meaning != told]


def _title(one: Evidence) -> str:
    return (
        titled(one.detector) if one.subject == "file" else f"{titled(one.detector)}, {one.subject}"
    )


def _row(finding: Finding, number: int | None) -> Row:
    return Row(
        finding,
        SEVERITY_WORDS[finding.severity],
        where(finding.region, number),
        measured(finding),
        tuple(_sentence(cause) for cause in finding.innocent_causes[:MAX_CAUSES]),
        glance(finding),
        value_pairs(finding.values),
        number,
    )


def _line(finding: Finding) -> str:
    title, meaning = visible(finding.title).rstrip("."), visible(finding.meaning)
    seen = visible(glance(finding))
    title += f" ({seen})" if seen else ""
    if finding.severity == "info":
        first, stop, _ = meaning.partition(". ")
        return _begun(f"{title}: {first}{'.' if stop else ''}", MAX_INFO_LINE)
    words = SEVERITY_WORDS[finding.severity]
    text = f"{words[:1].upper()}{words[1:]}. {title}: {shortened(meaning, MAX_LINE)}"
    place = where(finding.region)
    if place:
        text += f" {place}"
    if finding.innocent_causes:
        cause = shortened(visible(finding.innocent_causes[0]), 160).rstrip(".")
        text += f" Also caused by: {cause[:1].lower()}{cause[1:]}."
    return text


def _begun(text: str, limit: int) -> str:
    """The text up to the last word that fits."""
    return text if len(text) <= limit else f"{text[: limit - 1].rpartition(' ')[0][:limit]}…"


def _sides(box: Box) -> str:
    sides = [finite(side) for side in box]
    x0, y0, x1, y1 = (0 if side is None else round(side) for side in sides)
    return f"x {x0}–{x1}, y {y0}–{y1} px"


def _seconds(start_s: float, end_s: float) -> str:
    start, end = clock(start_s, tenths=True), clock(end_s, tenths=True)
    return f"at {start}" if start == end else f"from {start} to {end}"
