"""Refuse containers with so many tags that the demuxer would take hours to read them.

FFmpeg looks at every tag it has for each tag it adds: a hundred thousand, which fit into one
megabyte, take it minutes, and nothing can interrupt it. So they are counted beforehand, by the
counts and sizes that the container itself gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from assay.errors import TooLargeError
from assay.media.structure import boxes, find_box

MAX_TAGS = 5000
MAX_PARTS = 100_000
MAX_LOOK_BYTES = 64 * 2**20
OGG_LOOK_BYTES = 16 * 2**20
APE_FOOTER_BYTES, ID3V1_BYTES = 32, 128
# A SimpleTag of Matroska begins, soon followed by its name.
SIMPLE_TAG = re.compile(rb"\x67\xc8[\x01-\xff].{0,8}?\x45\xa3", re.DOTALL)
SEGMENT, TAGS = b"\x18\x53\x80\x67", b"\x12\x54\xc3\x67"
COMMENT_HEADS = (b"\x03vorbis", b"OpusTags", b"\x81theora")


def refuse_tag_flood(file: BinaryIO, container: str, n_bytes: int) -> None:
    """Raise TooLargeError where the file holds more than MAX_TAGS tags; the file is rewound."""
    try:
        n_tags = max(_count_id3(file), _count_ape(file, n_bytes), _count(file, container, n_bytes))
    finally:
        file.seek(0)
    if n_tags > MAX_TAGS:
        raise TooLargeError(f"The file holds {n_tags} tags or more; {MAX_TAGS} are read at most.")


def _count(file: BinaryIO, container: str, n_bytes: int) -> int:
    file.seek(0)
    head = file.read(12)
    if head[:4] == b"fLaC" or container == "flac":
        return _count_flac(file)
    if head[:4] == b"OggS":
        return _count_ogg(file)
    if head[:4] in (b"RIFF", b"RF64", b"RIFX", b"FORM"):
        return _count_riff(file, n_bytes, "big" if head[:4] in (b"FORM", b"RIFX") else "little")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _count_matroska(file, n_bytes)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return _count_boxes(file, n_bytes)
    return 0


def _count_id3(file: BinaryIO, at: int = 0) -> int:
    """Frames of the ID3v2 tags at the start of any file, or of a chunk."""
    n_frames = 0
    for _ in range(16):
        file.seek(at)
        head = file.read(10)
        if head[:3] != b"ID3":
            return n_frames
        size = _synchsafe(head[6:10])
        n_frames += _frames(file.read(min(size, MAX_LOOK_BYTES)), head[3])
        at += 10 + size
    return n_frames


def _frames(body: bytes, version: int) -> int:
    lead, width = (6, 3) if version == 2 else (10, 4)
    at = n_frames = 0
    while at + lead <= len(body) and body[at] and n_frames <= MAX_TAGS:
        raw = body[at + width : at + 2 * width]
        at += lead + (_synchsafe(raw) if version == 4 else int.from_bytes(raw, "big"))
        n_frames += 1
    return n_frames


def _synchsafe(raw: bytes) -> int:
    return sum((byte & 127) << 7 * at for at, byte in enumerate(reversed(raw)))


def _count_ape(file: BinaryIO, n_bytes: int) -> int:
    """What an APE tag at the end of any file claims to hold."""
    for behind in (APE_FOOTER_BYTES, APE_FOOTER_BYTES + ID3V1_BYTES):
        if n_bytes >= behind:
            file.seek(n_bytes - behind)
            foot = file.read(APE_FOOTER_BYTES)
            if foot[:8] == b"APETAGEX":
                return int.from_bytes(foot[16:20], "little")
    return 0


def _count_flac(file: BinaryIO) -> int:
    n_tags, start = 0, 0
    file.seek(0)
    head = file.read(10)
    if head[:3] == b"ID3":
        start = 10 + _synchsafe(head[6:10])
    at = start + 4
    for _ in range(MAX_PARTS):
        file.seek(at)
        head = file.read(4)
        if len(head) < 4:
            break
        size = int.from_bytes(head[1:], "big")
        if head[0] & 127 == 4:
            n_tags += _comments(file.read(size))
        at += 4 + size
        if head[0] & 128:
            break
    return n_tags


def _comments(body: bytes) -> int:
    """How many comments a Vorbis comment block says it holds, as far as its bytes allow."""
    at = 4 + int.from_bytes(body[:4], "little")
    room = max(0, len(body) - at - 4) // 4
    return min(int.from_bytes(body[at : at + 4], "little"), room)


def _count_ogg(file: BinaryIO) -> int:
    """Comments of all headers in the first packets, put together from their pages."""
    file.seek(0)
    data = file.read(OGG_LOOK_BYTES)
    whole: dict[bytes, bytearray] = {}
    at = 0
    for _ in range(MAX_PARTS):
        if data[at : at + 4] != b"OggS" or len(data) < at + 27:
            break
        table = data[at + 27 : at + 27 + data[at + 26]]
        body_at = at + 27 + len(table)
        stream = whole.setdefault(data[at + 14 : at + 18], bytearray())
        stream += data[body_at : body_at + sum(table)]
        at = body_at + sum(table)
    return sum(_comments_after(bytes(stream)) for stream in list(whole.values())[:64])


def _comments_after(stream: bytes) -> int:
    starts = ((stream.find(mark), len(mark)) for mark in COMMENT_HEADS)
    return sum(_comments(stream[at + n_mark :]) for at, n_mark in starts if at >= 0)


def _count_riff(file: BinaryIO, n_bytes: int, order: str) -> int:
    """Entries of INFO lists in WAV and AVI, text chunks of AIFF."""
    n_tags, at = 0, 12
    for _ in range(MAX_PARTS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 8 or at >= n_bytes:
            return n_tags
        size = int.from_bytes(head[4:8], order)  # type: ignore[arg-type]
        if head[:4] == b"LIST" and head[8:] == b"INFO":
            n_tags += sum(1 for _ in _chunks(file, at + 12, min(at + 8 + size, n_bytes), order))
        elif head[:4].lower() == b"id3 ":
            n_tags += _count_id3(file, at + 8)
        elif head[:4] in (b"ANNO", b"NAME", b"AUTH", b"(c) "):
            n_tags += 1
        at += 8 + size + (size & 1)
    return MAX_TAGS + 1


def _chunks(file: BinaryIO, at: int, end: int, order: str) -> Iterator[int]:
    for _ in range(MAX_TAGS + 1):
        if at + 8 > end:
            return
        file.seek(at + 4)
        size = int.from_bytes(file.read(4), order)  # type: ignore[arg-type]
        yield size
        at += 8 + size + (size & 1)


def _count_boxes(file: BinaryIO, n_bytes: int) -> int:
    """Values of iTunes and QuickTime metadata, by their "data" boxes anywhere in "moov"."""
    n_tags = find_box(file, (b"moov",), n_bytes).count(b"data\x00\x00\x00")
    for kind, start, stop in boxes(file, 0, n_bytes):
        if kind == b"meta":
            file.seek(start)
            n_tags += file.read(min(stop - start, MAX_LOOK_BYTES)).count(b"data\x00\x00\x00")
    return n_tags


def _count_matroska(file: BinaryIO, n_bytes: int) -> int:
    n_tags = 0
    for kind, start, stop in _elements(file, 0, n_bytes):
        if kind == SEGMENT:
            for inner, inner_start, inner_stop in _elements(file, start, min(stop, n_bytes)):
                if inner == TAGS:
                    file.seek(inner_start)
                    size = min(inner_stop - inner_start, MAX_LOOK_BYTES)
                    n_tags += len(SIMPLE_TAG.findall(file.read(size)))
    return n_tags


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """EBML elements between two offsets (RFC 8794): id, start of the body, stated end."""
    for _ in range(MAX_PARTS):
        if at >= end:
            return
        file.seek(at)
        head = file.read(12)
        n_id = _width(head[:1])
        n_size = _width(head[n_id : n_id + 1])
        if not 1 <= n_id <= 4 or not n_size or len(head) < n_id + n_size:
            return
        raw = head[n_id : n_id + n_size]
        size = int.from_bytes(raw, "big") & ((1 << 7 * n_size) - 1)
        body = at + n_id + n_size
        stop = end if size == (1 << 7 * n_size) - 1 else body + size  # all ones: unknown
        yield head[:n_id], body, stop
        at = stop


def _width(first: bytes) -> int:
    """How many bytes a number of EBML has, by its first."""
    return 9 - first[0].bit_length() if first and first[0] else 0
