from __future__ import annotations

import io
import zlib

import pytest
from PIL import Image

from assay.media.png_text import inflate, read_png
from assay.media.tags import MAX_BLOCK_BYTES, Tags
from tests.media.tag_makers import png, with_chunk, xmp


def tags_of(data: bytes) -> Tags:
    tags = Tags()
    read_png(io.BytesIO(data), tags)
    return tags


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"tEXt", b"Comment\x00gr\xfc\xdfe"),
        (b"tEXt", b"Comment\x00" + "grüße".encode()),
        (b"zTXt", b"Comment\x00\x00" + zlib.compress("grüße".encode())),
        (b"iTXt", b"Comment\x00\x00\x00de\x00K\x00" + "grüße".encode()),
        (b"iTXt", b"Comment\x00\x01\x00\x00\x00" + zlib.compress("grüße".encode())),
    ],
)
def test_every_kind_of_text(kind: bytes, body: bytes) -> None:
    assert tags_of(with_chunk(png(), kind, body)).texts("Comment") == ["grüße"]


def test_xmp_exif_and_raw_profiles() -> None:
    block = Image.Exif()
    block[0x0131] = "Editor"
    exif, packet = block.tobytes(), xmp('xmp:CreatorTool="GIMP"')
    raw = f"\nexif\n{len(exif):8}\n{exif.hex()}\n".encode()
    data = with_chunk(png(), b"eXIf", exif.removeprefix(b"Exif\x00\x00"))
    data = with_chunk(data, b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + packet)
    data = with_chunk(data, b"zTXt", b"Raw profile type APP1\x00\x00" + zlib.compress(raw))
    tags = tags_of(data)
    assert tags.texts("Software") == ["Editor", "Editor"]
    assert tags.texts("xmp:CreatorTool") == ["GIMP"]
    assert tags.damaged == []


def test_damaged_chunks_are_noted_and_the_next_is_read() -> None:
    data = with_chunk(png(), b"zTXt", b"a\x00\x00no zlib")
    data = with_chunk(
        data, b"zTXt", b"Raw profile type exif\x00\x00" + zlib.compress(b"\nx\n1\nzz")
    )
    tags = tags_of(with_chunk(data, b"tEXt", b"Title\x00kept"))
    assert tags.texts("Title") == ["kept"]
    assert tags.damaged == ["PNG text"]


def test_inflation_is_bounded() -> None:
    assert len(inflate(zlib.compress(bytes(3 * MAX_BLOCK_BYTES)))) == MAX_BLOCK_BYTES
    with pytest.raises(zlib.error):
        inflate(b"nonsense")


def test_no_room_left_inflates_nothing() -> None:
    tags = Tags(room_bytes=100)
    body = b"a\x00\x00" + zlib.compress(bytes(10 * MAX_BLOCK_BYTES))
    read_png(io.BytesIO(with_chunk(png(), b"zTXt", body[:90])), tags)
    assert all(len(tag.text) <= 100 for tag in tags.found)
