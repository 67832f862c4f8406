from __future__ import annotations

import io

import pytest
from PIL import Image

from assay.media.structure import (
    boxes,
    find_box,
    gif_images,
    is_damaged,
    is_encrypted,
    is_truncated,
)
from tests.media.makers import box, photo


def encoded(form: str, **options) -> bytes:
    file = io.BytesIO()
    photo(128, 96).save(file, form, **options)
    return file.getvalue()


def truncated(data: bytes, container: str) -> bool:
    return is_truncated(io.BytesIO(data), container, len(data))


@pytest.mark.parametrize(
    ("form", "container"),
    [("JPEG", "jpeg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp"), ("AVIF", "avif")],
)
def test_every_cut_is_seen_and_the_whole_is_whole(form, container):
    data = encoded(form)
    assert not truncated(data, container)
    for share in (0.3, 0.6, 0.9, 0.99):
        assert truncated(data[: int(len(data) * share)], container)
    assert truncated(data[:-1], container)


def test_a_thumbnails_end_is_not_the_pictures():
    thumbnail = encoded("JPEG")
    exif = b"Exif\0\0" + thumbnail
    data = encoded("JPEG", exif=exif)
    assert data.count(b"\xff\xd9") == 2
    assert not truncated(data, "jpeg")
    assert truncated(data[:-2], "jpeg")


def test_what_follows_the_end_does_no_harm():
    """Phones append a film or a second picture."""
    assert not truncated(encoded("JPEG") + b"trailer" * 1000, "jpeg")
    assert not truncated(encoded("PNG") + b"trailer", "png")


def test_a_size_of_all_ones_means_written_to_a_pipe():
    assert not truncated(b"RIFF\xff\xff\xff\xffWAVE" + bytes(50), "wav")
    assert truncated(b"RIFF\xff\xff\0\0WAVE" + bytes(50), "wav")


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (b"\x18\x53\x80\x67\x84abcd", False),
        (b"\x18\x53\x80\x67\x88abcd", True),
        (b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xffabcd", False),
        (b"\x18\x53\x80\x67\x01\0\0\0\0\0\1\0abcd", True),
    ],
)
def test_matroska_by_its_segment(segment, expected):
    assert truncated(b"\x1aE\xdf\xa3\x84head" + segment, "matroska") == expected


def test_ogg_by_its_last_page():
    page = b"OggS\0" + b"%c" + bytes(20)
    assert not truncated(page % 2 + page % 4, "ogg")
    assert truncated(page % 2 + page % 0, "ogg")


def test_boxes_end_however_they_lie():
    hostile = [
        b"\0\0\0\0moov" + bytes(8),
        b"\0\0\0\1moov" + b"\xff" * 8,
        b"\0\0\0\1moov" + bytes(8),
        b"\0\0\0\2moov" + bytes(8),
        b"\0\0\0\x08free" * 300_000,
    ]
    for data in hostile:
        assert len(list(boxes(io.BytesIO(data), 0, len(data)))) <= 200_000


def test_boxes_by_path():
    data = box(b"ftyp", b"x") + box(b"moov", box(b"udta", b"no"), box(b"trak", b"yes"))
    file = io.BytesIO(data)
    assert find_box(file, (b"moov", b"trak"), len(data)) == b"yes"
    assert find_box(file, (b"moov", b"mdia"), len(data)) == b""


@pytest.mark.parametrize("entry", [b"encv", b"enca", b"drms", b"drmi"])
def test_protected_entries(entry):
    data = box(b"moov", box(b"trak", box(b"stsd", bytes(8), box(entry, bytes(20)))))
    assert is_encrypted(io.BytesIO(data), "mp4", len(data))
    assert not is_encrypted(io.BytesIO(data), "webm", len(data))


def test_words_inside_the_sound_are_no_protection():
    data = box(b"mdat", box(b"encv", b"")) + box(b"moov", box(b"stsd", bytes(8), box(b"avc1", b"")))
    assert not is_encrypted(io.BytesIO(data), "mp4", len(data))


def test_checksums():
    data = bytearray(encoded("PNG"))
    assert not is_damaged(io.BytesIO(data), "png", len(data))
    data[len(data) // 2] ^= 1
    assert is_damaged(io.BytesIO(data), "png", len(data))


def test_a_gif_of_extensions_only_ends():
    head = b"GIF89a\1\0\1\0\0\0\0"
    assert list(gif_images(io.BytesIO(head + b"!\xfe\0" * 1000))) == []
    assert list(gif_images(io.BytesIO(head + b"!\xf9"))) == []
    file = io.BytesIO()
    Image.new("P", (4, 4)).save(file, "GIF")
    assert [part for part, _ in gif_images(file)] == ["image", "end"]
