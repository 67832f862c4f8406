"""Visible marks: found where their programs put them, at any size, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from assay.inputs.corner_marks import (
    SPARKLE_CUT,
    best_sparkle,
    best_squares,
    correlation,
    find_marks,
    sparkle_template,
)
from tests.inputs.made_watermarks import scene, with_sparkle, with_squares

DARK = (scene(512) * 0.5).astype(np.uint8)


def smaller(rgb: np.ndarray, factor: float) -> np.ndarray:
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def saved(rgb: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("size_px", [24, 48, 96])
def test_the_sparkle_is_found_at_its_place(size_px: int) -> None:
    mark = best_sparkle(with_sparkle(DARK, size_px))
    assert mark.found
    x0, y0, x1, y1 = mark.box_px
    start = 512 - size_px * 2 // 3 - size_px
    assert (x0, y0) == pytest.approx((start, start), abs=0.12 * size_px)
    assert (x1 - x0, y1 - y0) == pytest.approx((size_px, size_px), rel=0.12)


@pytest.mark.parametrize("factor", [0.9, 0.61, 0.4])
def test_the_sparkle_is_found_after_resizing_and_saving(factor: float) -> None:
    marked = with_sparkle(DARK, 48)
    assert best_sparkle(saved(smaller(marked, factor), 75)).found


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_sparkle_in_another_corner_is_no_mark(turn: int) -> None:
    assert not best_sparkle(np.ascontiguousarray(np.rot90(with_sparkle(DARK, 48), turn))).found


def test_a_dark_star_is_no_sparkle() -> None:
    assert not best_sparkle(255 - with_sparkle(DARK, 48)).found


@pytest.mark.parametrize("side_px", [5, 8, 16, 33])
def test_the_squares_are_found_at_any_size(side_px: int) -> None:
    mark = best_squares(with_squares(DARK, side_px))
    assert mark.found
    assert mark.box_px[0] == pytest.approx(512 - 5 * side_px, abs=3)
    assert best_squares(saved(with_squares(DARK, side_px), 70)).found == (side_px > 5)


def test_squares_of_other_colours_or_another_order_are_no_mark() -> None:
    marked = with_squares(DARK, 16)
    assert not best_squares(np.ascontiguousarray(marked[..., ::-1])).found
    assert not best_squares(np.ascontiguousarray(marked[:, ::-1])).found
    turned = marked.copy()
    turned[-16:, -80:] = turned[-16:, -80:][:, ::-1]
    assert not best_squares(turned).found


@pytest.mark.parametrize("level", [0, 127, 255])
def test_flat_and_noisy_pictures_have_no_marks(level: int) -> None:
    flat = np.full((300, 400, 3), level, np.uint8)
    noise = np.random.default_rng(level).integers(0, 256, (300, 400, 3), np.uint8)
    for picture in (flat, noise, scene(300), DARK):
        assert not any(mark.found for mark in find_marks(picture))


@pytest.mark.parametrize("shape", [(1, 1), (63, 500), (64, 64), (64, 30_000), (30_000, 64)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    found = find_marks(np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8))
    assert (found == []) == (min(shape) < 64)
    for mark in found:
        x0, y0, x1, y1 = mark.box_px
        assert x0 < x1
        assert y0 < y1


def test_the_correlation_agrees_with_another_library() -> None:
    rng = np.random.default_rng(5)
    template = sparkle_template()
    area = rng.random((64, 66), dtype=np.float32) * 200
    found = correlation(area, template)
    for row, column in ((0, 0), (3, 5), (4, 6)):
        window = area[row : row + 60, column : column + 60]
        expected = np.corrcoef(window.ravel(), template.ravel())[0, 1]
        assert found[row, column] == pytest.approx(expected, abs=1e-4)
    assert correlation(np.zeros((64, 64), np.float32), template).max() == 0.0
    assert best_sparkle(DARK).likeness < SPARKLE_CUT
