from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.media.stored_colour import stored_colour


def scene(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    shades = [128 + 90 * np.sin(x / a + y / b) for a, b in ((19, 31), (23, 17), (29, 13))]
    return np.stack(shades, axis=-1).astype(np.uint8)


def differences(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blue and red minus brightness, each averaged over two by two pixels."""
    height, width = (size // 2 * 2 for size in rgb.shape[:2])
    exact = rgb[:height, :width].astype(np.float64)
    luma = exact @ np.array([0.299, 0.587, 0.114])
    return tuple(
        (exact[..., channel] - luma).reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        for channel in (2, 0)
    )


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("size", [(160, 96), (161, 97), (33, 200)])
def test_it_is_the_colour_at_half_size(
    tmp_path: Path, size: tuple[int, int], subsampling: int
) -> None:
    rgb = scene(*size)
    path = tmp_path / "a.jpg"
    Image.fromarray(rgb).save(path, quality=97, subsampling=subsampling)
    found = stored_colour(path)
    assert found is not None
    for mine, expected in zip(found, differences(rgb), strict=True):
        assert mine.shape == expected.shape == (size[1] // 2, size[0] // 2)
        assert np.abs(mine - expected).mean() < 2.5


def test_other_files_have_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    buffer = io.BytesIO()
    Image.fromarray(scene(64, 64)).save(buffer, "JPEG")
    whole = buffer.getvalue()
    for mode in ("L", "CMYK"):
        Image.fromarray(scene(64, 64)).convert(mode).save(path, "JPEG")
        assert stored_colour(path) is None
    Image.fromarray(scene(64, 64)).save(path, "PNG")
    assert stored_colour(path) is None
    for data in (b"", b"\xff\xd8\xff", whole[:300], whole[:-400]):
        path.write_bytes(data)
        assert stored_colour(path) is None
    assert stored_colour(tmp_path / "missing") is None
    Image.new("RGB", (1, 1)).save(path, "JPEG")
    assert stored_colour(path) is None


def test_a_picture_above_the_bound_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(scene(64, 64)).save(path)
    assert stored_colour(path) is not None
    monkeypatch.setattr("assay.media.stored_colour.MAX_PX", 4000)
    assert stored_colour(path) is None
