"""Read the text, EXIF and XMP chunks of a PNG file; decompression is bounded."""

from __future__ import annotations

import re
import zlib
from typing import BinaryIO

from assay.media.tags import MAX_BLOCK_BYTES, Tags

MAX_CHUNKS = 20_000
RAW_PROFILE = "Raw profile type "


def read_png(file: BinaryIO, tags: Tags) -> None:
    """The tags of tEXt, zTXt, iTXt and eXIf chunks, before and after the pixels (PNG 3rd ed.).

    Pixel chunks are skipped unread, so their size does not matter.
    """
    from assay.media.picture_blocks import add_exif

    file.seek(8)
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8 or header[4:] == b"IEND":
            return
        n_bytes = int.from_bytes(header[:4], "big")
        after = file.tell() + n_bytes + 4
        kind = header[4:]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            data = file.read(tags.spend(n_bytes))
            if kind == b"eXIf":
                add_exif(data, tags)
            else:
                tags.attempt("PNG text", lambda k=kind, d=data: _add_text(k, d, tags))  # type: ignore[misc]
        file.seek(after)


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
