from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.media import stealth_text
from assay.media.stealth_text import read_stealth_text


def hide(path: Path, mark: bytes, text: bytes, is_packed: bool) -> Path:
    body = gzip.compress(text) if is_packed else text
    message = mark + (len(body) * 8).to_bytes(4, "big") + body
    bits = np.unpackbits(np.frombuffer(message, np.uint8))
    pixels = np.full((40, 60, 4), 254, np.uint8)
    is_alpha = b"png" in mark
    layer = pixels[:, :, 3:] if is_alpha else pixels[:, :, :3]
    flat = layer.transpose(1, 0, 2).reshape(-1).copy()
    flat[: len(bits)] |= bits
    layer[:] = flat.reshape(60, 40, -1).transpose(1, 0, 2)
    Image.fromarray(pixels if is_alpha else pixels[:, :, :3].copy()).save(path)
    return path


@pytest.mark.parametrize(("mark", "is_packed"), stealth_text.MARKS.items())
def test_each_way_of_hiding(tmp_path: Path, mark: bytes, is_packed: bool) -> None:
    path = hide(tmp_path / "a.png", mark, b"Steps: 20, Sampler: x", is_packed)
    assert read_stealth_text(str(path)) == "Steps: 20, Sampler: x"


def test_an_ordinary_picture_hides_nothing(tmp_path: Path) -> None:
    Image.effect_noise((40, 40), 50).convert("RGBA").save(tmp_path / "a.png")
    assert read_stealth_text(str(tmp_path / "a.png")) == ""


def test_a_length_beyond_the_picture_gives_what_there_is(tmp_path: Path) -> None:
    path = hide(tmp_path / "a.png", b"stealth_pnginfo", b"abc", False)
    pixels = np.array(Image.open(path))
    alpha = pixels[:, :, 3].T.reshape(-1).copy()
    alpha[15 * 8 : 19 * 8] |= 1
    pixels[:, :, 3] = alpha.reshape(60, 40).T
    Image.fromarray(pixels).save(path)
    assert read_stealth_text(str(path)).startswith("abc")


def test_large_pictures_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hide(tmp_path / "a.png", b"stealth_pnginfo", b"abc", False)
    monkeypatch.setattr(stealth_text, "MAX_PIXELS", 100)
    assert read_stealth_text(str(path)) == ""
