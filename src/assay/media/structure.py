"""Containers walked by their own length fields: is the end missing, is the content encrypted.

Nothing is decoded here and no length in the file is trusted: every walk is bounded.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

_MAX_PARTS = 200_000
_TAIL_BYTES = 65_536
_WHOLE_BYTES = 64 << 20
_LONGEST_MOOV_BYTES = 64 << 20
_ENCRYPTED_ENTRY = re.compile(rb"sinf.{4}frma|[\0-\x03].{2}(?:encv|enca|drms|drmi)", re.DOTALL)


def is_truncated(file: BinaryIO, container: str, n_bytes: int) -> bool:
    """Whether the file ends before its own structure says it does.

    False where the format cannot tell (MP3, MPEG streams, TIFF).
    """
    test = _TESTS.get(container)
    if test is None:
        return False
    try:
        return test(file, n_bytes)
    finally:
        file.seek(0)


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """ISO base media boxes between two offsets: (type, start of the body, stated end)."""
    for _ in range(_MAX_PARTS):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        size, body = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < body:
            return
        yield header[4:8], body, stop
        start = stop


def find_box(file: BinaryIO, path: tuple[bytes, ...], n_bytes: int) -> bytes:
    """The body of the first box at a path such as (b"moov", b"trak"); empty where there is none."""
    start, end = 0, n_bytes
    for wanted in path:
        found = next((b for b in boxes(file, start, end) if b[0] == wanted), None)
        if found is None:
            return b""
        start, end = found[1], min(found[2], n_bytes)
    file.seek(start)
    return file.read(min(end - start, _LONGEST_MOOV_BYTES))


def is_encrypted(file: BinaryIO, container: str, n_bytes: int) -> bool:
    """Whether an MP4 or MOV declares protected tracks (CENC, FairPlay)."""
    if container not in ("mp4", "mov"):
        return False
    found = _ENCRYPTED_ENTRY.search(find_box(file, (b"moov",), n_bytes))
    file.seek(0)
    return found is not None


def png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """PNG chunks: (type, start of the data, its length)."""
    start = 8
    for _ in range(_MAX_PARTS):
        file.seek(start)
        header = file.read(8)
        if len(header) < 8:
            return
        length = int.from_bytes(header[:4], "big")
        yield header[4:], start + 8, length
        start += 12 + length


def is_damaged(file: BinaryIO, container: str, n_bytes: int) -> bool:
    """Whether a checksum inside the file is wrong; only PNG has ones that are always there.

    Decoders pass over it in silence and leave the rest of the picture black.
    """
    if container != "png":
        return False
    for _, start, length in png_chunks(file):
        if start + length + 4 > n_bytes:
            break
        file.seek(start - 4)
        checksum, left = 0, length + 4
        while left > 0:
            piece = file.read(min(left, 1 << 20))
            checksum, left = zlib.crc32(piece, checksum), left - len(piece)
        if checksum != int.from_bytes(file.read(4), "big"):
            return True
    return False


def riff_chunks(file: BinaryIO, n_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Chunks of a RIFF file: (type, start of the data, its length)."""
    start = 12
    for _ in range(_MAX_PARTS):
        if start + 8 > n_bytes:
            return
        file.seek(start)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        yield header[:4], start + 8, length
        start += 8 + length + length % 2


def gif_images(file: BinaryIO) -> Iterator[tuple[str, float]]:
    """The images of a GIF as ("image", its delay in seconds), then ("end", 0.0) if it is there."""
    file.seek(6)
    screen = file.read(7)
    if len(screen) < 7:
        return
    _skip_palette(file, screen[4])
    delay_s = 0.0
    for _ in range(_MAX_PARTS):
        block = file.read(1)
        if block == b";":
            yield "end", 0.0
            return
        if block == b"!":
            if file.read(1) == b"\xf9":
                delay_s = int.from_bytes(file.read(6)[2:4], "little") / 100
            elif not _skip_sub_blocks(file):
                return
        elif block == b",":
            _skip_palette(file, (file.read(9) or b"\0")[-1])
            file.read(1)
            complete = _skip_sub_blocks(file)
            yield "image", delay_s
            if not complete:
                return
        elif block != b"\0":
            return


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_sub_blocks(file: BinaryIO) -> bool:
    while length := file.read(1):
        if length == b"\0":
            return True
        file.seek(length[0], 1)
    return False


def _boxes_cut(file: BinaryIO, n_bytes: int) -> bool:
    return any(end > n_bytes for _, _, end in boxes(file, 0, n_bytes))


def _riff_cut(file: BinaryIO, n_bytes: int) -> bool:
    file.seek(4)
    stated = int.from_bytes(file.read(4), "little")
    return 0 < stated < 0xFFFFFFFF and stated + 8 > n_bytes  # 0 and all ones: written to a pipe


def _png_cut(file: BinaryIO, n_bytes: int) -> bool:
    for kind, start, length in png_chunks(file):
        if start + length + 4 > n_bytes:
            return True
        if kind == b"IEND":
            return False
    return True


def _gif_cut(file: BinaryIO, n_bytes: int) -> bool:
    return all(part != "end" for part, _ in gif_images(file))


def _jpeg_cut(file: BinaryIO, n_bytes: int) -> bool:
    """No end-of-image marker behind the first scan (one inside a thumbnail does not count)."""
    scan = jpeg_scan_start(file)
    if scan is None:
        return True
    file.seek(scan if n_bytes <= _WHOLE_BYTES else max(scan, n_bytes - (4 << 20)))
    return b"\xff\xd9" not in file.read(_WHOLE_BYTES)


def jpeg_scan_start(file: BinaryIO) -> int | None:
    """The offset of a JPEG's first start-of-scan marker, None where none is reached."""
    at = 2
    for _ in range(_MAX_PARTS):
        file.seek(at)
        header = file.read(4)
        if len(header) < 4 or header[0] != 0xFF:
            return None
        if header[1] == 0xFF:  # fill byte
            at += 1
        elif header[1] == 0xDA:
            return at
        elif header[1] == 0x01 or 0xD0 <= header[1] <= 0xD7:
            at += 2
        else:
            at += 2 + int.from_bytes(header[2:4], "big")
    return None


def _ogg_cut(file: BinaryIO, n_bytes: int) -> bool:
    """The last page does not carry the end-of-stream flag."""
    file.seek(max(0, n_bytes - _TAIL_BYTES))
    tail = file.read()
    last = tail.rfind(b"OggS")
    return last < 0 or len(tail) < last + 6 or not tail[last + 5] & 4


def _ebml_cut(file: BinaryIO, n_bytes: int) -> bool:
    file.seek(0)
    head = file.read(4096)
    length, width = _ebml_size(head, 4)
    segment = 4 + width + length
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return False
    length, width = _ebml_size(head, segment + 4)
    unknown = length == (1 << 7 * width) - 1
    return not unknown and segment + 4 + width + length > n_bytes


def _ebml_size(head: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and how many bytes it takes."""
    first = head[at] if at < len(head) else 0x80
    width = 9 - first.bit_length()
    value = int.from_bytes(head[at : at + width], "big") & ((1 << 7 * width) - 1)
    return value, width


_TESTS = {
    "jpeg": _jpeg_cut,
    "png": _png_cut,
    "gif": _gif_cut,
    "webp": _riff_cut,
    "wav": _riff_cut,
    "avi": _riff_cut,
    "mp4": _boxes_cut,
    "mov": _boxes_cut,
    "heic": _boxes_cut,
    "avif": _boxes_cut,
    "webm": _ebml_cut,
    "matroska": _ebml_cut,
    "ogg": _ogg_cut,
}
