from __future__ import annotations

import pytest

from assay.types import Reason
from assay.verdict.coverage import Installed, clock, cover, reason_of
from tests.verdict.doubles import FaceDetector, MadeCase, make_evidence, make_media


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
