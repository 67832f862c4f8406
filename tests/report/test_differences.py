"""What differs between two results of one file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from assay.examine import detect
from assay.report.as_json import as_dict, schema
from assay.report.differences import LABELS, differences


def result(**changes: Any) -> dict[str, Any]:
    detector = {
        "name": "face_blending", "version": "3", "family": "blending", "bundle_sha256": "a" * 64,
        "licence": None, "subject": "face 1", "status": "scored", "p_fake": 0.4, "threshold": 0.9,
        "reason": None, "ms": 10.0,
    }  # fmt: skip
    told = {
        "schema_version": "2.0",
        "input": {"sha256": "f" * 64},
        "status": "completed",
        "reasons": [{"code": "below_threshold", "text": "…"}],
        "verdict": "no_evidence_found",
        "kind": [],
        "p_fake": 0.4,
        "operating_point": {"name": "far_1"},
        "detectors": [detector, {**detector, "subject": "face 2", "p_fake": 0.1}],
        "forensics": [{"detector": "jpeg", "finding": "saved_twice"}],
        "runtime": {"assay_version": "0.1.0", "elapsed_ms": 1.0},
    }
    return copy.deepcopy(told | changes)


def test_the_same_differs_in_nothing() -> None:
    later = result(runtime={"assay_version": "0.1.0", "elapsed_ms": 9.0})
    told = differences(result(), later)
    assert told.pop("changed") is False
    assert told.pop("same_file") is True
    assert told.pop("detectors") == []
    assert set(told.values()) == {None}


def test_a_verdict_that_changed_says_in_which_direction() -> None:
    later = result(verdict="some_evidence", p_fake=0.95, kind=["face_altered"])
    told = differences(result(), later)
    assert told["changed"] is True
    assert told["verdict"] == {"earlier": "no_evidence_found", "later": "some_evidence"}
    assert told["direction"] == "stronger"
    assert told["p_fake"] == {"earlier": 0.4, "later": 0.95, "by": pytest.approx(0.55)}
    assert differences(later, result())["direction"] == "weaker"
    assert differences(result(), result(verdict="not_analysable"))["direction"] is None


def test_the_labels_are_those_of_the_schema() -> None:
    assert set(LABELS) == set(schema()["properties"]["verdict"]["enum"])


def test_detectors_are_compared_subject_by_subject() -> None:
    later = result()
    later["detectors"][0] |= {"p_fake": 0.93, "bundle_sha256": "b" * 64}
    later["detectors"][1]["subject"] = "face 3"
    told = differences(result(), later)
    found = {one["subject"]: one for one in told["detectors"]}
    assert set(found) == {"face 1", "face 2", "face 3"}
    assert found["face 1"]["p_fake"]["by"] == pytest.approx(0.53)
    assert found["face 1"]["bundle_sha256"] == {"earlier": "a" * 64, "later": "b" * 64}
    assert (found["face 2"]["only_in"], found["face 3"]["only_in"]) == ("earlier", "later")
    assert found["face 3"]["p_fake"] == {"earlier": None, "later": 0.1, "by": None}
    assert told["changed"] is True


def test_two_of_the_same_subject_are_told_apart() -> None:
    earlier, later = result(), result()
    for one in (earlier, later):
        one["detectors"][1]["subject"] = "face 1"
    later["detectors"][1]["p_fake"] = 0.5
    [found] = differences(earlier, later)["detectors"]
    assert found["p_fake"]["earlier"] == 0.1


def test_a_new_network_alone_is_told_and_changes_no_verdict() -> None:
    later = result()
    later["detectors"][0]["bundle_sha256"] = "b" * 64
    told = differences(result(), later)
    assert told["changed"] is False
    assert len(told["detectors"]) == 1


def test_scores_that_are_close_do_not_differ() -> None:
    assert differences(result(), result(p_fake=0.4049))["changed"] is False
    assert differences(result(), result(p_fake=0.4051))["changed"] is True


def test_a_score_that_is_gone_is_told_as_none() -> None:
    told = differences(result(), result(status="declined", p_fake=None))
    assert told["p_fake"] == {"earlier": 0.4, "later": None, "by": None}
    assert told["status"] == {"earlier": "completed", "later": "declined"}
    assert differences(result(p_fake=float("nan")), result(p_fake=None))["p_fake"] is None


def test_findings_and_reasons_that_come_and_go_are_named() -> None:
    later = result(forensics=[{"detector": "exif", "finding": "edited"}], reasons=[])
    told = differences(result(), later)
    assert told["forensics"] == {"gone": ["jpeg: saved_twice"], "new": ["exif: edited"]}
    assert told["reasons"] == {"gone": ["below_threshold"], "new": []}


def test_an_older_or_broken_result_is_compared_as_far_as_it_goes() -> None:
    told = differences({"schema_version": "1.0"}, result())
    assert told["same_file"] is False
    assert told["schema_version"] == {"earlier": "1.0", "later": "2.0"}
    assert json.dumps(told, allow_nan=False)


def test_real_results_are_compared(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    made = as_dict(detect(tmp_path / "a.jpg"))
    assert differences(made, made)["changed"] is False
