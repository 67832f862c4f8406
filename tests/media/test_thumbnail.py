from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.media.thumbnail import (
    MAX_PREVIEW_SIDE_PX,
    Comparison,
    compare_preview,
    shrink_jpeg,
)
from tests.media.tag_makers import scene


def compared_with(path: str, preview: bytes, orientation: int = 1) -> Comparison | None:
    whole = shrink_jpeg(path)
    assert whole is not None
    return compare_preview(whole, preview, orientation)


def thumbnail_likeness(path: str, preview: bytes) -> float | None:
    compared = compared_with(path, preview)
    return None if compared is None else compared.likeness


def jpeg_of(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60)
    return out.getvalue()


@pytest.fixture
def wide(tmp_path: Path) -> tuple[str, Image.Image]:
    picture = scene(400).crop((0, 50, 400, 300))
    path = tmp_path / "a.jpg"
    picture.save(path)
    return str(path), picture


def test_a_true_thumbnail_is_alike_and_anothers_is_not(wide: tuple[str, Image.Image]) -> None:
    path, picture = wide
    assert (thumbnail_likeness(path, jpeg_of(picture.resize((160, 100)))) or 0) > 0.97
    assert (thumbnail_likeness(path, jpeg_of(scene(160, seed=9))) or 0) < 0.6


def test_black_bars_do_not_matter(wide: tuple[str, Image.Image]) -> None:
    path, picture = wide
    barred = Image.new("RGB", (160, 120))
    barred.paste(picture.resize((160, 100)), (0, 10))
    assert (thumbnail_likeness(path, jpeg_of(barred)) or 0) > 0.97


def test_flat_or_huge_thumbnails_say_nothing(wide: tuple[str, Image.Image]) -> None:
    path, _ = wide
    huge = (MAX_PREVIEW_SIDE_PX + 1, 8)
    assert thumbnail_likeness(path, jpeg_of(Image.new("RGB", (160, 100)))) is None
    assert thumbnail_likeness(path, jpeg_of(Image.new("RGB", huge))) is None


def test_a_damaged_thumbnail_raises(wide: tuple[str, Image.Image]) -> None:
    with pytest.raises((OSError, ValueError)):
        thumbnail_likeness(wide[0], b"\xff\xd8nonsense")


def test_both_stand_side_by_side_as_a_viewer_turns_them(wide: tuple[str, Image.Image]) -> None:
    path, picture = wide
    white = Image.new("RGB", (160, 100), (250, 250, 250))
    white.paste((0, 0, 0), (0, 0, 80, 100))
    for orientation, shape in ((1, (200, 648)), (6, (320, 408))):
        compared = compared_with(path, jpeg_of(white), orientation)
        assert compared is not None
        assert compared.size_px == (160, 100)
        assert compared.rgb.shape == (*shape, 3)
    upright = compared_with(path, jpeg_of(white))
    assert upright is not None
    left, right = upright.rgb[:, :320], upright.rgb[:, 328:]
    shrunk = picture.resize((320, 200), Image.Resampling.BOX)
    assert abs(left.astype(int) - np.asarray(shrunk, dtype=int)).mean() < 6
    assert right[:, 40].mean() < 40
    assert right[:, -40].mean() > 220


def test_a_huge_progressive_picture_is_left_alone(
    wide: tuple[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, picture = wide
    monkeypatch.setattr("assay.media.thumbnail.MAX_PROGRESSIVE_PX", 1000)
    assert shrink_jpeg(path) is not None
    picture.save(path, progressive=True)
    assert shrink_jpeg(path) is None
