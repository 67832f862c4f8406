from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import InputError
from assay.evaluation.variants import VARIANTS, write_variant


def picture(width: int = 200, height: int = 120) -> Image.Image:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def opened(name: str, source: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(VARIANTS[name].encode(source)))


@pytest.mark.parametrize(
    ("name", "size", "kind"),
    [
        ("resave_q60", (200, 120), "JPEG"),
        ("resize_0.5", (100, 60), "PNG"),
        ("resize_1.5", (300, 180), "PNG"),
        ("crop_10", (180, 108), "PNG"),
        ("screenshot", (1080, 648), "JPEG"),
    ],
)
def test_each_variant_has_its_size_and_its_format(
    name: str, size: tuple[int, int], kind: str
) -> None:
    found = opened(name, picture())
    assert (found.size, found.format) == (size, kind)
    assert VARIANTS[name].suffix == (".jpg" if kind == "JPEG" else ".png")


def test_the_crop_takes_the_middle_untouched() -> None:
    before, after = np.asarray(picture()), np.asarray(opened("crop_10", picture()))
    assert (after == before[6:-6, 10:-10]).all()


def test_saving_again_loses_a_little_and_a_screenshot_darkens() -> None:
    before = np.asarray(picture(), np.float64)
    after = np.asarray(opened("resave_q60", picture()), np.float64)
    assert 0.2 < np.abs(after - before).mean() < 12
    shot = np.asarray(opened("screenshot", picture()), np.float64)
    assert 1 < before.mean() - shot.mean() < 8


def test_jpegs_keep_colour_at_half_resolution() -> None:
    for name in ("resave_q60", "screenshot"):
        layers = opened(name, picture()).layer  # type: ignore[attr-defined]
        assert [layer[1:3] for layer in layers] == [(2, 2), (1, 1), (1, 1)]


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_smallest_picture_survives(name: str) -> None:
    assert min(opened(name, Image.new("RGB", (1, 1))).size) >= 1


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_turned_picture_is_written_as_it_is_seen(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(80, 40).save(tmp_path / "turned.jpg", exif=exif)
    with Image.open(write_variant(tmp_path / "turned.jpg", name, tmp_path)) as found:
        assert found.height > found.width
        assert not found.getexif()


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError):
        write_variant(tmp_path / "no.jpg", "crop_10", tmp_path)
