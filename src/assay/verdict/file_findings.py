"""What the file itself tells beside every score, and when that keeps "nothing found" unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from assay.findings import Box, Finding
from assay.types import Evidence, Reason

SAME_PLACE = 0.2  # intersection over union of two boxes from which on they mark one place


def told_by_the_file(evidence: Sequence[Evidence], beside: str) -> list[Reason]:
    """Why the file contradicts a low score: a strong finding, or two families on one place.

    No score holds what the file tells. `beside` begins the sentence ("No score is high").
    """
    strong = [finding for _, finding in _of_the_file(evidence) if finding.severity == "strong"]
    if strong:
        titles = _titles(strong)
        what = "a strong trace" if len(titles) == 1 else "strong traces"
        text = f"{beside}, but the file itself carries {what}: {'; '.join(titles)}."
        return [Reason("file_findings", text)]
    agreeing = _agreeing(evidence)
    if agreeing:
        text = f"{beside}, but independent traces in the file mark one place of the picture: "
        return [Reason("file_findings", f"{text}{'; '.join(_titles(agreeing))}.")]
    return []


def worth_a_look(evidence: Sequence[Evidence]) -> list[Reason]:
    """One sentence on notable findings with a place or a time, which change no label."""
    marked = [
        finding
        for _, finding in _of_the_file(evidence)
        if finding.severity == "notable" and finding.region is not None
    ]
    if not marked:
        return []
    text = f"Worth a look, beside the score: {'; '.join(_titles(marked))}."
    return [Reason("worth_a_look", text)]


def _of_the_file(evidence: Sequence[Evidence]) -> Iterator[tuple[str, Finding]]:
    """(family, finding) of all that reads the file."""
    return (
        (one.family, finding)
        for one in evidence
        if one.subject == "file"
        for finding in one.findings
    )


def _titles(findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.title.rstrip(".") for finding in findings))


def _agreeing(evidence: Sequence[Evidence]) -> list[Finding]:
    """Notable findings of different families that mark the same place."""
    placed = [
        (family, finding)
        for family, finding in _of_the_file(evidence)
        if finding.severity == "notable" and _boxes(finding)
    ]
    found: list[Finding] = []
    for (family, one), (other_family, other) in combinations(placed, 2):
        if family != other_family and _same_place(one, other):
            found += [one, other]
    return found


def _boxes(finding: Finding) -> list[Box]:
    """Both places of a copy: which of them is the copy is not known."""
    if finding.region is None:
        return []
    return [box for box in (finding.region.box_px, finding.region.source_px) if box is not None]


def _same_place(one: Finding, other: Finding) -> bool:
    return any(_overlap(a, b) >= SAME_PLACE for a in _boxes(one) for b in _boxes(other))


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)
