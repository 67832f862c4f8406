"""Ghosts: a part saved at a lower quality changes least when saved at that quality again."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.jpeg_ghosts import find_ghosts
from tests.inputs.jpeg_pictures import luma, resaved, saved, textured, with_part

BOX = (144, 192, 272, 320)


@pytest.mark.parametrize("part", [60, 75, 85])
def test_the_part_stands_out_at_its_own_quality(part: int) -> None:
    mixed = with_part(textured(), resaved(textured(), part), BOX)
    ghosts = find_ghosts(luma(saved(mixed, 96)))
    assert ghosts is not None
    assert ghosts.quality == part
    inside = np.zeros((512, 512), bool)
    inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    inside = inside[:: ghosts.cell_px, :: ghosts.cell_px]
    assert ghosts.values[inside].mean() > ghosts.values[~inside].mean() + 0.3


def test_a_part_that_was_not_saved_with_the_rest_stands_out() -> None:
    mixed = with_part(resaved(textured(), 75), textured(), BOX)
    ghosts = find_ghosts(luma(saved(mixed, 96)))
    assert ghosts is not None
    inside = np.zeros((512, 512), bool)
    inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    inside = inside[:: ghosts.cell_px, :: ghosts.cell_px]
    assert ghosts.values[inside].mean() > ghosts.values[~inside].mean() + 0.3
    assert ghosts.values.mean() < 0.4, "most of the picture is the rest"


def test_flat_pictures_are_even_and_small_ones_none() -> None:
    ghosts = find_ghosts(np.full((200, 200), 128, np.float32))
    assert ghosts is not None
    assert np.ptp(ghosts.values) == 0
    assert find_ghosts(np.zeros((40, 400), np.float32)) is None
