from dataclasses import replace

import pytest

from assay import types as t
from assay.findings import Region
from assay.report import findings


def a_finding(severity: str = "notable", **more: object) -> t.Finding:
    values: dict = {"code": "c", "title": "A title", "meaning": "A meaning.", "severity": severity}
    return t.Finding(**values | more)


def reported(*found: t.Finding, detector: str = "d", subject: str = "file") -> t.Evidence:
    return t.Evidence(detector, "1", "f", subject, "reported", findings=found)


def test_groups_and_what_is_in_them_begin_with_the_gravest(make: dict) -> None:
    evidence = (
        reported(a_finding("info", title="i"), a_finding("notable", title="n"), detector="first"),
        reported(a_finding("info", title="j"), a_finding("strong", title="s"), detector="second"),
    )
    groups = findings.groups(make["faceless"](evidence=evidence))
    assert [group.title for group in groups] == ["Second", "First"]
    told = [row.finding.title for group in groups for row in group.rows]
    assert told == ["s", "j", "n", "i"]
    assert [line.partition(":")[0] for line in findings.lines(make["faceless"](evidence=evidence))]


def test_what_concerns_the_file_and_what_concerns_its_content_are_told_apart(make: dict) -> None:
    evidence = (reported(a_finding()), reported(a_finding(), subject="voice 1"))
    groups = findings.groups(make["faceless"](evidence=evidence))
    assert [(group.title, group.of_file) for group in groups] == [
        ("D", True),
        ("D, voice 1", False),
    ]


def test_hostile_amounts_are_bounded_and_counted(make: dict) -> None:
    many = tuple(a_finding(title=str(i), innocent_causes=("c",) * 900) for i in range(100))
    verdict = make["faceless"](evidence=(reported(*many), reported(*many)))
    groups = findings.groups(verdict)
    assert sum(len(group.rows) for group in groups) == findings.MAX_FINDINGS
    assert findings.n_left_out(verdict) == 200 - findings.MAX_FINDINGS
    assert all(len(row.causes) <= 8 for group in groups for row in group.rows)


@pytest.mark.parametrize(
    ("share", "measured_on", "told"),
    [
        (0.0, "61 pristine camera files", "Shown by 0 of 61 pristine camera files."),
        (3 / 61, "61 pristine camera files", "Shown by 3 of 61 pristine camera files."),
        (0.02, "files of cameras", "Shown by 2\u00a0% of files of cameras."),
        (0.5, "", "Shown by 50\u00a0% of pristine files."),
        (None, "", findings.NOT_MEASURED),
        (float("nan"), "9 files", findings.NOT_MEASURED),
    ],
)
def test_the_measured_rate_is_told_as_counts(
    share: float | None, measured_on: str, told: str
) -> None:
    finding = a_finding(false_alarm_rate=share, measured_on=measured_on)
    assert findings.measured(finding) == told


def test_a_bare_fact_needs_no_rate() -> None:
    assert findings.measured(a_finding("info")) is None


def test_places_in_words() -> None:
    box = Region(box_px=(1.4, 2.0, 30.0, 40.6), source_px=(50.0, 60.0, 70.0, 80.0))
    assert findings.where(box, 3) == (
        "Box 3 in the picture: x 1–30, y 2–41 px; the same as at x 50–70, y 60–80 px (dashed)."
    )
    assert findings.where(Region(start_s=1.0, end_s=62.5)) == "From 0:01.0 to 1:02.5."
    assert findings.where(Region(start_s=1.0, end_s=1.0)) == "At 0:01.0."
    assert findings.where(None) is None


def test_boxes_are_numbered_by_severity(make: dict) -> None:
    region = Region(box_px=(0.0, 0.0, 5.0, 5.0))
    weak, strong = a_finding("info", region=region), a_finding("strong", region=region)
    verdict = make["faceless"](evidence=(reported(weak, a_finding()), reported(strong)))
    assert findings.numbered(verdict) == {id(strong): 1, id(weak): 2}


def test_lines_are_short_and_on_one_line(make: dict) -> None:
    long = a_finding("strong", title="t\n" * 400, meaning="m\x1b" * 4000,
                     innocent_causes=("c\n" * 900,))  # fmt: skip
    verdict = make["faceless"](evidence=(reported(long, replace(long, severity="info")),))
    grave, short = findings.lines(verdict)
    assert len(short) <= findings.MAX_INFO_LINE
    assert grave.startswith("Strong trace.")
    assert "Also caused by:" in grave
    assert not any(ord(c) < 0x20 for c in grave + short)


def test_what_the_provenance_box_tells_is_left_out(make: dict) -> None:
    verdict = make["faceless"](evidence=(reported(a_finding(meaning="M.")),))
    told = replace(verdict, provenance=t.Provenance("none", "M."))
    assert findings.groups(verdict)
    assert not findings.groups(told)
    assert findings.lines(told) == []


def test_only_what_gives_nobody_away_is_seen_at_once() -> None:
    values = {"model": "D70", "make": "NIKON", "Position": "48.1 N, 11.5 E", "serial": "123"}
    assert findings.glance(a_finding(values=values)) == "NIKON, D70"
    assert findings.glance(a_finding(values={"gps": "48.1 N"})) == ""
    assert len(findings.glance(a_finding(values={"tool": "x" * 900}))) <= findings.MAX_GLANCE


def test_a_bare_fact_is_told_by_its_first_sentence(make: dict) -> None:
    fact = a_finding("info", meaning="A camera is named. Anyone can write that.",
                     values={"make": "NIKON"})  # fmt: skip
    told = findings.lines(make["faceless"](evidence=(reported(fact),)))
    assert told == ["A title (NIKON): A camera is named."]
