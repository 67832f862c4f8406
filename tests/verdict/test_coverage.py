from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.types import Coverage, Evidence, Reason
from assay.verdict.coverage import Installed, clock, cover, reason_of
from tests.detectors.tiny_networks import landscape
from tests.verdict.doubles import (
    FaceDetector,
    MadeCase,
    PictureCase,
    make_case,
    make_evidence,
    make_media,
    make_patch,
    make_picture_evidence,
)
from tests.verdict.test_picture_variants import WholePicture


@pytest.mark.parametrize(
    ("time_s", "text"), [(0, "0:00"), (9.6, "0:10"), (61, "1:01"), (3661, "1:01:01"), (-2, "0:00")]
)
def test_seconds_read_as_a_clock(time_s: float, text: str) -> None:
    assert clock(time_s) == text


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("no_face: No face was found.", Reason("no_face", "No face was found.")),
        ("time_limit", Reason("time_limit", "time limit")),
        ("Something went wrong: badly", Reason("abstained", "Something went wrong: badly")),
    ],
)
def test_reasons_are_taken_apart(reason: str, wanted: Reason) -> None:
    assert reason_of(make_evidence(None, status="abstained", reason=reason)) == wanted


def test_what_was_and_was_not_tested_is_never_empty() -> None:
    installed = Installed(
        {"test_detector": FaceDetector}, {"other": "it was not asked for."}, False
    )
    covered = cover(MadeCase({}), [], installed)
    assert covered.n_faces_examined == 0
    assert any("other" in sentence for sentence in covered.not_tested)


def test_a_video_names_the_frames_between() -> None:
    media = make_media("video")
    case = MadeCase({}, media=media)
    covered = cover(case, [], Installed({}, {}, False))
    assert any("frames between" in sentence for sentence in covered.not_tested)


def said_of(*evidence: Evidence, **changes: Any) -> Coverage:
    case = PictureCase(landscape(200, 400))
    detectors: dict[str, Any] = {"other": WholePicture, "test_detector": FaceDetector}
    return cover(case, evidence, Installed(detectors, {}, True), **changes)


def test_a_picture_without_a_face_is_told_as_tested_and_the_gaps_between_the_windows() -> None:
    patches = (make_patch(0.0, (0, 0, 100, 100)), make_patch(0.0, (300, 0, 400, 200)))
    covered = said_of(make_picture_evidence(patches=patches))
    assert covered.tested[0] == (
        "The whole picture, in 2 windows of its own resolution by other: Green."
    )
    said = "\n".join(covered.not_tested)
    assert "62 % of the picture, between the windows that other read." in said
    assert "Parts outside faces that were added, removed or re-drawn" in said
    assert "generated scenes" not in said
    assert covered.n_faces_examined == 0


def test_what_looks_for_edited_parts_is_named() -> None:
    looked = [
        replace(
            make_evidence(None, None, status="reported", reason=None),
            detector=name,
            subject="file",
            family=family,
        )
        for name, family in (("jpeg", "compression"), ("tags", "metadata"), ("noise", "noise"))
    ]
    whole = make_picture_evidence(patches=(make_patch(0.0, (0, 0, 400, 200)),))
    said = "\n".join(said_of(whole, *looked).not_tested)
    assert "re-drawn, by a score: jpeg and noise look for traces of it" in said


def test_a_picture_read_whole_has_no_gap() -> None:
    covered = said_of(make_picture_evidence(patches=(make_patch(0.0, (0, 0, 400, 200)),)))
    assert not any("between the windows" in line for line in covered.not_tested)


def test_a_domain_that_was_not_checked_is_said() -> None:
    known = {"domain_distance": 1.0, "domain_limit": 2.0}
    covered = said_of(make_picture_evidence(details=known), make_evidence(0.0))
    unchecked = [line for line in covered.not_tested if "holds no measure" in line]
    assert len(unchecked) == 1
    assert "what test_detector was calibrated on" in unchecked[0]


def test_an_abstention_on_the_picture_reads_well() -> None:
    silent = make_picture_evidence(
        None, status="abstained", reason="too_flat: It is flat.", patches=(), spans=()
    )
    assert "other abstained on the picture: It is flat." in said_of(silent).not_tested


@pytest.mark.parametrize(
    ("needs", "said"),
    [("file", "File"), ("faces", "Faces"), ("motion", "Faces in motion"), ("picture", "Pictures")],
)
def test_what_was_reported_on_is_named(needs: str, said: str) -> None:
    class Reporter(FaceDetector):
        name = "reporter"

    Reporter.needs = needs
    one = make_evidence(None, 1, detector="reporter", status="reported", reason=None)
    found = cover(make_case(), (one,), Installed({"reporter": Reporter}, {}, True))
    assert any(sentence.startswith(f"{said} by reporter: ") for sentence in found.tested)
