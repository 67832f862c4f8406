"""A whole reading of known pictures: savings, grids and parts together."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.jpeg_families import ijg_luma_table
from assay.inputs.jpeg_reading import JpegReading, read_jpeg_history
from tests.inputs.jpeg_pictures import grey, luma, resaved, saved, textured, with_part

BOX = (144, 192, 304, 352)


def of_jpeg(data: bytes, quality: int) -> JpegReading:
    return read_jpeg_history(luma(data), ijg_luma_table(quality))


def quality_in(reading: JpegReading, quality: int) -> bool:
    assert reading.saving is not None
    qualities = reading.saving.history.qualities
    return qualities is not None and qualities[0] <= quality <= qualities[1]


def test_a_picture_saved_once_tells_nothing() -> None:
    reading = of_jpeg(saved(textured(), 85), 85)
    assert reading.saving is not None
    assert not reading.saving.clear
    assert reading.other_grid is None
    assert reading.grid_place is None
    assert not reading.place_is_clear


def test_a_picture_saved_twice_is_told_with_its_first_quality() -> None:
    reading = of_jpeg(saved(resaved(textured(), 70), 90), 90)
    assert reading.saving is not None
    assert reading.saving.clear
    assert quality_in(reading, 70)
    assert not reading.place_is_clear


@pytest.mark.parametrize("shift", [(1, 1), (4, 4), (5, 2), (7, 7)])
def test_a_crop_between_two_savings_is_told_with_grid_and_quality(shift: tuple[int, int]) -> None:
    rgb = resaved(textured(), 70)[8 - shift[0] :, 8 - shift[1] :]
    reading = of_jpeg(saved(rgb, 90), 90)
    assert reading.other_grid is not None
    assert reading.other_grid.corner == shift
    saving = reading.other_grid.saving
    assert saving is not None
    assert saving.clear
    assert saving.history.qualities == (70, 70)
    assert reading.grid_place is None


def test_a_png_that_was_a_jpeg_is_told_and_a_fresh_one_is_not() -> None:
    reading = read_jpeg_history(grey(resaved(textured(), 80)[2:, 5:]), None)
    assert reading.corner == (6, 3)
    assert quality_in(reading, 80)
    assert not reading.place_is_clear
    assert read_jpeg_history(grey(textured()), None).corner is None


def test_a_part_never_saved_before_is_clear_in_a_jpeg_and_in_a_png() -> None:
    mixed = with_part(resaved(textured(), 75), textured(seed=4), BOX)
    assert of_jpeg(saved(mixed, 92), 92).place_is_clear
    as_png = read_jpeg_history(grey(mixed), None)
    assert as_png.corner == (0, 0)
    assert as_png.place_is_clear


def test_a_part_from_another_jpeg_has_its_own_grid() -> None:
    rgb = textured().copy()
    rgb[195:355, 147:307] = resaved(textured(seed=4), 75)[8:168, 8:168]
    place = of_jpeg(saved(rgb, 92), 92).grid_place
    assert place is not None
    assert place.corner == (195 % 8, 147 % 8)
    assert place.box[0] < 227 < place.box[2]
    assert place.box[1] < 275 < place.box[3]


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (8, 40_000), (200, 130)])
@pytest.mark.parametrize("value", [0.0, 77.0, 255.0])
def test_flat_and_small_pictures_are_harmless(shape: tuple[int, int], value: float) -> None:
    values = np.full(shape, value, np.float32)
    for table in (None, ijg_luma_table(90), (255,) * 64):
        reading = read_jpeg_history(values, table)
        assert not reading.place_is_clear
        assert reading.grid_place is None


@pytest.mark.parametrize("step", [255, 65_535])
def test_absurd_tables_cost_nothing(step: int) -> None:
    reading = read_jpeg_history(luma(saved(textured(), 20)), (step,) * 64)
    assert reading.saving is None
    assert reading.other_grid is None
