from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.warping import (
    bent,
    draw_interpolation,
    moved,
    resampled_in_place,
    through_pixels,
)
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def spot(x: int, y: int) -> np.ndarray:  # type: ignore[type-arg]
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return picture


def place(picture: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    weight = picture[..., 0].astype(float)
    ys, xs = np.mgrid[0 : weight.shape[0], 0 : weight.shape[1]]
    return np.array([(xs * weight).sum(), (ys * weight).sum()]) / weight.sum()


def test_every_filter_is_drawn() -> None:
    rng = np.random.default_rng(0)
    assert {draw_interpolation(rng) for _ in range(60)} == {1, 2, 4}


def test_moving_moves() -> None:
    matrix = np.array([[1, 0, 7], [0, 1, -4]], np.float32)
    assert np.abs(place(moved(spot(50, 40), matrix, 2)) - (57, 36)).max() < 0.1


def test_resampling_in_place_stays_within_two_pixels_and_smooths() -> None:
    rgb = textured(100, 120)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        assert np.abs(place(resampled_in_place(spot(100, 20), 1, rng)) - (100, 20)).max() < 2
        resampled = resampled_in_place(rgb, 1, rng)
        assert not np.array_equal(resampled, rgb)
        assert (
            np.abs(np.diff(resampled.astype(int))).mean() < np.abs(np.diff(rgb.astype(int))).mean()
        )


def test_a_bend_moves_its_points_and_leaves_the_rest() -> None:
    points = np.array([[50, 40], [20, 80], [100, 20]], np.float32)
    shifts = np.array([[6, -5], [0, 0], [0, 0]], np.float32)
    assert np.abs(place(bent(spot(50, 40), points, shifts, 10.0, 1)) - (56, 35)).max() < 1.6
    assert np.abs(place(bent(spot(20, 80), points, shifts, 10.0, 1)) - (20, 80)).max() < 0.3


def test_an_affine_map_goes_before_the_bend() -> None:
    matrix = np.array([[0.5, 0, 3], [0, 0.5, 5]], np.float32)
    points = np.array([[28, 25]], np.float32)
    out = bent(spot(50, 40), points, np.zeros_like(points), 9.0, 1, (matrix, (60, 70)))
    assert out.shape == (60, 70, 3)
    assert np.abs(place(out) - (28, 25)).max() < 0.3


def test_few_pixels_take_detail_within_the_box_only() -> None:
    rgb = textured(100, 120)
    box = (20, 30, 90, 80)
    for seed in range(4):
        out = through_pixels(rgb, box, 24, 0.5, np.random.default_rng(seed))
        inside = np.zeros(rgb.shape[:2], bool)
        inside[30:80, 20:90] = True
        assert np.array_equal(out[~inside], rgb[~inside])
        before, after = (np.abs(np.diff(p[30:80, 20:90].astype(int), axis=1)) for p in (rgb, out))
        assert after.mean() < 0.8 * before.mean()


def test_more_pixels_than_there_are_change_little() -> None:
    rgb = textured(100, 120)
    out = through_pixels(rgb, (20, 30, 90, 80), 256, 0.0, np.random.default_rng(0))
    assert np.abs(out.astype(int) - rgb.astype(int)).mean() < 2
