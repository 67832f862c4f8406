from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from assay.inputs.resampling import (
    Rhythm,
    factors_of,
    local_excess,
    paired,
    surprise,
    tile_powers,
    told_bins,
    whole_rhythm,
)
from assay.types import FloatArray


def noise(height: int = 448, width: int = 448, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(128, 20, (height, width)).astype(np.float32)


def resized(values: FloatArray, factor: float) -> FloatArray:
    size = round(values.shape[1] * factor), round(values.shape[0] * factor)
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


def rhythm_of(values: FloatArray) -> Rhythm:
    return whole_rhythm(tile_powers(surprise(np.rint(values).astype(np.float32))))


@pytest.mark.parametrize("factor", [1.1, 1.3, 1.7])
def test_resizing_leaves_its_rhythm_and_names_its_factor(factor: float) -> None:
    found = rhythm_of(resized(noise(), factor))
    assert found.excess > 8
    assert any(abs(one - factor) < 0.05 for one in factors_of(found))


def test_turning_leaves_a_rhythm_without_a_factor() -> None:
    turned = np.asarray(Image.fromarray(noise()).rotate(10, Image.Resampling.BICUBIC))[
        90:-90, 90:-90
    ]
    found = rhythm_of(turned)
    assert found.excess > 8
    assert factors_of(found) == ()


def test_noise_and_flat_pictures_have_no_rhythm() -> None:
    assert rhythm_of(noise()).excess < 5
    flat = rhythm_of(np.full((300, 300), 255, np.float32))
    assert np.isfinite(flat.excess)
    assert flat.excess < 5


def test_stripes_of_one_direction_have_no_twin() -> None:
    stripes = 60 * np.sin(2 * np.pi * 0.29 * np.arange(448, dtype=np.float32))
    assert rhythm_of(noise() + stripes).excess < 8


def test_a_resized_part_exceeds_the_rest_where_it_lies() -> None:
    values = noise()
    values[128:320, 96:288] = resized(noise(seed=2), 1.5)[:192, :192]
    excess = local_excess(tile_powers(surprise(values)))
    row, column = divmod(int(excess.argmax()), excess.shape[1])
    assert excess.max() > 2.4
    assert 128 <= row * 32 + 32 <= 320
    assert 96 <= column * 32 + 32 <= 288
    assert local_excess(tile_powers(surprise(noise()))).max() < 2.4


def test_pairs_take_the_lower_of_two_and_eighths_are_left_out() -> None:
    levels = np.zeros((64, 33), np.float32)
    levels[0, 5] = 3  # (0, 5) has its twin at (5, 0)
    assert paired(levels).max() == 0
    levels[5, 0] = levels[-5, 0] = 2
    assert paired(levels)[0, 5] == 2
    told = told_bins()
    assert not told[0, 8]
    assert not told[16, 24]
    assert not told[1, 1]
    assert told[0, 5]
