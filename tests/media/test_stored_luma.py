"""The stored brightness: exact for JPEG, windowed on the grid, brought to what a viewer sees."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import TooLargeError, UnsupportedMediaError
from assay.media.image import upright
from assay.media.probe import probe
from assay.media.stored_luma import (
    as_viewed,
    box_as_viewed,
    luma_of_rgb,
    middle_window,
    read_stored_luma,
)
from tests.media.makers import photo


def test_of_a_jpeg_it_is_the_decoders_own_plane(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    photo().save(path, quality=80)
    luma = read_stored_luma(probe(path))
    with Image.open(path) as picture:
        picture.draft("YCbCr", picture.size)
        plane = np.asarray(picture)[..., 0]
    assert luma.exact
    assert luma.whole
    assert (luma.values == plane).all()


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tiff"])
def test_of_other_formats_it_is_weighed_from_colours(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    photo().save(path, **({"lossless": True} if suffix == "webp" else {}))
    luma = read_stored_luma(probe(path))
    rgb = np.asarray(photo())
    assert not luma.exact
    assert np.allclose(luma.values, luma_of_rgb(rgb).values, atol=0.01)
    assert np.allclose(luma.values, rgb @ np.array([0.299, 0.587, 0.114]), atol=0.01)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_jpegs_are_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.jpg"
    photo().convert(mode).save(path)
    luma = read_stored_luma(probe(path))
    assert luma.values.shape == (480, 640)
    assert luma.exact == (mode == "L")


@pytest.mark.parametrize("value", range(1, 9))
def test_maps_and_boxes_turn_as_the_picture_does(tmp_path: Path, value: int) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = value
    photo(96, 64).save(path, exif=exif)
    luma = read_stored_luma(probe(path))
    assert luma.orientation == value
    assert luma.values.shape == (64, 96)
    marked = np.zeros((64, 96), np.float32)
    marked[8:24, 40:48] = 1.0
    turned = as_viewed(marked, value)
    as_shown = upright(np.repeat(marked[..., None], 3, axis=2).astype(np.uint8), value)[..., 0]
    assert (turned == as_shown).all()
    x0, y0, x1, y1 = (int(v) for v in box_as_viewed((40, 8, 48, 24), (96, 64), value))
    assert turned[y0:y1, x0:x1].all()
    assert turned.sum() == (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize("size", [(5000, 4000), (100_000, 300), (300, 100_000), (7, 3), (1, 1)])
def test_the_window_is_bounded_and_on_the_grid(size: tuple[int, int]) -> None:
    x0, y0, x1, y1 = middle_window(*size, max_px=1_000_000)
    assert 0 <= x0 < x1 <= size[0]
    assert 0 <= y0 < y1 <= size[1]
    assert (x1 - x0) * (y1 - y0) <= 1_000_000
    assert x0 % 8 == y0 % 8 == 0
    assert (x1 - x0) * (y1 - y0) >= min(size[0] * size[1], 900_000)


def test_a_large_picture_gives_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    photo().save(path)
    luma = read_stored_luma(probe(path), max_px=100_000)
    x0, y0, x1, y1 = luma.box_px
    assert not luma.whole
    assert (luma.values == luma_of_rgb(np.asarray(photo())[y0:y1, x0:x1]).values).all()


def test_too_large_and_damaged_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    photo().save(path)
    with pytest.raises(TooLargeError):
        read_stored_luma(probe(path), max_megapixels=0.1)
    store = io.BytesIO()
    photo().save(store, "JPEG")
    path.write_bytes(store.getvalue()[: len(store.getvalue()) // 2])
    with pytest.raises(UnsupportedMediaError):
        read_stored_luma(probe(path))
