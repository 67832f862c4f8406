from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.copied_blocks import echoes, equal_blocks
from assay.inputs.copied_regions import work_picture
from assay.types import Array
from tests.inputs.made_copies import resaved, scene, with_copy


def shifts(moves: list) -> list[tuple[float, float]]:
    return [(move.matrix[0, 2], move.matrix[1, 2]) for move in moves]


def copied() -> Array:
    return with_copy(scene(), (60, 80), (350, 250), 90)


def test_equal_squares_give_their_shift_and_their_place() -> None:
    rgb = copied()
    (move,) = equal_blocks(rgb, work_picture(rgb))
    assert shifts([move]) == [(290.0, 170.0)]
    assert move.n_matches > 200
    assert move.box == pytest.approx((60, 80, 150, 170), abs=8)


def test_equal_squares_are_not_found_after_compression_nor_in_an_untouched_scene() -> None:
    for rgb in (resaved(copied(), 75), scene()):
        assert equal_blocks(rgb, work_picture(rgb)) == []


def test_the_echo_of_a_copy_outlives_compression() -> None:
    rgb = resaved(with_copy(scene(), (60, 80), (330, 200), 150), 75)
    found = shifts(echoes(work_picture(rgb)))
    assert any(abs(x - 270) < 2 and abs(y - 120) < 2 for x, y in found)


def test_an_untouched_scene_has_no_echo() -> None:
    assert echoes(work_picture(scene())) == []


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_have_neither(value: int) -> None:
    rgb = np.full((300, 300, 3), value, np.uint8)
    work = work_picture(rgb)
    assert equal_blocks(rgb, work) == []
    assert echoes(work) == []


def test_narrow_pictures_have_neither() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 900, 3), dtype=np.uint8)
    work = work_picture(rgb)
    assert equal_blocks(rgb, work) == []
    assert echoes(work) == []
