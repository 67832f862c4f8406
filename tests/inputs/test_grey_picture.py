from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.grey_picture import GRID_PX, grey_picture, window_of


def test_brightness_weighs_the_channels_as_jpeg_does() -> None:
    rgb = np.zeros((2, 3, 3), np.uint8)
    rgb[0, :] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    grey = grey_picture(rgb)
    np.testing.assert_allclose(grey.values[0], [76.245, 149.685, 29.07], atol=0.01)
    assert (grey.values.dtype, grey.box_px, grey.whole) == (np.float32, (0, 0, 3, 2), True)


@pytest.mark.parametrize("size", [(6000, 4000), (100_000, 300), (300, 100_000), (20_000_000, 1)])
def test_of_a_large_picture_the_middle_on_the_grid(size: tuple[int, int]) -> None:
    x0, y0, x1, y1 = window_of(*size)
    assert 0 < (x1 - x0) * (y1 - y0) <= 16_000_000
    assert x0 % GRID_PX == y0 % GRID_PX == 0
    assert 0 <= x0 < x1 <= size[0]
    assert 0 <= y0 < y1 <= size[1]
    assert abs((x0 + x1) - size[0]) <= 2 * GRID_PX


def test_the_part_is_the_pictures_own_pixels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    part = grey_picture(rgb, max_px=3000)
    x0, y0, x1, y1 = part.box_px
    np.testing.assert_allclose(part.values, grey_picture(rgb).values[y0:y1, x0:x1], atol=1e-3)
    assert not part.whole
