from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.copied_regions import (
    LEAST_AREA_PX,
    WORK_PX,
    Move,
    blurred,
    bounds,
    even_detail,
    largest_part,
    local_agreement,
    measure_move,
    middle_of,
    sampled,
    shrunk,
    spread,
    work_picture,
)
from tests.inputs.made_copies import scene, with_copy


def shift(dx: float, dy: float, box: tuple[float, float, float, float]) -> Move:
    return Move(np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]]), box, 9, "exact")


def test_a_right_shift_gives_the_copied_square() -> None:
    work = work_picture(with_copy(scene(), (60, 80), (350, 250), 90))
    region = measure_move(work, shift(290, 170, (90, 110, 120, 140)))
    assert region is not None
    assert bounds(region.mask) == pytest.approx((60, 80, 150, 170), abs=6)
    assert bounds(region.source) == pytest.approx((350, 250, 440, 340), abs=6)
    assert region.area_px == pytest.approx(90**2, rel=0.15)


def test_a_wrong_shift_gives_nothing() -> None:
    work = work_picture(with_copy(scene(), (60, 80), (350, 250), 90))
    assert measure_move(work, shift(200, 100, (90, 110, 120, 140))) is None


@pytest.mark.parametrize("by", [(0, 0), (5, 5), (-9000, 0), (1e6, 1e6)])
def test_staying_or_leaving_the_picture_is_no_move(by: tuple[float, float]) -> None:
    assert measure_move(work_picture(scene()), shift(*by, (90, 110, 120, 140))) is None


def test_a_box_outside_the_picture_is_no_move() -> None:
    assert measure_move(work_picture(scene()), shift(30, 30, (9000, 9000, 9100, 9100))) is None


def test_large_pictures_are_shrunk_and_small_ones_are_not() -> None:
    small = work_picture(scene())
    assert (small.shrink, small.values.shape) == (1, (420, 520))
    large = work_picture(np.zeros((3000, 4000, 3), np.uint8))
    assert large.values.size <= 1.4 * WORK_PX
    assert large.full.shape == (3000, 4000)
    assert large.values.shape == (3000 // large.shrink, 4000 // large.shrink)


def test_blurring_takes_means_of_squares() -> None:
    values = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    found = blurred(values, 5)
    assert found.shape == values.shape
    assert found[10, 20] == pytest.approx(values[8:13, 18:23].mean(), abs=1e-5)


def test_shrinking_takes_means() -> None:
    values = np.arange(63, dtype=np.float32).reshape(7, 9)
    assert shrunk(values, 1) is values
    assert shrunk(values, 3).tolist() == [
        [pytest.approx(values[y : y + 3, x : x + 3].mean()) for x in (0, 3, 6)] for y in (0, 3)
    ]


def test_samples_between_pixels_are_mixed() -> None:
    values = np.array([[0, 10], [20, 30]], np.float32)
    places = (np.array([0.5, 1.0], np.float32), np.array([0.5, 1.0], np.float32))
    assert sampled(values, places).tolist() == [15.0, 30.0]


def test_agreement_is_a_correlation_and_flat_windows_tell_nothing() -> None:
    values = np.random.default_rng(0).normal(100, 20, (40, 40)).astype(np.float32)
    assert local_agreement(values, 2 * values + 3).min() > 0.99
    assert local_agreement(values, -values).max() < -0.99
    assert local_agreement(values, np.full_like(values, 9)).tolist() == [[-1.0] * 40] * 40


def test_even_detail_is_bounded_and_finite_on_flat_pictures() -> None:
    assert np.abs(even_detail(np.full((50, 50), 255, np.float32))).max() == 0
    assert np.abs(even_detail(scene()[..., 0].astype(np.float32))).max() <= 2.5


def test_the_largest_part_drops_specks() -> None:
    mask = np.zeros((20, 20), bool)
    mask[2:12, 2:12] = True
    mask[17, 17] = True
    assert largest_part(mask).sum() == 100
    assert largest_part(np.zeros((5, 5), bool)).sum() == 0
    assert spread(mask)[16:19, 16:19].all()
    assert middle_of(mask)[0] == pytest.approx(6.5, abs=0.2)
    assert LEAST_AREA_PX > 100
