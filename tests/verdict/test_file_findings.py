from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.findings import Finding, Region
from assay.types import Evidence
from assay.verdict.file_findings import told_by_the_file, worth_a_look
from tests.verdict.doubles import make_evidence

BOX = (100.0, 100.0, 200.0, 200.0)
NEAR = (120.0, 100.0, 220.0, 210.0)
FAR = (300.0, 300.0, 400.0, 400.0)


def reported(family: str, *findings: Finding, subject: str = "file") -> Evidence:
    bare = make_evidence(None, None, status="reported", reason=None, findings=findings)
    return replace(bare, family=family, subject=subject)


def placed(title: str, severity: Any = "notable", **place: Any) -> Finding:
    return Finding("c", title, "m", severity, region=Region(**place) if place else None)


def test_nothing_told_is_no_reason() -> None:
    assert told_by_the_file([], "No score is high") == []
    assert worth_a_look([reported("noise", placed("t", "info", box_px=BOX))]) == []


def test_one_place_marked_by_two_families_is_told() -> None:
    copied = placed("There twice.", box_px=FAR, source_px=NEAR)
    saved = placed("Saved apart", box_px=BOX)
    (reason,) = told_by_the_file(
        [reported("geometry", copied), reported("compression", saved)], "No score is high"
    )
    assert reason.code == "file_findings"
    assert reason.text == (
        "No score is high, but independent traces in the file mark one place of the picture: "
        "There twice; Saved apart."
    )


@pytest.mark.parametrize(
    ("family", "subject", "severity", "place"),
    [
        ("geometry", "file", "notable", {"box_px": BOX}),
        ("noise", "file", "notable", {"box_px": FAR}),
        ("noise", "file", "info", {"box_px": BOX}),
        ("noise", "face 1", "notable", {"box_px": BOX}),
        ("noise", "file", "notable", {"start_s": 1.0, "end_s": 2.0}),
        ("noise", "file", "notable", {"box_px": (0.0, 0.0, 2000.0, 2000.0)}),
        ("noise", "file", "notable", {}),
    ],
    ids=["one family", "elsewhere", "a fact", "a face", "a time", "the whole", "no place"],
)
def test_what_does_not_agree_is_not_told(
    family: str, subject: str, severity: Any, place: dict[str, Any]
) -> None:
    first = reported("geometry", placed("There twice", box_px=BOX))
    second = reported(family, placed("Other", severity, **place), subject=subject)
    assert told_by_the_file([first, second], "No score is high") == []


def test_notable_places_and_times_are_named_once() -> None:
    evidence = [
        reported("geometry", placed("There twice.", box_px=BOX), placed("There twice", box_px=FAR)),
        reported("container", placed("Frozen", start_s=1.0, end_s=2.0)),
        reported("metadata", placed("Location")),
        reported("blending", placed("A face", box_px=BOX), subject="face 1"),
    ]
    (reason,) = worth_a_look(evidence)
    assert reason.code == "worth_a_look"
    assert reason.text == "Worth a look, beside the score: There twice; Frozen."
