"""Find the EXIF, XMP and IPTC blocks of JPEG, WebP, HEIC, AVIF and GIF files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from assay.media.exif import read_exif
from assay.media.iptc import read_photoshop
from assay.media.tag_text import decode
from assay.media.tags import MAX_BLOCK_BYTES, Tags
from assay.media.xmp import read_xmp

MAX_SEGMENTS = 4000
MAX_LIBRARY_BYTES = 128 * 2**20
EXIF_MARK = b"Exif\x00\x00"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\x00"
MORE_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\x00"
PHOTOSHOP_MARK = b"Photoshop 3.0\x00"


def read_jpeg(file: BinaryIO, tags: Tags) -> None:
    """The blocks before the first scan of a JPEG (ISO 10918-1 B.1; XMP part 3, 1.1.3)."""
    photoshop = bytearray()
    more_xmp: list[bytes] = []
    for marker, data in _segments(file, tags):
        if marker == 0xE1 and data.startswith(EXIF_MARK):
            add_exif(data, tags)
        elif marker == 0xE1 and data.startswith(XMP_MARK):
            add_xmp(data[len(XMP_MARK) :], tags)
        elif marker == 0xE1 and data.startswith(MORE_XMP_MARK):
            more_xmp.append(data[len(MORE_XMP_MARK) :])
        elif marker == 0xED and data.startswith(PHOTOSHOP_MARK):
            photoshop += data[len(PHOTOSHOP_MARK) :][: MAX_BLOCK_BYTES - len(photoshop)]
        elif marker == 0xFE:
            tags.add("jpeg", "Comment", decode(data))
    if photoshop:
        tags.attempt("IPTC", lambda: read_photoshop(bytes(photoshop), tags))
    if more_xmp:
        tags.attempt("extended XMP", lambda: add_xmp(_joined(more_xmp), tags))


def _joined(parts: list[bytes]) -> bytes:
    """The extended packet from its parts: GUID (32), full length (4), offset (4), then bytes."""
    own = [part for part in parts if part[:32] == parts[0][:32]]
    own.sort(key=lambda part: part[36:40])
    return b"".join(part[40:] for part in own)[:MAX_BLOCK_BYTES]


def _segments(file: BinaryIO, tags: Tags) -> Iterator[tuple[int, bytes]]:
    file.seek(2)
    for _ in range(MAX_SEGMENTS):
        lead = file.read(2)
        while len(lead) == 2 and lead[0] == 0xFF and lead[1] == 0xFF:  # fill bytes
            lead = lead[1:] + file.read(1)
        if len(lead) < 2 or lead[0] != 0xFF or lead[1] in (0xDA, 0xD9):
            return
        length = int.from_bytes(file.read(2), "big")
        if length < 2 or tags.spend(length) < length:
            return
        yield lead[1], file.read(length - 2)


def read_webp(file: BinaryIO, tags: Tags) -> None:
    """The EXIF and XMP chunks of a WebP file."""
    file.seek(12)
    for _ in range(MAX_SEGMENTS):
        header = file.read(8)
        if len(header) < 8:
            return
        n_bytes = int.from_bytes(header[4:], "little")
        after = file.tell() + n_bytes + (n_bytes & 1)
        if header[:4] == b"EXIF":
            add_exif(file.read(tags.spend(n_bytes)), tags)
        elif header[:4] == b"XMP ":
            add_xmp(file.read(tags.spend(n_bytes)), tags)
        file.seek(after)


def read_by_library(path: str, head: bytes, tags: Tags) -> None:
    """The blocks of HEIC (pi_heif), AVIF and GIF (Pillow) files of at most MAX_LIBRARY_BYTES."""
    with open(path, "rb") as file:
        data = file.read(MAX_LIBRARY_BYTES + 1)
    if len(data) > MAX_LIBRARY_BYTES:
        raise ValueError("too large to be read")
    info = _library_info(data, head)
    if isinstance(info.get("exif"), bytes):
        add_exif(info["exif"], tags)
    if isinstance(info.get("xmp"), bytes):
        add_xmp(info["xmp"], tags)
    if isinstance(info.get("comment"), bytes):
        tags.add("gif", "Comment", decode(info["comment"]))


def _library_info(data: bytes, head: bytes) -> dict[Any, Any]:
    if head[:3] == b"GIF" or head[8:12] in (b"avif", b"avis"):
        from PIL import Image

        with Image.open(io.BytesIO(data), formats=("GIF", "AVIF")) as picture:
            return dict(picture.info)
    import pi_heif

    return dict(pi_heif.open_heif(io.BytesIO(data)).info)


def add_exif(data: bytes, tags: Tags) -> None:
    """Read one EXIF block, with or without its "Exif" lead."""
    data = data.removeprefix(EXIF_MARK)
    tags.attempt("EXIF", lambda: read_exif(io.BytesIO(data), tags))


def add_xmp(data: bytes, tags: Tags) -> None:
    """Read one XMP packet."""
    tags.attempt("XMP", lambda: read_xmp(data, tags))
