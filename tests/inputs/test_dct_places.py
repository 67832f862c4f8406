"""Parts with another history: found where they are, and none where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.dct_history import blocks_of, compare, known_histories, steps_of
from assay.inputs.dct_places import Places, find_places, largest_part
from assay.inputs.jpeg_families import ijg_luma_table
from tests.inputs.jpeg_pictures import luma, resaved, saved, textured, with_part

HISTORIES = known_histories()
BOX = (141, 197, 269, 325)  # 128 px, off the grid


def read(data: bytes, last: int) -> Places:
    blocks = blocks_of(luma(data), steps_of(ijg_luma_table(last)))
    assert blocks is not None
    return find_places(blocks, compare(blocks), HISTORIES)[0]


def overlap(places: Places) -> float:
    """Intersection over union of the found cells and the box."""
    assert places.best is not None
    found = np.kron(places.best.cells, np.ones((places.cell_px, places.cell_px), bool))
    true = np.zeros((512, 512), bool)
    true[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    true = true[: found.shape[0], : found.shape[1]]
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize(("first", "last"), [(60, 85), (75, 90), (85, 95)])
def test_a_fresh_part_in_a_picture_saved_before_is_found(first: int, last: int) -> None:
    mixed = with_part(resaved(textured(), first), textured(seed=7), BOX)
    places = read(saved(mixed, last), last)
    assert places.best is not None
    assert places.best.gain > 1000
    assert overlap(places) > 0.6


@pytest.mark.parametrize(("first", "last"), [(70, 90), (85, 95)])
def test_a_part_saved_before_in_a_fresh_picture_is_found(first: int, last: int) -> None:
    mixed = with_part(textured(), resaved(textured(), first), BOX)
    places = read(saved(mixed, last), last)
    assert places.best is not None
    assert places.best.gain > 400
    assert overlap(places) > 0.6


def test_a_part_with_another_first_quality_is_found() -> None:
    mixed = with_part(resaved(textured(), 85), resaved(textured(), 70), BOX)
    places = read(saved(mixed, 95), 95)
    assert overlap(places) > 0.6


@pytest.mark.parametrize(("first", "last"), [(None, 75), (None, 95), (75, 90), (95, 80)])
def test_a_picture_of_one_history_has_no_clear_part(first: int | None, last: int) -> None:
    rgb = textured() if first is None else resaved(textured(), first)
    best = read(saved(rgb, last), last).best
    assert best is None or best.gain < 250 or best.per_block < 1


def test_connected_cells_are_one_part() -> None:
    smooth = np.zeros((6, 8))
    smooth[1:3, 1:3] = smooth[4, 5:7] = 1
    part = largest_part(smooth, smooth)
    assert part is not None
    assert part.sum() == 4
    assert part[1:3, 1:3].all()
    assert largest_part(np.zeros((3, 3)), np.ones((3, 3))) is None
