from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pi_heif
import pytest
from PIL import Image, features

from assay.media.tags import Tags, read_tags
from tests.media.tag_makers import (
    iptc_record,
    jpeg,
    media_at,
    photoshop_block,
    scene,
    with_segment,
    xmp,
)

PACKET = xmp('xmp:CreatorTool="GIMP 2"')


def named(program: str) -> bytes:
    block = Image.Exif()
    block[0x0131] = program
    return block.tobytes()


def tags_of(tmp_path: Path, data: bytes, name: str) -> Tags:
    path = tmp_path / name
    path.write_bytes(data)
    return read_tags(media_at(path))


@pytest.mark.parametrize(("form", "name"), [("WEBP", "a.webp"), ("AVIF", "a.avif")])
def test_exif_and_xmp_of_modern_pictures(tmp_path: Path, form: str, name: str) -> None:
    if not features.check(form.lower()):
        pytest.skip(f"this Pillow has no {form}")
    out = io.BytesIO()
    scene().save(out, form, exif=named("Editor"), xmp=PACKET)
    tags = tags_of(tmp_path, out.getvalue(), name)
    assert tags.texts("Software") == ["Editor"]
    assert tags.texts("xmp:CreatorTool") == ["GIMP 2"]
    assert tags.damaged == []


def test_heic_blocks_come_from_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pi_heif cannot write: what is tested here is the road from its blocks to the tags.
    info = {"exif": named("Editor"), "xmp": PACKET}
    opened = SimpleNamespace(info=info)
    monkeypatch.setattr(pi_heif, "open_heif", lambda _file: opened)
    tags = tags_of(tmp_path, b"\x00\x00\x00\x18ftypheic", "a.heic")
    assert tags.texts("Software", "xmp:CreatorTool") == ["Editor", "GIMP 2"]


def test_tiff_directory_is_the_file(tmp_path: Path) -> None:
    out = io.BytesIO()
    scene().save(out, "TIFF", tiffinfo={0x0131: "Editor", 700: PACKET})
    tags = tags_of(tmp_path, out.getvalue(), "a.tif")
    assert set(tags.texts("Software", "xmp:CreatorTool")) == {"Editor", "GIMP 2"}


def test_gif_comment(tmp_path: Path) -> None:
    out = io.BytesIO()
    scene().save(out, "GIF", comment=b"hello")
    assert tags_of(tmp_path, out.getvalue(), "a.gif").texts("Comment") == ["hello"]


def test_jpeg_comment_and_fill_bytes(tmp_path: Path) -> None:
    data = with_segment(jpeg(), 0xFE, b"a comment")
    data = data[:2] + b"\xff\xff" + data[2:]
    assert tags_of(tmp_path, data, "a.jpg").texts("Comment") == ["a comment"]


def test_parts_of_an_extended_packet_are_put_in_order(tmp_path: Path) -> None:
    packet, data = xmp('dc:format="image/jpeg"'), jpeg()
    cut = len(packet) // 2
    for offset, part in ((0, packet[:cut]), (cut, packet[cut:])):
        lead = b"http://ns.adobe.com/xmp/extension/\x00" + b"A" * 32
        sizes = len(packet).to_bytes(4, "big") + offset.to_bytes(4, "big")
        data = with_segment(data, 0xE1, lead + sizes + part)
    tags = tags_of(tmp_path, data, "a.jpg")
    assert tags.texts("dc:format") == ["image/jpeg"]
    assert tags.damaged == []


def test_iptc_split_over_two_segments(tmp_path: Path) -> None:
    block, data = photoshop_block(iptc_record(110, "A credit")), jpeg()
    for part in (block[9:], block[:9]):
        data = with_segment(data, 0xED, b"Photoshop 3.0\x00" + part)
    assert tags_of(tmp_path, data, "a.jpg").texts("Credit") == ["A credit"]


def test_thousands_of_segments_end(tmp_path: Path) -> None:
    data = jpeg()
    segment = with_segment(b"\xff\xd8", 0xE1, b"Exif\x00\x00" + b"\xff" * 60_000)[2:]
    tags = tags_of(tmp_path, data[:2] + segment * 1500 + data[2:], "a.jpg")
    assert tags.room_bytes < 70_000
