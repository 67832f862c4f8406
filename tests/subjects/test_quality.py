from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from assay.errors import EmptyBoxError
from assay.media.resample import gaussian_kernel, resaved, smoothed
from assay.subjects.quality import QualityLimits, measure, unusable, why_unusable
from assay.types import FaceView
from tests.verdict.doubles import make_view


def textured(**changes: object) -> FaceView:
    """A view whose detail falls with its fineness as 1/f, as a photograph's does."""
    view = make_view(**changes)  # type: ignore[arg-type]
    height, width = view.rgb.shape[:2]
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    fall = 1.0 / np.maximum(np.hypot(rows, columns), 1.0 / max(height, width))
    phases = np.random.default_rng(3).uniform(0, 2 * np.pi, fall.shape)
    pink = np.fft.irfft2(fall * np.exp(1j * phases), (height, width))
    grey = np.clip(128 + 40 * pink / pink.std(), 0, 255).astype(np.uint8)
    return replace(view, rgb=np.repeat(grey[..., None], 3, axis=2))


def blurred(view: FaceView, sigma: float) -> FaceView:
    kernel = gaussian_kernel(sigma)
    grey = view.rgb[..., 0].astype(np.float32)
    smooth = smoothed(smoothed(grey, kernel, axis=0), kernel, axis=1)
    return replace(view, rgb=np.repeat(np.rint(smooth).astype(np.uint8)[..., None], 3, axis=2))


def code(view: FaceView, **limits: float) -> str | None:
    reason = unusable(measure(view), QualityLimits.from_card(limits))
    return reason.code if reason else None


def test_a_good_face_is_usable_and_scores_well() -> None:
    view = textured()
    assert code(view) is None
    assert measure(view).score > 0.5


def test_size_is_counted_in_frame_pixels_not_view_pixels() -> None:
    view = textured(frame_box_px=np.array([10, 10, 50, 60], np.float32))
    assert measure(view).size_px == 40
    assert code(view) == "face_too_small"
    assert code(view, min_face_px=32) is None


def test_sharpness_falls_with_blur_and_ignores_contrast() -> None:
    view = textured()
    falling = [measure(blurred(view, sigma)).sharpness for sigma in (0.5, 1, 2, 4, 8)]
    assert falling == sorted(falling, reverse=True)
    faint = replace(view, rgb=(view.rgb // 4 + 90).astype(np.uint8))
    assert measure(faint).sharpness == pytest.approx(measure(view).sharpness, abs=0.05)
    assert code(blurred(view, 8)) == "face_too_blurred"


def test_sharpness_does_not_punish_a_large_face() -> None:
    small, large = textured(face_px=128.0), textured(face_px=400.0)
    assert measure(large).sharpness > 0.2
    assert measure(small).sharpness > 0.2


@pytest.mark.parametrize(
    ("value", "expected"), [(4, "face_too_dark"), (252, "face_too_bright"), (128, "face_too_flat")]
)
def test_light_is_named(value: int, expected: str) -> None:
    view = make_view()
    assert code(replace(view, rgb=np.full_like(view.rgb, value))) == expected


def test_blockiness_shows_strong_jpeg_at_any_phase_of_the_grid() -> None:
    view = textured(face_px=160.0)
    blocky = resaved(view.rgb, 5)
    clean = measure(view).blockiness
    for phase in (0, 3):
        shifted = replace(view, rgb=np.ascontiguousarray(np.roll(blocky, phase, (0, 1))))
        assert measure(shifted).blockiness > 1.0 > clean
    assert measure(replace(view, rgb=blocky, scale=0.5)).blockiness == 0.0


def test_landmarks_off_the_face_or_of_a_low_score_are_uncertain() -> None:
    view = textured()
    assert code(replace(view, landmarks_px=view.landmarks_px + 500)) == "landmarks_uncertain"
    assert code(replace(view, score=0.2)) == "landmarks_uncertain"
    assert code(replace(view, score=math.nan)) == "landmarks_uncertain"
    broken = np.full((468, 2), np.nan, np.float32)
    assert code(replace(view, landmarks_px=broken)) == "landmarks_uncertain"


@pytest.mark.parametrize(
    "box", [(5, 5, 5, 9), (900, 900, 950, 950), (np.nan, 0, 9, 9), (9, 9, 2, 2)]
)
def test_a_box_without_area_is_refused(box: tuple[float, ...]) -> None:
    view = textured(box_px=np.array(box, np.float32))
    with pytest.raises(EmptyBoxError):
        measure(view)
    reason = why_unusable(view)
    assert reason is not None
    assert reason.code == "landmarks_uncertain"


def test_every_measure_is_finite_on_tiny_views() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    box = np.array([0, 0, 3, 3], np.float32)
    quality = measure(make_view(rgb=rgb, box_px=box, landmarks_px=np.zeros((468, 2), np.float32)))
    assert all(math.isfinite(getattr(quality, name)) for name in quality.__slots__)


def test_limits_come_from_the_card_and_strange_keys_are_left_alone() -> None:
    limits = QualityLimits.from_card({"min_face_px": 64, "kinds": ["image"]})
    assert limits.min_face_px == 64
    assert limits.min_sharpness == QualityLimits().min_sharpness
