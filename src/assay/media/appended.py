"""What follows the end of a picture in its file: a second picture, a film, an archive, padding."""

from __future__ import annotations

import re
from typing import BinaryIO

from assay.media.tags import Appended, Tags

LOOK_BYTES = 2**20
CHUNK_BYTES = 2**20
MAX_SCAN_BYTES = 256 * 2**20
# A marker in the coded data: 0xFF and neither a stuffed zero, nor a restart, nor a fill byte.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
END, SCAN = 0xD9, 0xDA
STANDALONE = {0x01, 0xD8}
SCRIPT = re.compile(rb"<\?php|<script|<html|<!doctype html|#!/bin/|javascript:", re.IGNORECASE)
# Samsung, Insta360; Casio, Google, vivo. Photo Mechanic, AFCP, FotoWare.
UPLOAD_END = re.compile(rb"\r\n--[\x20-\x7e]{1,100}--[\r\n]*")
CAMERA_TAILS = (b"SEFT", b"8db42d694ccc418790edff439fe026bf")
CAMERA_HEADS = (b"QVCI", b"HDRP", b"vivo{")
PROGRAM_TAILS = (b"cbipcbbl", b"AXS!", b"AXS*", b"\xa1\xb2\xc3\xd4")
KINDS = (
    (b"\xff\xd8\xff", "picture"),
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"PK\x03\x04", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b\x08", "archive"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"%PDF", "document"),
)


def note_appended(file: BinaryIO, end: int, tags: Tags) -> None:
    """Remember what the file holds after byte `end`, where its picture ends; nothing if nothing."""
    n_bytes = file.seek(0, 2) - end
    if n_bytes <= 0:
        return
    file.seek(end)
    head = file.read(min(n_bytes, LOOK_BYTES))
    file.seek(max(end, end + n_bytes - 64))
    tags.appended.append(Appended(kind_of(head, file.read(64)), end, n_bytes))


def kind_of(head: bytes, tail: bytes = b"") -> str:
    """What bytes are by how they begin and end: picture, film, camera notes, archive, …"""
    stripped = head.lstrip(b"\x00\n\r ")
    if not stripped.strip(b"\xff"):
        return "padding"
    if any(mark in tail for mark in CAMERA_TAILS) or head.startswith(CAMERA_HEADS):
        return "camera notes"
    if any(mark in tail for mark in PROGRAM_TAILS) or head.startswith(b"CANON OPTIONAL DATA"):
        return "program notes"
    if stripped[4:8] == b"ftyp" or head[4:8] == b"ftyp":
        return "film"
    if b"\xd8\xff\xdb" in stripped[:16]:  # Minolta overwrites the first byte of its previews
        return "picture"
    if UPLOAD_END.fullmatch(head):
        return "upload mark"
    for lead, kind in KINDS:
        if stripped.startswith(lead) or head.startswith(lead):
            return kind
    if SCRIPT.search(head):
        return "script"
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in stripped[:400])
    return "text" if printable >= 0.95 * len(stripped[:400]) else "unknown"


def end_of_jpeg(file: BinaryIO, start: int) -> int:
    """The offset behind the end mark of a JPEG whose coded data begin at or after `start`.

    Segments between scans are stepped over. 0 where no end is found in MAX_SCAN_BYTES.
    """
    at, last = start, start + MAX_SCAN_BYTES
    while at < last:
        found = _next_marker(file, at, last)
        if found is None:
            return 0
        at, marker = found
        if marker == END:
            return at + 2
        if marker not in STANDALONE:
            file.seek(at + 2)
            length = int.from_bytes(file.read(2), "big")
            at += 2 + max(length, 2)
        else:
            at += 2
    return 0


def _next_marker(file: BinaryIO, at: int, last: int) -> tuple[int, int] | None:
    while at < last:
        file.seek(at)
        chunk = file.read(CHUNK_BYTES)
        mark = MARKER.search(chunk)
        if mark:
            return at + mark.start(), chunk[mark.start() + 1]
        if len(chunk) < 2:
            return None
        at += len(chunk) - 1  # a marker may lie across two chunks
    return None
