from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.copied_fit import Fit, fit_region, is_copy
from assay.inputs.copied_regions import CopiedRegion, Move, work_picture
from assay.types import Array
from tests.inputs.made_copies import resaved, scene, windows, with_copy


def fitted(rgb: Array, start: tuple[float, float]) -> tuple[CopiedRegion, Fit]:
    """The square at (60, 80), fitted from a rough shift."""
    work = work_picture(rgb)
    mask = np.zeros(work.values.shape, bool)
    mask[90:160, 70:140] = True
    move = Move(np.array([[1.0, 0.0, start[0]], [0.0, 1.0, start[1]]]), (70, 90, 140, 160), 9, "x")
    region = CopiedRegion(move, mask, mask, int(mask.sum()))
    return region, fit_region(rgb, work, region)


@pytest.mark.parametrize("quality", [101, 90, 75])
def test_a_copy_lies_on_whole_pixels_whatever_the_start(quality: int) -> None:
    rgb = with_copy(scene(), (60, 80), (350, 250), 90)
    region, fit = fitted(rgb if quality > 100 else resaved(rgb, quality), (291.2, 169.1))
    assert fit.matrix[:, 2] + fit.matrix[:, :2] @ (105, 125) == pytest.approx((395, 295), abs=0.2)
    assert fit.off_px < 0.1
    assert fit.skew_px < 0.12
    assert fit.gain == pytest.approx(1, abs=0.05)
    assert is_copy(region, fit)
    assert fit.equal_share is not None
    assert (fit.equal_share > 0.99) == (quality > 100)


def test_windows_lie_between_pixels() -> None:
    region, fit = fitted(windows(), (47.3, 0.0))
    assert fit.agreement > 0.9
    assert fit.off_px > 0.2
    assert not is_copy(region, fit)


def test_unlike_places_are_no_copy() -> None:
    region, fit = fitted(scene(), (290.0, 170.0))
    assert fit.agreement < 0.8
    assert not is_copy(region, fit)


def test_two_levels_far_apart_are_drawn() -> None:
    page = np.where(np.random.default_rng(0).random((420, 520, 1)) < 0.3, 10, 250)
    _, fit = fitted(page.repeat(3, -1).astype(np.uint8), (100.0, 100.0))
    assert fit.drawn
    assert not fitted(scene(), (100.0, 100.0))[1].drawn


def test_a_flat_place_is_answered_without_nan() -> None:
    _, fit = fitted(np.full((420, 520, 3), 77, np.uint8), (100.0, 100.0))
    assert np.isfinite(fit.matrix).all()
    assert np.isfinite([fit.off_px, fit.gain, fit.agreement, fit.fine]).all()
