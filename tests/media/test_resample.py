from __future__ import annotations

import numpy as np
import pytest

from assay.media.resample import (
    area_mean,
    blurred,
    bordered,
    bounded,
    gaussian_kernel,
    luma,
    quickly_bounded,
    resaved,
    resized,
    smoothed,
    warped,
)
from assay.types import Array

RNG = np.random.default_rng(0)
PICTURE: Array = RNG.integers(0, 256, (97, 131, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(64, 48), (130, 96), (131, 40), (1, 1), (33, 97)])
def test_shrinking_equals_opencv_area(size: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the train extra")
    wanted = cv2.resize(PICTURE, size, interpolation=cv2.INTER_AREA)
    difference = np.abs(resized(PICTURE, size).astype(int) - wanted)
    assert difference.max() <= 1
    assert difference.mean() < 0.01


@pytest.mark.parametrize("size", [(262, 194), (300, 97), (131, 300)])
def test_enlarging_equals_opencv_linear(size: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the train extra")
    wanted = cv2.resize(PICTURE, size, interpolation=cv2.INTER_LINEAR)
    assert np.abs(resized(PICTURE, size).astype(int) - wanted).max() <= 1


def test_warping_equals_opencv() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with the train extra")
    to_source = np.array([[0.9, 0.2, 10.0], [-0.2, 0.9, 25.0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    smooth = blurred(PICTURE, 2)
    wanted = cv2.warpAffine(smooth, to_source, (80, 60), flags=flags)
    inside = np.s_[2:-2, 2:-2]
    difference = np.abs(warped(smooth, to_source, (80, 60)).astype(int) - wanted)[inside]
    assert difference.max() <= 3
    assert difference.mean() < 0.7


def test_area_means_are_exact_for_whole_and_for_parted_pixels() -> None:
    assert area_mean(np.array([0.0, 2.0, 4.0, 6.0]), 2, axis=0).tolist() == [1.0, 5.0]
    # Three pixels to two: each target covers one and a half.
    assert area_mean(np.array([0.0, 3.0, 6.0]), 2, axis=0) == pytest.approx([1.0, 5.0])
    assert area_mean(PICTURE, 7, axis=0).mean() == pytest.approx(PICTURE.mean(), abs=1e-3)


def test_the_same_size_changes_nothing() -> None:
    assert (resized(PICTURE, (131, 97)) == PICTURE).all()


@pytest.mark.parametrize("bound", [bounded, quickly_bounded])
def test_bounded_keeps_small_pictures_and_shrinks_large_ones(bound) -> None:  # type: ignore[no-untyped-def]
    same, one = bound(PICTURE, 200)
    assert one == 1.0
    assert same is PICTURE
    large = np.repeat(np.repeat(PICTURE, 8, axis=0), 8, axis=1)
    small, scale = bound(large, 131)
    assert small.shape == PICTURE.shape
    assert scale == pytest.approx(1 / 8)
    assert abs(small.mean() - large.mean()) < 1.0


def test_a_border_repeats_the_edge() -> None:
    wide = bordered(PICTURE, 3, 0, 0, 5)
    assert wide.shape == (100, 136, 3)
    assert (wide[0, :131] == PICTURE[0]).all()
    assert (wide[3:, -1] == PICTURE[:, -1]).all()
    assert bordered(PICTURE[..., 0], 1, 1, 1, 1).shape == (99, 133)


def test_luma_weighs_green_most() -> None:
    pure = np.eye(3, dtype=np.uint8)[None] * 255
    assert luma(pure)[0] == pytest.approx([0.299, 0.587, 0.114], abs=1e-6)
    assert luma(np.full((1, 1, 3), 255, np.uint8))[0, 0] == pytest.approx(1.0)


def test_a_resaved_picture_is_near_and_not_the_same() -> None:
    smooth = blurred(PICTURE, 3)
    again = resaved(smooth, 75)
    assert again.shape == smooth.shape
    assert 0 < np.abs(again.astype(int) - smooth).mean() < 6


def test_smoothing_keeps_the_sum_and_lowers_the_spread() -> None:
    values = PICTURE[..., 0].astype(np.float32)
    kernel = gaussian_kernel(1.5)
    assert kernel.sum() == pytest.approx(1.0)
    smooth = smoothed(values, kernel, axis=1)
    assert smooth.shape == values.shape
    assert smooth.std() < values.std()
    flat = np.full((9, 9), 3.0, np.float32)
    assert smoothed(flat, kernel, axis=0) == pytest.approx(flat)
