from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.media.resample import blurred
from assay.subjects.quality import QualityLimits
from assay.types import FaceView
from assay.verdict.gate import Domain, bits_per_pixel, domain_of, judge_quality
from tests.detectors.tiny_networks import landscape
from tests.verdict.doubles import (
    MadeCase,
    PictureCase,
    make_case,
    make_evidence,
    make_media,
    make_patch,
    make_picture_evidence,
    make_view,
    write_card,
)


def case_of(views: list[FaceView], **media: object) -> MadeCase:
    return MadeCase({1: tuple(views)}, media=make_media(**media))  # type: ignore[arg-type]


def test_a_good_face_lies_in_the_domain_and_is_measured() -> None:
    domain = judge_quality(make_case(), None)
    assert domain.ok is True
    assert domain.reasons == ()
    assert domain.quality["face_px"] == 120
    assert (domain.quality["frames_with_face"], domain.quality["frames_usable"]) == (8, 8)
    assert 0 < domain.quality["score"] <= 1


def test_without_a_face_there_is_nothing_to_say() -> None:
    assert judge_quality(MadeCase({}), None).ok is None
    sound = MadeCase({}, media=make_media("audio"))
    assert judge_quality(sound, None).ok is None


def test_faults_of_most_frames_count_the_commonest_first() -> None:
    dark = [replace(make_view(index=i), rgb=np.zeros((240, 240, 3), np.uint8)) for i in range(3)]
    small = [make_view(index=i, face_px=20.0) for i in range(2)]
    domain = judge_quality(case_of([*dark, *small, make_view()]), 1)
    codes = [reason.code for reason in domain.reasons]
    assert codes[:2] == ["face_too_dark", "face_too_small"]
    assert "too_short" in codes


def test_a_few_bad_frames_do_not_matter() -> None:
    views = [make_view(index=i) for i in range(5)] + [make_view(index=9, face_px=20.0)]
    assert judge_quality(case_of(views), 1).ok is True


def test_a_video_with_too_few_faces_is_too_short_and_a_picture_is_not() -> None:
    one = [make_view()]
    assert [r.code for r in judge_quality(case_of(one), 1).reasons] == ["too_short"]
    assert judge_quality(case_of(one, kind="image"), 1).ok is True


def test_a_starved_video_is_too_compressed() -> None:
    views = [make_view(index=i) for i in range(4)]
    starved = case_of(views, n_bytes=20_000)
    assert bits_per_pixel(starved.media) == pytest.approx(20_000 * 8 / (250 * 640 * 480))
    assert [r.code for r in judge_quality(starved, 1).reasons] == ["too_compressed"]
    relaxed = QualityLimits.from_card({"min_bits_per_pixel": 0.0001})
    assert judge_quality(starved, 1, relaxed).ok is True


def test_bits_are_unknown_where_a_fact_is_missing() -> None:
    for missing in ({"kind": "image"}, {"fps": None}, {"duration_s": 0.0}, {"size_px": None}):
        assert bits_per_pixel(make_media(**missing)) is None  # type: ignore[arg-type]


def test_a_truncated_file_and_an_empty_box_are_named() -> None:
    broken = make_view(box_px=np.array([5, 5, 5, 5], np.float32))
    domain = judge_quality(case_of([broken] * 4, notes=("truncated",)), 1)
    assert {r.code for r in domain.reasons} == {"landmarks_uncertain", "too_short", "truncated"}


def picture_and_face(face_px: float, *, blurred_picture: bool = False) -> PictureCase:
    """A picture of 300 px a side with a face view of that size in it."""
    rgb = landscape(300, 300)
    if blurred_picture:
        rgb = blurred(landscape(38, 38).repeat(8, axis=0).repeat(8, axis=1)[:300, :300], 6.0)
    return PictureCase(rgb, views={1: (make_view(face_px=face_px),)})


def codes(domain: Domain) -> list[str]:
    return [reason.code for reason in domain.reasons]


def test_a_bad_face_does_not_speak_against_the_picture_nor_the_reverse(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    whole = make_picture_evidence(patches=(make_patch(0.0, (20, 20, 244, 244)),))
    face = make_evidence(0.0, 1)
    small = picture_and_face(20.0)
    assert codes(domain_of(small, face, card)) == ["face_too_small"]
    assert domain_of(small, whole, card).ok is True
    soft = picture_and_face(120.0, blurred_picture=True)
    assert codes(domain_of(soft, whole, card)) == ["picture_too_blurred"]
    assert domain_of(soft, face, card).ok is True


def test_the_quality_told_with_a_picture_includes_the_main_faces(tmp_path: Path) -> None:
    whole = make_picture_evidence(patches=(make_patch(0.0, (20, 20, 244, 244)),))
    found = domain_of(picture_and_face(120.0), whole, write_card(tmp_path)).quality
    assert found["face_px"] == 120
    assert found["picture_px"] == 300


def test_unfamiliar_features_lie_outside_whatever_the_quality(tmp_path: Path) -> None:
    far = {"domain_distance": 2.5, "domain_limit": 2.0}
    near = {**far, "domain_distance": 1.0}
    card, case = write_card(tmp_path), picture_and_face(120.0)
    assert codes(domain_of(case, make_evidence(0.0, 1, details=far), card)) == ["unfamiliar"]
    assert domain_of(case, make_evidence(0.0, 1, details=near), card).ok is True
    sound = make_evidence(0.0, None, subject="0:12–0:16")
    assert domain_of(case, sound, card).ok is None


def test_each_detectors_own_limits_count(tmp_path: Path) -> None:
    whole = make_picture_evidence(patches=(make_patch(0.0, (20, 20, 244, 244)),))
    strict = write_card(tmp_path, in_domain={"min_picture_px": 400})
    assert codes(domain_of(picture_and_face(120.0), whole, strict)) == ["picture_too_small"]
