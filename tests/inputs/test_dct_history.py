"""Earlier savings on the same grid: which quality, and none where there was none."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.dct_history import (
    ONCE,
    Blocks,
    History,
    blocks_of,
    compare,
    freest,
    known_histories,
    steps_of,
    sums_over,
)
from assay.inputs.jpeg_families import ijg_luma_table
from tests.inputs.jpeg_pictures import grey, luma, resaved, saved, textured

HISTORIES = known_histories()


def told(blocks: Blocks | None) -> tuple[History, float]:
    """The likeliest history and how much likelier it is, a block."""
    assert blocks is not None
    sums = sums_over(compare(blocks).totals, HISTORIES)
    return HISTORIES[int(sums.argmax())], float(sums.max()) / blocks.n_usable


def read(data: bytes, quality: int) -> tuple[History, float]:
    return told(blocks_of(luma(data), steps_of(ijg_luma_table(quality))))


@pytest.mark.parametrize(
    ("first", "last"), [(50, 75), (60, 90), (75, 90), (80, 95), (85, 95), (90, 98), (95, 98)]
)
def test_the_first_quality_is_found_below_the_last(first: int, last: int) -> None:
    history, per_block = read(saved(resaved(textured(), first), last), last)
    assert history.qualities is not None
    assert history.qualities[0] <= first <= history.qualities[1]
    assert per_block > 0.9


@pytest.mark.parametrize("last", [60, 75, 85, 90, 95, 98])
def test_a_picture_saved_once_is_not_said_to_be_saved_twice(last: int) -> None:
    _history, per_block = read(saved(textured(), last), last)
    assert per_block < 0.5


@pytest.mark.parametrize("quality", [40, 60, 75, 90, 95])
@pytest.mark.parametrize("corner", [(0, 0), (3, 6)])
def test_the_quality_of_a_jpeg_kept_as_png_is_found(quality: int, corner: tuple[int, int]) -> None:
    values = grey(resaved(textured(), quality))[8 - corner[0] :, 8 - corner[1] :]
    history, per_block = told(blocks_of(values, (1,) * 14, corner))
    assert history.qualities is not None
    assert history.qualities[0] <= quality <= history.qualities[1]
    assert per_block > 0.9


def test_steps_of_unknown_tables_are_found_one_by_one() -> None:
    values = grey(resaved(textured(), 83))
    blocks = blocks_of(values, (1,) * 14)
    assert blocks is not None
    assert freest(compare(blocks).totals).steps == steps_of(ijg_luma_table(83))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_and_saturated_pictures_say_nothing(value: int) -> None:
    blocks = blocks_of(np.full((256, 256), value, np.float32), (3,) * 14)
    assert blocks is not None
    assert blocks.n_usable == 0
    assert np.isfinite(compare(blocks).totals).all()


@pytest.mark.parametrize("shape", [(1, 1), (39, 400), (100, 40), (8, 100_000)])
def test_small_pictures_are_none(shape: tuple[int, int]) -> None:
    assert blocks_of(np.zeros(shape, np.float32), (3,) * 14) is None


def test_histories_alike_are_joined() -> None:
    names = [one.name for one in HISTORIES]
    assert names[0] == ONCE.name
    assert len({one.steps for one in HISTORIES}) == len(HISTORIES)
    assert "quality 74 to 75" in names
