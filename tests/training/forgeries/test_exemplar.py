from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.exemplar import fill_by_patches
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def stripes(side: int = 160) -> np.ndarray:
    """A texture that repeats every 12 px across and every 20 px down."""
    y, x = np.mgrid[0:side, 0:side]
    value = 128 + 60 * np.sin(x * 2 * np.pi / 12) + 40 * np.sin(y * 2 * np.pi / 20)
    return np.repeat(value.astype(np.uint8)[..., None], 3, axis=2)


def hole_in(shape: tuple[int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    hole = np.zeros(shape, bool)
    hole[box[1] : box[3], box[0] : box[2]] = True
    return hole


def test_a_repeating_texture_is_continued() -> None:
    """What is put in is nearer to what was there than any blur can be."""
    rgb = stripes()
    hole = hole_in((160, 160), (60, 66, 96, 94))
    damaged = rgb.copy()
    damaged[hole] = 0
    filled = fill_by_patches(damaged, hole, np.random.default_rng(0))
    assert np.array_equal(filled[~hole], rgb[~hole])
    error = np.abs(filled[hole].astype(int) - rgb[hole]).mean()
    blur = np.abs(rgb[hole].astype(int) - rgb[hole].mean()).mean()
    assert error < 0.35 * blur


def test_what_lay_in_the_hole_has_no_say() -> None:
    rgb = textured(140, 150)
    hole = hole_in((140, 150), (50, 40, 90, 75))
    other = rgb.copy()
    other[hole] = (255, 0, 255)
    first, second = (fill_by_patches(p, hole, np.random.default_rng(3)) for p in (rgb, other))
    assert np.abs(first.astype(int) - second).mean() < 0.5
    assert not np.array_equal(first[hole], rgb[hole])
    assert not (second[hole] == (255, 0, 255)).all(axis=1).any()


def test_the_seed_draws_the_filling_and_the_input_stays() -> None:
    rgb = textured(120, 120)
    rgb.flags.writeable = False
    hole = hole_in((120, 120), (2, 40, 40, 70))
    first, again, other = (fill_by_patches(rgb, hole, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(rgb, textured(120, 120))


def test_no_hole_leaves_the_picture_and_nothing_but_hole_is_refused() -> None:
    rgb = textured(64, 64)
    assert np.array_equal(fill_by_patches(rgb, np.zeros((64, 64), bool), _rng()), rgb)
    with pytest.raises(InputError, match="no whole patch"):
        fill_by_patches(rgb, np.ones((64, 64), bool), _rng())


def test_a_hole_that_leaves_few_patches_is_still_filled() -> None:
    rgb = textured(96, 96)
    hole = hole_in((96, 96), (10, 10, 84, 84))
    filled = fill_by_patches(rgb, hole, _rng())
    assert np.array_equal(filled[~hole], rgb[~hole])
    assert 40 < filled[hole].mean() < 215


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)
