from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.detectors.identity_over_time import APART, IdentityOverTime
from assay.inputs import identity_handover
from assay.media.probe import probe
from assay.subjects.clips import FaceClip
from assay.types import Evidence
from tests.inputs.portrait_clips import clip_of, dropping_out, window_of
from tests.real_faces import ROOT
from tests.subjects.moving import make_motion, write_video
from tests.verdict.doubles import MadeCase


def case_of(*clips: FaceClip) -> MadeCase:
    """The clips, and of each person three views from the first of theirs."""
    views = {}
    for clip in reversed(clips):
        views[clip.track_id] = tuple(clip.view(i) for i in (0, len(clip) // 2, len(clip) - 1))
    case = MadeCase(dict(sorted(views.items())))
    case.__dict__["motion"] = make_motion(*clips)
    return case


def examined(*clips: FaceClip) -> list[Evidence]:
    return IdentityOverTime().examine(case_of(*clips))


def codes(evidence: Evidence) -> list[str]:
    return [one.code for one in evidence.findings]


@pytest.mark.parametrize(("first", "last"), [(40, 70), (60, 61), (0, 20), (100, 120), (20, 118)])
def test_a_stretch_with_another_face_is_told_with_its_times(first: int, last: int) -> None:
    (found,) = examined(dropping_out(120, first, last))
    assert found.status == "reported"
    assert found.logit is None
    # The shorter part is told: of frames 20 to 117 those at both ends.
    parts = [(first, last)] if last - first <= 60 else [(0, first), (last, 120)]
    assert codes(found) == ["identity_break"] * len(parts)
    for told, (begin, end) in zip(found.findings, parts, strict=True):
        start_s, end_s = told.values["start_s"], told.values["end_s"]
        assert start_s == pytest.approx(begin / 25, abs=0.17)
        assert end_s == pytest.approx((end - 1) / 25, abs=0.17)
    assert told.severity == ("notable" if last - first == 1 else "strong")
    assert told.values["similarity_to_the_rest"] < 0.35
    assert f"{start_s:.2f}" in told.title
    assert found.details["largest_break"] > 2 * APART * 0.8


def test_a_swap_that_drops_out_twice_is_told_twice() -> None:
    names = ["grace_hopper"] * 150
    names[30:40] = names[100:112] = ["astronaut"] * 10
    (found,) = examined(clip_of(names[:150]))
    assert codes(found) == ["identity_break"] * 2
    starts = [told.values["start_s"] for told in found.findings]
    assert starts == pytest.approx([1.2, 4.0], abs=0.17)


def test_one_face_gives_a_curve_and_no_finding() -> None:
    (found,) = examined(clip_of(["grace_hopper"] * 100))
    assert found.status == "reported"
    assert found.findings == ()
    assert found.details["largest_break"] < APART / 2
    plot = found.details["plot"]
    assert len(plot["times_s"]) == len(plot["similarity_to_median"]) >= 20
    assert min(plot["similarity_to_median"]) > 0.8
    assert plot["times_s"] == sorted(plot["times_s"])


def test_people_are_judged_by_themselves() -> None:
    steady = clip_of(["astronaut"] * 80)
    broken = replace(dropping_out(80, 20, 40), track_id=2)
    first, second = examined(steady, broken)
    assert (first.track_id, second.track_id) == (1, 2)
    assert (first.subject, second.subject) == ("face 1", "face 2")
    assert codes(first) == []
    assert codes(second) == ["identity_break"]


def test_after_a_cut_another_face_is_told_between_shots_and_is_no_break() -> None:
    (found,) = examined(clip_of(["grace_hopper"] * 50), clip_of(["astronaut"] * 50, start_s=3.0))
    assert set(codes(found)) == {"identity_differs_between_shots"}
    assert {told.severity for told in found.findings} == {"info"}
    shots = found.details["shots"]
    assert [shot["start_s"] for shot in shots] == pytest.approx([0.0, 3.0], abs=0.1)
    assert max(shot["similarity_to_the_rest"] for shot in shots) < 0.35


@pytest.mark.parametrize("change", ["dark", "light", "small", "noise"])
def test_what_the_picture_goes_through_is_no_other_face(change: str) -> None:
    clip = clip_of(["grace_hopper"] * 100)
    rgb = clip.rgb.astype(np.float32)
    part = rgb[30:60]
    if change == "dark":
        part *= 0.4
    elif change == "light":
        part *= np.array([1.5, 1.2, 0.9], np.float32)
    elif change == "small":
        coarse = part.reshape(30, 100, 2, 100, 2, 3).mean(axis=(2, 4))
        part[:] = coarse.repeat(2, axis=1).repeat(2, axis=2)
    else:
        part += np.random.default_rng(0).normal(0, 25, part.shape)
    changed = replace(clip, rgb=np.clip(rgb, 0, 255).astype(np.uint8))
    (found,) = examined(changed)
    assert codes(found) == []


def test_too_few_frames_are_an_abstention_with_a_reason() -> None:
    (found,) = examined(clip_of(["grace_hopper"] * 5))
    assert found.status == "abstained"
    assert (found.reason or "").startswith("too_few_frames: ")


def test_a_person_who_could_not_be_followed_is_an_abstention() -> None:
    case = case_of(clip_of(["grace_hopper"] * 20), replace(clip_of(["astronaut"] * 20), track_id=2))
    case.__dict__["motion"] = make_motion(clip_of(["grace_hopper"] * 20))
    first, second = IdentityOverTime().examine(case)
    assert first.status == "reported"
    assert (second.status, second.track_id) == ("abstained", 2)
    assert (second.reason or "").startswith("face_lost: ")


def test_a_handover_is_told_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    one = identity_handover.Handover(1, 2, 0.4, 0.64)
    monkeypatch.setattr("assay.detectors.identity_over_time.handovers", lambda case: [one])
    case = case_of(clip_of(["grace_hopper"] * 20), replace(clip_of(["astronaut"] * 20), track_id=2))
    case.__dict__["motion"] = make_motion(clip_of(["grace_hopper"] * 20))
    for found in IdentityOverTime().examine(case):
        assert found.status == "reported"
        assert codes(found) == ["identity_handover"]
        assert found.findings[0].values["end_s"] == 0.64


def test_a_film_in_which_the_face_changes_for_a_second(tmp_path: Path) -> None:
    """The whole way from a file: found, followed, told; and the untouched film is not."""
    other, _ = window_of("astronaut")
    own, _ = window_of("grace_hopper")
    room = np.full((240, 320, 3), 120, np.uint8)

    def frame(i: int, face: np.ndarray) -> np.ndarray:
        rgb = room.copy()
        x = 60 + round(6 * math.sin(i / 9))
        rgb[20:220, x : x + 200] = face
        return rgb

    # As where a swap drops out: the face alone is another's, not what is around it.
    swapped = own.copy()
    swapped[55:160, 50:150] = other[55:160, 50:150]
    frames = [frame(i, swapped if 45 <= i < 70 else own) for i in range(110)]
    film = write_video(tmp_path / "swap.mp4", frames, rate=4_000_000)
    told = [one for e in IdentityOverTime().examine(Case(probe(str(film)))) for one in e.findings]
    assert {"identity_break", "identity_handover"} & {one.code for one in told}
    starts = [one.values["start_s"] for one in told]
    assert any(1.5 <= start <= 2.9 for start in starts)


def test_the_examples_in_motion_have_no_break() -> None:
    for name in ("portrait_in_motion.mp4", "portrait_in_motion_swapped.mp4"):
        (found,) = IdentityOverTime().examine(Case(probe(str(ROOT / "examples" / name))))
        assert found.status == "reported"
        assert found.findings == ()
