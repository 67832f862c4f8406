from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.training.datasets.jpeg_history import (
    Twins,
    block_steps,
    history_of,
    main,
    separation,
    twins_of,
)
from assay.types import Array
from tests.real_faces import textured
from tests.training.makers import write_manifest


def soft(side: int) -> Array:
    """Detail no finer than four pixels, so that blocks are its only edges."""
    small = Image.fromarray(textured(side // 4, side // 4, 4))
    return np.asarray(small.resize((side, side)))


def save(path: Path, rgb: Array, **options: object) -> Path:
    Image.fromarray(rgb).save(path, "JPEG", **options)
    return path


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
    assert abs(block_steps(plain)) < 0.05
    assert block_steps(blocks) > 0.2
    assert abs(block_steps(blocks[2:-6, 2:-6])) < 0.05  # on another grid


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


def test_enlarging_is_not_taken_for_blocks() -> None:
    for side in (2, 4):
        small = Image.fromarray(textured(240 // side, 240 // side, 3))
        for way in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC):
            assert abs(block_steps(np.asarray(small.resize((240, 240), way)))) < 0.12


def forged_set(folder: Path) -> Path:
    rows = []
    for number in range(6):
        plain = textured(96, 96, number)
        save(folder / f"{number}.jpg", plain, quality=97, subsampling=0)
        blocks = np.asarray(Image.open(save(folder / "x.jpg", plain, quality=15)).convert("RGB"))
        save(folder / f"{number}.genuine.jpg", blocks, quality=97, subsampling=0)
        note = "JPEG q15 4:2:0" if number % 2 else "nothing told"
        rows.append({"path": f"{number}.jpg", "label": "fake", "note": note})
    write_manifest(folder, [*rows, {"path": "x.jpg"}])
    return folder


def test_blocks_in_one_twin_tell_them_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn", reason="the train extra is not installed")
    twins = list(twins_of(forged_set(tmp_path)))
    assert [twin.quality for twin in twins] == [0, 15] * 3
    assert separation(twins) == (1.0, 1.0)
    turned = [Twins(0, twin.fake, twin.genuine) for twin in twins]
    assert separation(turned) == (0.0, 0.0)
    assert separation(twins + turned) == pytest.approx((0.5, 0.5))
    main([str(tmp_path)])
    said = capsys.readouterr().out
    assert "quality all: 6 pairs, AUC 1.000, twin has more 100.0%" in said
    assert "quality 1-79: 3 pairs" in said
