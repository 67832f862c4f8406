from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.media.resample import blurred, resaved
from assay.types import Evidence, Reason
from assay.verdict.picture_gate import PictureLimits, picture_faults
from tests.detectors.tiny_networks import landscape
from tests.verdict.doubles import PictureCase, make_media, make_patch, make_picture_evidence

SMALL = PictureLimits(min_picture_px=100.0)


def scored(*boxes: tuple[float, ...]) -> Evidence:
    places = boxes or ((10, 20, 138, 148), (150, 60, 278, 188))
    return make_picture_evidence(patches=tuple(make_patch(0.0, box) for box in places))


def faults(rgb: np.ndarray, limits: PictureLimits = SMALL, **media: Any) -> list[str]:
    reasons, _ = _measured(rgb, limits, **media)
    return [reason.code for reason in reasons]


def _measured(
    rgb: np.ndarray, limits: PictureLimits = SMALL, bits: float | None = None, **media: Any
) -> tuple[list[Reason], dict[str, Any]]:
    size = rgb.shape[1], rgb.shape[0]
    case = PictureCase(rgb, media=make_media("image", size_px=size, **media))
    return picture_faults(case, scored(), limits, bits)


def test_a_good_picture_has_no_fault_and_is_measured() -> None:
    reasons, found = _measured(landscape())
    assert reasons == []
    assert (found["windows"], found["picture_px"]) == (2, 200)
    assert found["picture_sharpness"] > 0.3
    assert found["picture_blockiness"] < 0.3


def test_a_picture_smaller_than_a_window_is_named() -> None:
    assert faults(landscape(), PictureLimits()) == ["picture_too_small"]


def test_blur_and_blocks_are_named() -> None:
    coarse = landscape(25, 38).repeat(8, axis=0).repeat(8, axis=1)
    assert faults(coarse) == []
    assert faults(blurred(coarse, 6.0)) == ["picture_too_blurred"]
    soft = blurred(coarse, 2.0)
    assert "too_compressed" in faults(resaved(soft, 8))
    assert "too_compressed" not in faults(soft)


def test_a_starved_video_and_a_truncated_file_are_named() -> None:
    reasons, _ = _measured(landscape(), bits=0.001)
    assert [reason.code for reason in reasons] == ["too_compressed"]
    assert faults(landscape(), notes=("truncated",)) == ["truncated"]


def test_the_limits_are_the_cards() -> None:
    stated = {"min_picture_px": 10, "max_picture_blockiness": 0.0, "features": {}, "min_face_px": 3}
    limits = PictureLimits.from_card(stated)
    assert limits.min_picture_px == 10
    assert limits.min_picture_sharpness == PictureLimits().min_picture_sharpness
    assert "too_compressed" in faults(landscape(), limits)


@pytest.mark.parametrize("boxes", [((0, 0, 1, 1),), ((500, 500, 532, 532),)])
def test_windows_without_pixels_are_no_failure(boxes: tuple[tuple[float, ...], ...]) -> None:
    reasons, found = picture_faults(PictureCase(landscape()), scored(*boxes), SMALL, None)
    assert reasons == []
    assert "picture_sharpness" not in found
