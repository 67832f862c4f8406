"""Coefficients of blocks: against the definition, and against what a JPEG file was saved with."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.dct_blocks import BASIS, LOW_AC, low_frequencies
from assay.inputs.dct_history import steps_of
from assay.inputs.jpeg_families import ijg_luma_table
from tests.inputs.jpeg_pictures import luma, saved, textured


def test_they_are_the_transform_of_each_block() -> None:
    values = np.random.default_rng(2).uniform(0, 255, (43, 30)).astype(np.float32)
    low = low_frequencies(values, 3, 5)
    assert low.shape == (5, 3, 14)
    block = values[3 + 16 : 3 + 24, 5 + 8 : 5 + 16]
    both = BASIS @ block @ BASIS.T
    assert np.allclose(low[2, 1], [both[v, u] for v, u in LOW_AC], atol=1e-2)
    assert np.allclose(BASIS @ BASIS.T, np.eye(8), atol=1e-6)


@pytest.mark.parametrize("quality", [50, 75, 90, 94])
def test_levels_of_a_jpeg_come_back_exactly_for_steps_of_two_and_more(quality: int) -> None:
    steps = np.array(steps_of(ijg_luma_table(quality)))
    values = luma(saved(textured(), quality))
    levels = low_frequencies(values) / steps
    blocks = values.reshape(64, 8, 64, 8)
    clipped = (blocks.min(axis=(1, 3)) < 1) | (blocks.max(axis=(1, 3)) > 254)
    away = np.abs(levels - np.rint(levels))[~clipped] * steps
    assert np.quantile(away[..., steps >= 2], 0.995) < 1.0


@pytest.mark.parametrize("shape", [(1, 1), (7, 100), (8, 8), (100_000, 3)])
def test_small_and_narrow_pictures_give_what_they_have(shape: tuple[int, int]) -> None:
    low = low_frequencies(np.zeros(shape, np.float32), 4, 4)
    assert low.shape[2] == 14
    assert not low.any()
