from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.subjects.quality import QualityLimits
from assay.types import FaceView
from assay.verdict.gate import bits_per_pixel, judge_quality
from tests.verdict.doubles import MadeCase, make_case, make_media, make_view


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
