"""Grids of earlier savings: each of 64 shifts, before a crop, and in parts."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.jpeg_grid import find_grids
from tests.inputs.jpeg_pictures import grey, luma, resaved, saved, textured

SHIFTS = [(down, (5 * down + 3) % 8) for down in range(8)]


@pytest.mark.parametrize(("down", "across"), SHIFTS)
def test_the_grid_of_a_jpeg_kept_as_png_is_found(down: int, across: int) -> None:
    values = grey(resaved(textured(320, 320), 80))[8 - down :, 8 - across :]
    grids = find_grids(values)
    assert grids is not None
    assert divmod(int(grids.strength.argmax()), 8) == (down, across)
    assert grids.strength.max() > 100
    assert list(grids.steps[down, across]) == [6, 4, 5]


@pytest.mark.parametrize("down", range(1, 8))
@pytest.mark.parametrize("across", range(1, 8))
def test_the_grid_before_a_crop_is_found_after_another_saving(down: int, across: int) -> None:
    rgb = resaved(textured(320, 320), 75)[8 - down :, 8 - across :]
    grids = find_grids(luma(saved(rgb, 90)))
    assert grids is not None
    strength = grids.strength.copy()
    strength[0], strength[:, 0] = 0, 0
    assert divmod(int(strength.argmax()), 8) == (down, across)
    assert strength.max() > 50


@pytest.mark.parametrize("last", [None, 75, 95])
def test_without_an_earlier_saving_no_grid_stands_out(last: int | None) -> None:
    values = grey(textured()) if last is None else luma(saved(textured(), last))
    grids = find_grids(values)
    assert grids is not None
    assert grids.strength[1:, 1:].max() < 18
    assert grids.tiles[:, :, 1:, 1:].max() < 20


def test_a_part_with_a_grid_of_its_own_is_found_in_its_tiles() -> None:
    rgb = textured().copy()
    rgb[197:357, 133:293] = resaved(textured(seed=3), 75)[8:168, 8:168]
    grids = find_grids(luma(saved(rgb, 92)))
    assert grids is not None
    own = grids.tiles[:, :, 197 % 8, 133 % 8]
    down, across = np.unravel_index(int(own.argmax()), own.shape)
    assert own.max() > 40
    assert abs(int(down) * 64 - 197) <= 64
    assert abs(int(across) * 64 - 133) <= 64


def test_flat_pictures_have_no_grid() -> None:
    for value in (0.0, 128.0, 255.0):
        grids = find_grids(np.full((256, 256), value, np.float32))
        assert grids is not None
        assert not grids.strength.any()


def test_small_pictures_are_none() -> None:
    assert find_grids(np.zeros((134, 400), np.float32)) is None
    assert find_grids(np.zeros((1, 1), np.float32)) is None
