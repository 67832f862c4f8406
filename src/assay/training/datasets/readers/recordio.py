"""Read MXNet's RecordIO with its index: the packed form in which InsightFace gives face sets.

A file is records of: uint32 magic, uint32 of 3 bits (0: whole) and 29 bits length, the payload,
zeros up to a multiple of 4. A payload starts with uint32 flag, float32 label, uint64 id, uint64
id2; with flag > 0 so many float32 labels follow and the scalar one is not meant.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers.label_files import lines_of
from assay.training.datasets.records import Bytes

MAGIC = 0xCED7230A
_FRAME = struct.Struct("<II")
_HEADER = struct.Struct("<IfQQ")
_MOST_LABELS = 64
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG")


@dataclass(frozen=True, slots=True)
class Packed:
    """One record: its number in the index, its labels, and where its payload lies behind them."""

    key: int
    labels: tuple[float, ...]
    part: Bytes


def read_index(path: Path) -> dict[int, int]:
    """{key: offset in bytes} of a `.idx` file of lines `key<TAB>offset`.

    Raises ConfigError, naming the line, where a line is something else or a key comes twice.
    """
    found: dict[int, int] = {}
    for line, text in lines_of(path):
        fields = text.split()
        if len(fields) != 2 or not all(f.isascii() and f.isdigit() for f in fields):
            raise ConfigError(f"{path}, line {line}: {text[:60]!r} is no key and offset.")
        key, offset = (int(field[:20]) for field in fields)
        if found.setdefault(key, offset) != offset:
            raise ConfigError(f"{path}, line {line}: the key {key} has two offsets.")
    if not found:
        raise ConfigError(f"{path} is empty.")
    return found


class RecordFile:
    """A `.rec` file. `faults` counts what was not read, by a code."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: Counter[str] = Counter()
        self.size_bytes = path.stat().st_size

    def records(self, offsets: dict[int, int], *, pictures: bool) -> Iterator[Packed]:
        """The records at these offsets, in order of the file; a faulty one is counted.

        With `pictures` only those whose payload begins as a JPEG or a PNG does.
        """
        with self.path.open("rb", buffering=0) as file:
            for key, offset in sorted(offsets.items(), key=lambda pair: pair[1]):
                packed = self._record(file, key, offset)
                if isinstance(packed, str):
                    self.faults[packed] += 1
                elif pictures and not _begins_a_picture(file, packed.part):
                    self.faults["no_picture"] += 1
                else:
                    yield packed

    def _record(self, file: FileIO, key: int, offset: int) -> Packed | str:
        """The record, or the code of what is wrong with it."""
        if offset + _FRAME.size + _HEADER.size > self.size_bytes:
            return "beyond_end"
        head = _read(file, _FRAME.size + _HEADER.size + 4 * _MOST_LABELS, offset)
        if len(head) < _FRAME.size + _HEADER.size:
            return "beyond_end"
        magic, word = _FRAME.unpack_from(head)
        length = word & ((1 << 29) - 1)
        if magic != MAGIC:
            return "wrong_magic"
        if word >> 29:
            return "split_record"
        n_labels, label, _, _ = _HEADER.unpack_from(head, _FRAME.size)
        before = _HEADER.size + 4 * n_labels
        if n_labels > _MOST_LABELS or length < before:
            return "absurd_header"
        if offset + _FRAME.size + length > self.size_bytes:
            return "beyond_end"
        at = _FRAME.size + _HEADER.size
        labels = struct.unpack_from(f"<{n_labels}f", head, at) if n_labels else (label,)
        return Packed(key, labels, Bytes(offset + _FRAME.size + before, length - before))


def _begins_a_picture(file: FileIO, part: Bytes) -> bool:
    return part.length > 4 and _read(file, 4, part.offset).startswith(_PICTURES)


def _read(file: FileIO, n_bytes: int, offset: int) -> bytes:
    file.seek(offset)
    return file.read(n_bytes)
