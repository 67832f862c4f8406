"""First digits: on the law after one saving, off it after two."""

from __future__ import annotations

import numpy as np

from assay.inputs.dct_history import blocks_of, steps_of
from assay.inputs.jpeg_digits import benford_gap
from assay.inputs.jpeg_families import ijg_luma_table
from tests.inputs.jpeg_pictures import luma, resaved, saved, textured


def gap(data: bytes, last: int) -> float:
    blocks = blocks_of(luma(data), steps_of(ijg_luma_table(last)))
    assert blocks is not None
    found = benford_gap(blocks.levels, blocks.n_bins)
    assert found is not None
    return found


def test_a_second_saving_leaves_the_law() -> None:
    once, twice = (gap(saved(rgb, 90), 90) for rgb in (textured(), resaved(textured(), 75)))
    assert once < 0.02
    assert twice > 2 * once


def test_too_few_levels_are_none() -> None:
    assert benford_gap(np.zeros((100, 100, 14), np.intp), 24) is None
    assert benford_gap(np.full((10, 10, 14), 3, np.intp), 24) is None
