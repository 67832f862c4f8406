from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.types import (
    Coverage,
    Evidence,
    FaceTrack,
    FaceView,
    Frame,
    Media,
    Reason,
    SpeechSegment,
    Verdict,
    Waveform,
)

NOTHING = Coverage(0, None, None, 0, (), ("Everything.",))
PICTURE = np.zeros((4, 4, 3), np.uint8)


def evidence(**changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "detector": "d", "version": "1", "family": "f", "subject": "file", "status": "scored",
        "logit": 1.0,
    }  # fmt: skip
    return Evidence(**{**fields, **changes})


def verdict(**changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "name": "a", "path": "a", "status": "completed", "label": "some_evidence",
        "coverage": NOTHING, "p_fake": 0.7,
    }  # fmt: skip
    return Verdict(**{**fields, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"logit": None},
        {"logit": float("nan")},
        {"logit": float("inf")},
        {"p_fake": 1.1},
        {"p_fake": -0.1},
        {"status": "abstained"},
        {"status": "abstained", "logit": None},
        {"status": "failed", "logit": None, "reason": ""},
        {"status": "reported", "logit": None, "p_fake": 0.5},
    ],
)
def test_evidence_says_no(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"score|logit|reason|p_fake"):
        evidence(**wrong)


def test_evidence_says_yes() -> None:
    assert evidence().logit == 1.0
    assert evidence(status="abstained", logit=None, reason="no_face: None.").reason
    assert evidence(status="reported", logit=None).p_fake is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"p_fake": None},
        {"status": "declined"},
        {"label": "not_analysable"},
        {"status": "declined", "label": "not_analysable", "p_fake": None},
        {"p_fake": 2.0},
    ],
)
def test_a_verdict_says_no(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"p_fake|label|reason"):
        verdict(**wrong)


def test_a_declined_verdict_has_a_reason_and_no_score() -> None:
    reasons = (Reason("no_face", "No face was found."),)
    declined = verdict(status="declined", label="not_analysable", p_fake=None, reasons=reasons)
    assert declined.p_fake is None


@pytest.mark.parametrize(
    "rgb", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
            np.zeros((0, 4, 3), np.uint8)],
)  # fmt: skip
def test_a_frame_is_rgb_of_eight_bits(rgb: Any) -> None:
    with pytest.raises(ValueError, match="frame"):
        Frame(0, 0.0, rgb)


def test_sound_has_a_rate_and_one_channel() -> None:
    assert Waveform(np.zeros(8000, np.float32), 16000).duration_s == 0.5
    with pytest.raises(ValueError, match="mono"):
        Waveform(np.zeros((2, 8), np.float32), 16000)
    with pytest.raises(ValueError, match="rate"):
        Waveform(np.zeros(8, np.float32), 0)
    with pytest.raises(ValueError, match="NaN"):
        SpeechSegment(0, 1, np.array([np.nan], np.float32), 16000)
    with pytest.raises(ValueError, match="ends after"):
        SpeechSegment(1, 1, np.zeros(4, np.float32), 16000)


def test_tracks_and_views_have_matching_lengths() -> None:
    box, points = np.zeros(4, np.float32), np.zeros((468, 2), np.float32)
    FaceView(1, 0, 0.0, PICTURE, box, points, box, 1.0, 1.0)
    with pytest.raises(ValueError, match="landmarks"):
        FaceView(1, 0, 0.0, PICTURE, box, points[:5], box, 1.0, 1.0)
    with pytest.raises(ValueError, match="one box"):
        FaceTrack(1, np.zeros(2), np.zeros((1, 4)), np.zeros((2, 468, 2)), np.zeros(2))


def test_media_has_bytes_and_a_whole_hash() -> None:
    with pytest.raises(ValueError, match="sha256"):
        Media("a", "a", "abc", 1, "image", "image/png", "png", "png")
    with pytest.raises(ValueError, match="byte"):
        Media("a", "a", "0" * 64, 0, "image", "image/png", "png", "png")
