"""Markers of JPEG files: known files read in full, hostile ones without harm."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.media.jpeg_tables import MAX_KEPT, ZIGZAG, JpegTables, read_jpeg_tables
from tests.media.makers import photo


def jpeg(picture: Image.Image | None = None, **how: Any) -> bytes:
    store = io.BytesIO()
    (picture or photo(96, 64)).save(store, "JPEG", **how)
    return store.getvalue()


def read(data: bytes) -> JpegTables:
    tables = read_jpeg_tables(io.BytesIO(data))
    assert tables is not None
    return tables


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_the_tables_are_those_that_pillow_reads(quality: int) -> None:
    data = jpeg(quality=quality)
    tables = read(data)
    with Image.open(io.BytesIO(data)) as picture:
        for number, steps in picture.quantization.items():
            assert list(tables.quantisation[number]) == list(steps)
    assert tables.size_px == (96, 64)
    assert (tables.process, tables.precision_bits) == ("baseline", 8)
    assert tables.sampling == "2x2,1x1,1x1"
    assert tables.huffman == "standard"
    assert tables.complete
    assert tables.n_bytes_after_end == 0
    assert tables.segments[0] == "APP0 JFIF"
    assert tables.luma_table == tables.quantisation[0]
    assert tables.chroma_table == tables.quantisation[1]


def test_what_pillow_can_vary_is_told() -> None:
    assert read(jpeg(optimize=True)).huffman == "own"
    progressive = read(jpeg(progressive=True))
    assert progressive.process == "progressive"
    assert progressive.n_scans > 1
    assert progressive.complete
    assert read(jpeg(subsampling=0)).sampling == "1x1,1x1,1x1"
    assert read(jpeg(dpi=(300, 200))).jfif_density == (1, 300, 200)
    assert read(jpeg(restart_marker_blocks=4)).restart_interval == 4
    assert read(jpeg(photo(96, 64).convert("L"))).sampling == "1x1"
    cmyk = read(jpeg(photo(96, 64).convert("CMYK")))
    assert len(cmyk.components) == 4
    assert cmyk.adobe_transform is not None
    assert read(jpeg(keep_rgb=True)).is_stored_as_rgb
    assert not read(jpeg()).is_stored_as_rgb


def test_zigzag_is_that_of_the_standard() -> None:
    assert ZIGZAG[:10] == (0, 1, 8, 16, 9, 2, 3, 10, 17, 24)
    assert ZIGZAG[-3:] == (55, 62, 63)
    assert sorted(ZIGZAG) == list(range(64))


def test_bytes_after_the_end_and_pictures_in_the_file_are_counted() -> None:
    assert read(jpeg() + b"x" * 77).n_bytes_after_end == 77
    index = b"MPF\0MM\0*" + struct.pack(">IHHHII", 8, 1, 0xB001, 4, 1, 3)
    data = jpeg()
    assert read(data[:2] + segment(0xE2, index) + data[2:]).n_pictures == 3


def test_sixteen_bit_tables_are_read() -> None:
    body = bytes((0x10,)) + struct.pack(">64H", *range(300, 364))
    tables = read(b"\xff\xd8" + segment(0xDB, body))
    assert tables.sixteen_bit
    assert tables.quantisation[0][1] == 301
    assert tables.quantisation[0][8] == 302


def test_a_thumbnail_inside_a_segment_is_no_table_of_the_picture() -> None:
    data = jpeg(quality=90)
    exif = segment(0xE1, b"Exif\0\0" + jpeg(quality=20))
    assert read(data[:2] + exif + data[2:]).luma_table == read(data).luma_table


def test_truncated_files_say_so() -> None:
    data = jpeg()
    for n_bytes in range(2, len(data) - 1, 7):
        tables = read(data[:n_bytes])
        assert not tables.complete
        assert tables.n_bytes_after_end is None


def test_no_jpeg_is_none() -> None:
    assert read_jpeg_tables(io.BytesIO(b"\x89PNG\r\n")) is None
    assert read_jpeg_tables(io.BytesIO(b"")) is None


def test_broken_bytes_never_raise() -> None:
    random = np.random.default_rng(5)
    data = bytearray(jpeg())
    for _ in range(300):
        broken = bytearray(data)
        for at in random.integers(2, len(data), 12):
            broken[at] = random.integers(0, 256)
        read(bytes(broken))


def test_a_flood_of_markers_is_bounded() -> None:
    tables = read(b"\xff\xd8" + segment(0xFE, b"x") * 50_000)
    assert not tables.complete
    assert len(tables.segments) == MAX_KEPT
