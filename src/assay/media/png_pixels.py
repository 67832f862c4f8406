"""A PNG file as its decoder needs it: without the texts, which the decoder would read whole.

A text of 100 MB, or one that inflates to that, must not keep the picture from being examined; the
texts themselves are read, within bounds, by `png_text`.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from typing import BinaryIO

from assay.errors import TooLargeError

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
RAW_PROFILE = b"Raw profile type "  # holds the EXIF orientation in older files
MAX_PROFILE_BYTES = 2**16
MAX_CHUNKS = 2_000_000
SIGNATURE_BYTES = 8


def without_texts(file: BinaryIO) -> BinaryIO:
    """A view of an open PNG file that skips its texts; the file itself where it has none.

    Nothing is copied, and no chunk's content is read. Raises TooLargeError for more than
    two million chunks before the end.
    """
    parts, start, has_text = [], 0, False
    file.seek(SIGNATURE_BYTES)
    for _ in range(MAX_CHUNKS):
        at = file.tell()
        header = file.read(8)
        if len(header) < 8 or header[4:] == b"IEND":
            break
        n_bytes = int.from_bytes(header[:4], "big")
        if header[4:] in TEXTS and not _is_profile(file, n_bytes):
            has_text = True
            parts.append((start, at))
            start = at + n_bytes + 12
        file.seek(at + n_bytes + 12)
    else:
        raise TooLargeError(f"The PNG file has more than {MAX_CHUNKS:,} chunks.")
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    parts = [(first, last) for first, last in (*parts, (start, end)) if last > first]
    return io.BufferedReader(_Parts(file, parts)) if has_text else file


def _is_profile(file: BinaryIO, n_bytes: int) -> bool:
    return n_bytes <= MAX_PROFILE_BYTES and file.read(len(RAW_PROFILE)) == RAW_PROFILE


class _Parts(io.RawIOBase):
    """Stretches of a file, one after the other, as one file for reading."""

    def __init__(self, file: BinaryIO, parts: list[tuple[int, int]]) -> None:
        self._file, self._at, self._length = file, 0, 0
        self._parts, self._begins = parts, []
        for first, last in parts:
            self._begins.append(self._length)
            self._length += last - first

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._at >= self._length:
            return 0
        number = bisect_right(self._begins, self._at) - 1
        first, last = self._parts[number]
        place = first + self._at - self._begins[number]
        self._file.seek(place)
        data = self._file.read(min(len(buffer), last - place))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
