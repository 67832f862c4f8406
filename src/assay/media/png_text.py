"""Read the text, EXIF and XMP chunks of a PNG file; decompression is bounded."""

from __future__ import annotations

import re
import zlib
from functools import partial
from typing import BinaryIO

from assay.media.appended import note_appended
from assay.media.tags import MAX_BLOCK_BYTES, Tags

MAX_CHUNKS = 20_000
TIME_BYTES = 7
READ_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME")
# Chunks that only one family of programs writes.
WRITERS = {b"iDOT": "Apple (iDOT chunk)", b"npTc": "Android (npTc chunk)",
           b"prVW": "Fireworks (prVW chunk)"}  # fmt: skip
RAW_PROFILE = "Raw profile type "


def read_png(file: BinaryIO, tags: Tags) -> None:
    """The tags of text, EXIF, profile and time chunks, before and after the pixels (PNG 3rd ed.).

    Pixel chunks are skipped unread, so their size does not matter. What follows the end is noted.
    """
    file.seek(8)
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            return
        n_bytes, kind = int.from_bytes(header[:4], "big"), header[4:]
        after = file.tell() + n_bytes + 4
        if kind == b"IEND":
            note_appended(file, after, tags)
            return
        if kind in READ_CHUNKS:
            _read_chunk(kind, tags.take(file, n_bytes, f"a {kind.decode()} chunk"), tags)
        elif kind in WRITERS:
            tags.add("png", "Software", WRITERS[kind])
        file.seek(after)
    tags.note_oversized(f"more than {MAX_CHUNKS} chunks")


def _read_chunk(kind: bytes, data: bytes, tags: Tags) -> None:
    from assay.media.picture_blocks import add_exif, add_profile

    if kind == b"eXIf":
        add_exif(data, tags)
    elif kind == b"tIME" and len(data) == TIME_BYTES:
        year, *rest = int.from_bytes(data[:2], "big"), *data[2:]
        tags.add(
            "png",
            "tIME",
            f"{year:04d}:{rest[0]:02d}:{rest[1]:02d} "
            + ":".join(f"{part:02d}" for part in rest[2:]),
        )
    elif kind == b"iCCP":
        packed = data.partition(b"\x00")[2][1:]
        tags.attempt("colour profile", lambda: add_profile(_inflate(packed, tags), tags))
    else:
        tags.attempt("PNG text", partial(_add_text, kind, data, tags))


def _add_text(kind: bytes, data: bytes, tags: Tags) -> None:
    key, _, rest = data.partition(b"\x00")
    name = key[:79].decode("latin-1")
    if kind == b"tEXt":
        # Latin-1 by the standard; generators write UTF-8 all the same.
        text = _as_text(rest)
    elif kind == b"zTXt":
        text = _as_text(_inflate(rest[1:], tags))
    else:
        is_packed, rest = rest[:1] == b"\x01", rest[2:]
        _language, _, rest = rest.partition(b"\x00")
        _translated, _, body = rest.partition(b"\x00")
        text = _as_text(_inflate(body, tags) if is_packed else body)
    _route(name, text, tags)


def _route(name: str, text: str, tags: Tags) -> None:
    from assay.media.iptc import read_iptc, read_photoshop
    from assay.media.picture_blocks import EXIF_MARK, XMP_MARK, add_exif, add_xmp

    if name == "XML:com.adobe.xmp":
        add_xmp(text.encode("utf-8", "replace"), tags)
    elif name.startswith(RAW_PROFILE):
        data = _raw_profile(text)
        if data.startswith(EXIF_MARK):
            add_exif(data, tags)
        elif data.startswith(XMP_MARK) or name.endswith("xmp"):
            add_xmp(data.removeprefix(XMP_MARK), tags)
        elif data.startswith(b"8BIM"):
            read_photoshop(data, tags)
        elif name.endswith("iptc"):
            read_iptc(data, tags)
    else:
        tags.add("png", name, text)


def inflate(data: bytes, max_bytes: int = MAX_BLOCK_BYTES, window: int = zlib.MAX_WBITS) -> bytes:
    """At most `max_bytes` of what a compressed text holds. Raises zlib.error on damaged bytes."""
    return zlib.decompressobj(window).decompress(data, max_bytes)


def _inflate(data: bytes, tags: Tags) -> bytes:
    room = min(MAX_BLOCK_BYTES, tags.room_bytes)
    # zlib reads a limit of 0 as "no limit".
    text = inflate(data, room) if room > 0 else b""
    tags.spend(len(text))
    return text


def _raw_profile(text: str) -> bytes:
    """The bytes of ImageMagick's hexadecimal profile: a blank line, its name, its length, hex."""
    digits = re.sub(r"\s", "", text.strip().split("\n", 2)[-1])
    return bytes.fromhex(digits[: len(digits) & ~1])


def _as_text(data: bytes) -> str:
    from assay.media.tag_text import decode

    return decode(data)
