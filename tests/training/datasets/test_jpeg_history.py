from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.training.datasets.jpeg_history import history_of
from assay.types import Array
from tests.real_faces import textured


def soft(side: int) -> Array:
    """Detail no finer than four pixels, so that blocks are its only edges."""
    small = Image.fromarray(textured(side // 4, side // 4, 4))
    return np.asarray(small.resize((side, side)))


def save(path: Path, rgb: Array, **options: object) -> Path:
    Image.fromarray(rgb).save(path, "JPEG", **options)
    return path


def block_steps(rgb: Array, offset: int = 0) -> float:
    """How much larger steps of brightness are where 8 px blocks meet than in their middles, which
    enlarging by two or four leaves in the same place."""
    steps = np.abs(np.diff(rgb.astype(float).mean(axis=2), axis=1)).mean(axis=0)
    place = (np.arange(len(steps)) + 1 - offset) % 8
    return float(steps[place == 0].mean() / steps[place == 4].mean())


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [40, 75, 96])
def test_a_file_saved_again_just_so_is_hardly_changed(
    tmp_path: Path, quality: int, subsampling: str
) -> None:
    path = save(tmp_path / "a.jpg", soft(96), quality=quality, subsampling=subsampling)
    history = history_of(path)
    assert history is not None
    assert (history.quality, history.subsampling) == (quality, subsampling)
    assert history.words == f"q{quality} {subsampling}"
    decoded = np.asarray(Image.open(path).convert("RGB"))
    again, other = history.again(decoded), resaved_worse(decoded)
    near, far = (np.abs(x.astype(int) - decoded).mean() for x in (again, other))
    assert near < 1.2
    assert far > 2 * near


def resaved_worse(rgb: Array) -> Array:
    store = io.BytesIO()
    Image.fromarray(rgb).save(store, "JPEG", quality=20)
    return np.asarray(Image.open(store).convert("RGB"))


def test_tables_of_its_own_are_kept(tmp_path: Path) -> None:
    tables = [list(range(10, 74)), list(range(20, 84))]
    history = history_of(save(tmp_path / "a.jpg", textured(64, 64), qtables=tables))
    assert history is not None
    assert history.tables == tuple(map(tuple, tables))


def test_blocks_begin_in_the_corner(tmp_path: Path) -> None:
    history = history_of(save(tmp_path / "a.jpg", textured(64, 64), quality=30))
    assert history is not None
    plain = soft(320)
    blocks = history.again(plain)
    assert block_steps(blocks) > 1.2 * block_steps(plain)
    assert block_steps(blocks) > 1.2 * block_steps(blocks, offset=3)


def test_a_grey_file_makes_grey(tmp_path: Path) -> None:
    Image.fromarray(textured(64, 64)).convert("L").save(tmp_path / "a.jpg", quality=80)
    history = history_of(tmp_path / "a.jpg")
    assert history is not None
    assert history.words == "q80 grey"
    again = history.again(textured(64, 80, 2))
    assert again.shape == (64, 80, 3)
    assert (again == again[..., :1]).all()


def test_turned_pictures_have_no_known_blocks(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert history_of(save(tmp_path / "a.jpg", textured(64, 64), exif=exif)) is None


def test_no_jpeg_has_no_history(tmp_path: Path) -> None:
    Image.fromarray(textured(64, 64)).save(tmp_path / "a.png")
    Image.fromarray(textured(64, 64)).convert("CMYK").save(tmp_path / "c.jpg")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    assert [history_of(tmp_path / name) for name in ("a.png", "b.jpg", "c.jpg", "none")] == [
        None
    ] * 4
