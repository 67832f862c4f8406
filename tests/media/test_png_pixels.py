from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from assay.errors import TooLargeError
from assay.media import png_pixels
from assay.media.image import read_image
from assay.media.png_pixels import without_texts
from assay.media.probe import probe


def chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(kind + data)
    return len(data).to_bytes(4, "big") + kind + data + crc.to_bytes(4, "big")


def picture(**texts: str) -> tuple[np.ndarray, bytes]:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=True)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", pnginfo=info)
    return rgb, buffer.getvalue()


def inserted(data: bytes, *chunks: bytes) -> bytes:
    """The chunks directly after the header, before all else."""
    return data[:33] + b"".join(chunks) + data[33:]


def test_a_file_without_texts_is_itself() -> None:
    file = io.BytesIO(picture()[1])
    assert without_texts(file) is file
    assert file.tell() == 0


def test_all_but_the_texts_stays_and_can_be_read_anywhere() -> None:
    _rgb, bare = picture()
    between = inserted(bare, chunk(b"tEXt", b"a\0b"), chunk(b"gAMA", bytes(4)), chunk(b"iTXt", b""))
    kept = inserted(bare, chunk(b"gAMA", bytes(4)))
    view = without_texts(io.BytesIO(between))
    assert view.read() == kept
    for start in (0, 8, 30, 33, 40, len(kept) - 1, len(kept), len(kept) + 9):
        view.seek(start)
        assert view.read(7) == kept[start : start + 7]
    assert view.seek(-5, io.SEEK_END) == len(kept) - 5


@pytest.mark.parametrize(
    "text",
    [
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))),
        chunk(b"tEXt", b"a\0" + bytes(80_000_000)),
        chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(50_000_000))),
    ],
    ids=["packed", "plain", "international"],
)
def test_a_picture_behind_a_flood_of_text_is_examined(tmp_path: Path, text: bytes) -> None:
    rgb, bare = picture(Comment="x")
    path = tmp_path / "a.png"
    path.write_bytes(inserted(bare, text))
    frame = read_image(probe(str(path)), 200.0)
    np.testing.assert_array_equal(frame.rgb, rgb)


def test_an_old_profile_still_turns_the_picture() -> None:
    _rgb, bare = picture()
    profile = chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 2\n4578\n")
    assert without_texts(io.BytesIO(inserted(bare, profile))).read() == inserted(bare, profile)


def test_a_file_that_ends_within_a_text_ends_there() -> None:
    _rgb, bare = picture()
    torn = bare[:33] + (10**6).to_bytes(4, "big") + b"tEXt" + b"abc"
    assert without_texts(io.BytesIO(torn)).read() == bare[:33]


def test_too_many_chunks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_pixels, "MAX_CHUNKS", 5)
    _rgb, bare = picture()
    flood = inserted(bare, *[chunk(b"tEXt", b"")] * 9)
    with pytest.raises(TooLargeError, match="chunks"):
        without_texts(io.BytesIO(flood))
