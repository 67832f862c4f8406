"""Find the EXIF, XMP and colour profile blocks of WebP, HEIC, AVIF and GIF files."""

from __future__ import annotations

import io
from functools import partial
from typing import Any, BinaryIO

from assay.media.appended import note_appended
from assay.media.colour_profile import read_profile
from assay.media.exif import read_exif
from assay.media.tag_text import decode
from assay.media.tags import Tags
from assay.media.xmp import read_xmp

MAX_CHUNKS = 4000
MAX_LIBRARY_BYTES = 128 * 2**20
EXIF_MARK = b"Exif\x00\x00"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\x00"


def read_webp(file: BinaryIO, tags: Tags) -> None:
    """The EXIF, XMP and colour profile chunks of a WebP file, and what follows its end."""
    file.seek(4)
    end = 8 + int.from_bytes(file.read(4), "little")
    file.seek(12)
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8 or file.tell() > end:
            break
        n_bytes = int.from_bytes(header[4:], "little")
        after = file.tell() + n_bytes + (n_bytes & 1)
        if header[:4] == b"EXIF":
            add_exif(tags.take(file, n_bytes, "EXIF"), tags)
        elif header[:4] == b"XMP ":
            add_xmp(tags.take(file, n_bytes, "XMP"), tags)
        elif header[:4] == b"ICCP":
            add_profile(tags.take(file, n_bytes, "colour profile"), tags)
        file.seek(after)
    else:
        tags.note_oversized(f"more than {MAX_CHUNKS} chunks")
    note_appended(file, end + (end & 1), tags)


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
    if isinstance(info.get("icc_profile"), bytes):
        add_profile(info["icc_profile"], tags)
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
    tags.attempt("EXIF", partial(read_exif, io.BytesIO(data), tags))


def add_xmp(data: bytes, tags: Tags) -> None:
    """Read one XMP packet."""
    tags.attempt("XMP", partial(read_xmp, data, tags))


def add_profile(data: bytes, tags: Tags) -> None:
    """Read one colour profile."""
    tags.attempt("colour profile", partial(read_profile, data, tags))
