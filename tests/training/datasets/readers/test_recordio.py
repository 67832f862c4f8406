"""RecordIO: the labels behind the header, and everything that can be wrong with a record."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.recordio import MAGIC, RecordFile, read_index

from .made_image_sets import TINY_JPEG, rec_record


def read(path: Path, raw: bytes, *offsets: int) -> tuple[list[tuple[float, ...]], dict[str, int]]:
    path.write_bytes(raw)
    file = RecordFile(path)
    found = file.records(dict(enumerate(offsets or (0,))), pictures=True)
    return [packed.labels for packed in found], dict(file.faults)


def test_a_part_is_exactly_the_payload(tmp_path: Path) -> None:
    first, second = rec_record([5, 0], TINY_JPEG), rec_record([], TINY_JPEG + b"!", label=9)
    (tmp_path / "a.rec").write_bytes(first + second)
    found = RecordFile(tmp_path / "a.rec").records({0: 0, 1: len(first)}, pictures=True)
    raw = (tmp_path / "a.rec").read_bytes()
    parts = [raw[p.part.offset : p.part.offset + p.part.length] for p in found]
    assert parts == [TINY_JPEG, TINY_JPEG + b"!"]


def test_labels_behind_the_header_count_before_its_own(tmp_path: Path) -> None:
    two = rec_record([5, 0], TINY_JPEG, label=1)
    none = rec_record([], TINY_JPEG, label=9)
    assert read(tmp_path / "a.rec", two + none, 0, len(two)) == ([(5, 0), (9,)], {})


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "beyond_end"),
        (rec_record([1], TINY_JPEG)[:-20], "beyond_end"),
        (rec_record([1], TINY_JPEG)[:12], "beyond_end"),
        (b"\0" * 64, "wrong_magic"),
        (struct.pack("<II", MAGIC, 1 << 29 | 40) + b"\0" * 40, "split_record"),
        (struct.pack("<II", MAGIC, (1 << 29) - 1) + b"\0" * 40, "beyond_end"),
        (rec_record([1], TINY_JPEG, flag=0xFFFFFFFF), "absurd_header"),
        (rec_record([], b"", flag=60), "absurd_header"),
        (rec_record([1], b"GIF89a, and more"), "no_picture"),
        (rec_record([1], b""), "no_picture"),
    ],
)
def test_a_fault_is_counted_by_its_name(tmp_path: Path, raw: bytes, fault: str) -> None:
    assert read(tmp_path / "a.rec", raw) == ([], {fault: 1})


def test_offsets_outside_of_the_file_are_counted(tmp_path: Path) -> None:
    raw = rec_record([1], TINY_JPEG)
    labels, faults = read(tmp_path / "a.rec", raw, 0, 1 << 40, len(raw))
    assert labels == [(1,)]
    assert faults == {"beyond_end": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0\t0\n1\n", "line 2"),
        ("0\t0\n1\t-8\n", "line 2"),
        ("0\t0\nx\t8\n", "line 2"),
        ("0\t0\n٣\t8\n", "line 2"),
        ("0\t0\n0\t8\n", "two offsets"),
        ("\n\n", "empty"),
    ],
)
def test_a_broken_index_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.idx").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as refused:
        read_index(tmp_path / "a.idx")
    assert "a.idx" in str(refused.value)


def test_an_index_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.idx").write_bytes(b"\xef\xbb\xbf0\t0\r\n1\t64\r\n")
    assert read_index(tmp_path / "a.idx") == {0: 0, 1: 64}
