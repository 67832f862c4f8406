from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from assay import detect
from assay.case import Case
from assay.detectors import reference_person
from assay.detectors.reference_person import ReferencePerson
from assay.errors import UsageError
from assay.inputs.reference_match import Movement
from assay.media.probe import probe
from assay.options import Options
from assay.report import to_line
from assay.types import Evidence, Finding, Reason
from tests.inputs.test_reference_match import known
from tests.real_faces import ROOT

EXAMPLES = ROOT / "examples"


def examined(name: str, reference: str | None) -> Evidence:
    options = Options(reference=str(EXAMPLES / reference) if reference else None)
    (found,) = ReferencePerson().examine(Case(probe(str(EXAMPLES / name)), options))
    return found


def first(evidence: Evidence) -> Finding:
    assert evidence.status == "reported"
    assert evidence.logit is None
    return evidence.findings[0]


def test_without_a_reference_it_abstains() -> None:
    found = examined("astronaut.jpg", None)
    assert found.status == "abstained"
    assert (found.reason or "").startswith("no_reference: ")


def test_a_picture_of_the_same_person_looks_like_the_reference() -> None:
    told = first(examined("astronaut.jpg", "portrait_in_motion.mp4"))
    assert told.code == "reference_alike"
    assert told.values["similarity"] > 0.7
    assert told.values["strangers_at_least_as_alike"] < 0.001
    assert told.severity == "info"


def test_in_a_video_frames_are_counted() -> None:
    found = examined("portrait_in_motion.mp4", "astronaut.jpg")
    told = first(found)
    n = told.values["n_frames_compared"]
    assert told.title == f"Face 1 looks like the reference in {n} of {n} frames"
    assert n >= 16
    assert len(found.details["plot"]["similarity_to_reference"]) == n
    not_compared = found.findings[1]
    assert not_compared.code == "reference_movement_not_compared"
    assert "60 s" in not_compared.meaning


def test_another_person_is_another_person_and_never_forged() -> None:
    for name in ("portrait_in_motion_swapped.mp4", "astronaut.jpg"):
        reference = "astronaut.jpg" if "swapped" in name else "grace_hopper.jpg"
        found = examined(name, reference)
        told = first(found)
        assert told.code == "reference_other_person"
        assert told.severity == "info"
        assert "says nothing of whether the file is genuine" in told.meaning
        assert len(found.findings) == 1, "how a stranger moves is not compared"
        words = f"{told.title} {told.meaning}".lower()
        assert not any(word in words for word in ("fake", "forged", "manipulat", "forgery"))


def test_the_files_of_the_reference_are_told_with_their_hashes(tmp_path: Path) -> None:
    place = tmp_path / "known"
    place.mkdir()
    shutil.copy(EXAMPLES / "astronaut.jpg", place)
    (place / "readme.txt").write_text("none")
    found = examined("portrait_in_motion.mp4", str(place))
    held = found.details["reference"]
    assert (held["n_files"], held["n_files_left_out"]) == (2, 1)
    assert held["files"][0]["sha256"] == probe(str(place / "astronaut.jpg")).sha256
    assert held["files"][1]["reason"] == "media_unsupported"
    assert "prints" not in json.dumps(found.details), "nothing that identifies a face goes out"


def test_a_verdict_does_not_change_with_a_reference() -> None:
    name, chosen = str(EXAMPLES / "grace_hopper.jpg"), ("face_geometry", "reference_person")
    with_it, without = (
        detect(name, detectors=chosen, stability=False, reference=reference)
        for reference in (str(EXAMPLES / "grace_hopper.jpg"), None)
    )
    assert with_it.p_fake == without.p_fake
    assert with_it.label == without.label
    told = json.loads(to_line(with_it))
    assert "reference_alike" in [one["finding"] for one in told["forensics"]]
    assert f"--reference {EXAMPLES / 'grace_hopper.jpg'}" in with_it.rerun
    assert all(one.detector != "reference_person" for one in without.evidence)
    assert any("--reference" in limit for limit in without.coverage.not_tested + without.limits)


@pytest.mark.parametrize("reference", ["nobody", "spoken.wav"])
def test_a_reference_that_cannot_be_used_is_a_wrong_call(reference: str) -> None:
    with pytest.raises(UsageError, match="reference"):
        detect(str(EXAMPLES / "astronaut.jpg"), reference=str(EXAMPLES / reference))


MOVES = {
    "reference_moves_alike": Movement(3, 1.0, np.array([0.8, 1.2, 1.5, 0.9, 1.1, 1.3], np.float32)),
    "reference_moves_unlike": Movement(
        3, 4.0, np.array([0.8, 1.2, 1.5, 0.9, 1.1, 1.3], np.float32)
    ),
    "reference_movement_not_compared": Reason("too_short", "The face is not seen for long."),
}


@pytest.mark.parametrize("code", list(MOVES))
def test_how_the_person_moves_is_told_as_a_lead(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_person, "movement_to", lambda *_: MOVES[code])
    found = examined("portrait_in_motion.mp4", "astronaut.jpg")
    assert [one.code for one in found.findings] == ["reference_alike", code]
    told = found.findings[1]
    assert told.severity == ("notable" if code == "reference_moves_unlike" else "info")
    if code == "reference_moves_unlike":
        assert "a lead only" in told.meaning
        assert told.values["n_reference_stretches_as_far"] == 0


def test_a_head_turned_as_in_no_known_picture_is_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turned = known()
    far = type(turned)(
        **{
            **{name: getattr(turned, name) for name in turned.__slots__},
            "yaw_deg": turned.yaw_deg + 60,
        }
    )
    monkeypatch.setattr(reference_person, "read_reference", lambda *_: far)
    found = examined("astronaut.jpg", "grace_hopper.jpg")
    assert found.status == "abstained"
    assert (found.reason or "").startswith("face_turned: ")
