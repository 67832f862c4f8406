from __future__ import annotations

import io

import pytest
from PIL import Image

from assay.media.exif import read_exif
from assay.media.tags import Tags


def tags_of(block: bytes) -> Tags:
    tags = Tags()
    read_exif(io.BytesIO(block.removeprefix(b"Exif\x00\x00")), tags)
    return tags


@pytest.mark.parametrize("order", ["<", ">"])
def test_it_reads_what_pillow_wrote_in_either_byte_order(order: str) -> None:
    block = Image.Exif()
    block.endian = order
    block[0x010F], block[0x9C9C] = "Nikon", "Grüße".encode("utf-16-le")
    block.get_ifd(0x8769).update({0x9003: "2008:05:30 15:56:01", 0xA002: 4000})
    block.get_ifd(0x8825).update({1: "S", 2: (10.0, 30.0, 0.0), 3: "E", 4: (20.0, 0.0, 36.0)})
    tags = tags_of(block.tobytes())
    found = {tag.name: tag.text for tag in tags.found}
    assert found == {
        "Make": "Nikon",
        "XPComment": "Grüße",
        "DateTimeOriginal": "2008:05:30 15:56:01",
        "PixelXDimension": "4000",
        "Position": "-10.500000 20.010000",
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"ASCII\x00\x00\x00a prompt",
        b"UNICODE\x00" + "a prompt".encode("utf-16-be"),
        b"UNICODE\x00" + "a prompt".encode("utf-16-le"),
        bytes(8) + b"a prompt",
        b"a prompt",
    ],
)
def test_user_comments_in_every_spelling(raw: bytes) -> None:
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9286] = raw
    assert tags_of(block.tobytes()).texts("UserComment") == ["a prompt"]


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="TIFF"):
        tags_of(b"no exif here")


def test_a_directory_that_points_to_itself_ends() -> None:
    entry = b"\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"
    assert tags_of(b"MM\x00*\x00\x00\x00\x08\x00\x01" + entry + b"\x00\x00\x00\x08").found == []


def test_a_count_of_four_thousand_million_reads_no_more_than_there_is() -> None:
    entry = b"\x01\x0f\x00\x02\xff\xff\xff\xff\x00\x00\x00\x00"
    (tag,) = tags_of(b"MM\x00*\x00\x00\x00\x08\x00\x01" + entry + bytes(4)).found
    assert tag.name == "Make"
    assert len(tag.text) < 40


def test_gps_with_a_zero_denominator_gives_no_place() -> None:
    block = Image.Exif()
    block.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (1.0, 2.0, 3.0)})
    data = bytearray(block.tobytes())
    start = data.rfind(b"\x00\x00\x00\x03\x00\x00\x00\x01")
    start = start if start >= 0 else data.rfind(b"\x03\x00\x00\x00\x01\x00\x00\x00")
    data[start + 4 : start + 8] = bytes(4)
    assert tags_of(bytes(data)).texts("Position") == []
