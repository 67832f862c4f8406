from __future__ import annotations

import io
import struct

import pytest

from assay.media.tags import MAX_BLOCK_BYTES, Tags
from assay.media.tiff_directory import DirectoryReader, read_at


def reader_of(data: bytes) -> DirectoryReader:
    return DirectoryReader(io.BytesIO(data), "big", Tags())


def directory(*entries: tuple[int, int, int, int], n_said: int | None = None) -> bytes:
    count = len(entries) if n_said is None else n_said
    body = b"".join(struct.pack(">HHII", *entry) for entry in entries)
    return struct.pack(">H", count) + body + bytes(4)


def test_numbers_texts_and_the_next_directory() -> None:
    data = directory((1, 4, 1, 77), (2, 2, 6, 30)) + b"hello\x00"
    reader = reader_of(data)
    entries, following = reader.entries(0, {2})
    assert following == 0
    assert reader.integer(entries, 1) == 77
    assert [reader.text(one) for one in entries] == ["77", "hello"]


def test_unwanted_bytes_are_not_read() -> None:
    reader = reader_of(directory((2, 2, 6, 30)) + b"hello\x00")
    ((entry,), _) = reader.entries(0, ())
    assert entry.data == b""
    assert entry.at == 30


def test_no_directory_is_read_twice() -> None:
    reader = reader_of(directory((1, 4, 1, 77)))
    assert reader.entries(0, ())[0]
    assert reader.entries(0, ()) == ([], 0)
    assert reader.tags.damaged == ["EXIF: a directory that leads back to itself"]


@pytest.mark.parametrize("n_said", [600, 65_535])
def test_a_false_count_is_noted(n_said: int) -> None:
    reader = reader_of(directory((1, 4, 1, 77), n_said=n_said))
    entries, _ = reader.entries(0, ())
    assert len(entries) == 1
    assert reader.n_faults == 1
    assert str(n_said) in reader.tags.damaged[0]


def test_faults_are_counted_where_they_are_not_told() -> None:
    reader = reader_of(directory((2, 2, 5000, 30)))
    reader.is_damage_told = False
    reader.entries(0, {2})
    assert (reader.n_faults, reader.tags.damaged) == (1, [])


def test_reading_is_bounded() -> None:
    assert len(read_at(io.BytesIO(bytes(2 * MAX_BLOCK_BYTES)), 0, 2**40)) == MAX_BLOCK_BYTES
