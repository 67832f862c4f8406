from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.detectors import discover
from assay.errors import InstallationError
from assay.types import Evidence, Finding
from assay.verdict.finding_rates import Rate, known_rates, read_rates, with_rates

# What a file says of itself may be as strong as it is plain; a trace in the signal may not.
SAID_BY_THE_FILE = ("metadata", "provenance")


def evidence(*codes: str, detector: str = "copy_move") -> Evidence:
    findings = tuple(Finding(code, "title", "meaning", "notable") for code in codes)
    return Evidence(detector, "1", "geometry", "file", "reported", findings=findings)


def rate(n_with: int = 3, n_files: int = 150, n_strong: int = 0) -> Rate:
    return Rate("copy_move", "geometry", n_files, n_with, n_strong, "150 pictures")


def test_a_measured_finding_gets_its_rate_and_no_other_does() -> None:
    (one,) = with_rates([evidence("copy_move_found", "copy_move_new")], {"copy_move_found": rate()})
    measured, unknown = one.findings
    assert measured.false_alarm_rate == pytest.approx(0.02)
    assert measured.measured_on == "150 pictures"
    assert (unknown.false_alarm_rate, unknown.measured_on) == (None, "")
    assert (measured.code, measured.severity, measured.title) == (
        "copy_move_found",
        "notable",
        "title",
    )


def test_never_shown_is_a_rate_of_zero_and_too_few_files_are_none() -> None:
    (never,) = with_rates([evidence("copy_move_found")], {"copy_move_found": rate(0)})
    assert never.findings[0].false_alarm_rate == 0.0
    (few,) = with_rates([evidence("copy_move_found")], {"copy_move_found": rate(0, 19)})
    assert few.findings[0].false_alarm_rate is None


def test_another_detectors_code_and_evidence_without_findings_stay_as_they_are() -> None:
    other = evidence("copy_move_found", detector="somebody_else")
    silent = Evidence("copy_move", "1", "geometry", "file", "abstained", reason="too_small: it is")
    assert with_rates([other, silent], {"copy_move_found": rate()}) == [other, silent]


def test_the_packaged_table_can_be_read() -> None:
    for code, one in known_rates().items():
        assert code
        assert one.measured_on
        assert one.n_files > 0


def loud(rates: dict[str, Rate]) -> list[str]:
    """Traces in the signal that are called strong though pristine files show them so."""
    return [
        f"{code}: strong in {one.n_strong} of {one.n_files} pristine files"
        for code, one in rates.items()
        if one.family not in SAID_BY_THE_FILE and one.n_strong
    ]


def test_no_strong_finding_in_the_signal_is_shown_by_a_pristine_file() -> None:
    assert loud(dict(known_rates())) == []


def test_that_check_can_fail() -> None:
    assert loud({"copy_move_found": rate(3, n_strong=1)}) != []
    said = Rate("metadata", "metadata", 20, 2, 2, "20 files")
    assert loud({"copy_move_found": rate(3), "metadata_prompt": said}) == []


def test_every_measured_code_belongs_to_a_detector_that_is_there() -> None:
    families = {name: one.family for name, one in discover().items()}
    for code, one in known_rates().items():
        assert families.get(one.detector) == one.family, code


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "{}",
        '{"codes": {"a": {"n_files": 1}}}',
        json.dumps(
            {
                "codes": {
                    "a": {
                        "detector": "a",
                        "family": "noise",
                        "n_files": 3,
                        "n_with": 5,
                        "n_strong": 0,
                        "measured_on": "three",
                    }
                }
            }
        ),
    ],
)
def test_a_damaged_table_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "finding_rates.json"
    path.write_text(text)
    with pytest.raises(InstallationError, match=r"finding_rates\.json"):
        read_rates(path)
    assert read_rates(tmp_path / "none.json") == {}
