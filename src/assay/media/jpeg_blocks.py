"""Find the tags of a JPEG: the segments before its first scan, and what follows its end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from assay.media.appended import end_of_jpeg, note_appended
from assay.media.colour_profile import read_profile
from assay.media.iptc import read_photoshop
from assay.media.picture_blocks import EXIF_MARK, XMP_MARK, add_exif, add_xmp
from assay.media.tag_text import decode
from assay.media.tags import MAX_BLOCK_BYTES, Tags

MAX_SEGMENTS = 4000
MORE_XMP_MARK = b"http://ns.adobe.com/xmp/extension/\x00"
PHOTOSHOP_MARK = b"Photoshop 3.0\x00"
PROFILE_MARK = b"ICC_PROFILE\x00"
MPF_MARK = b"MPF\x00"
MPF_ENTRIES_TAG = 0xB002
# CIPA DC-007, table 4: large thumbnails, VGA and full HD.
MPF_PREVIEWS = (0x010001, 0x010002)
MAX_PREVIEWS, MAX_PREVIEW_BYTES = 4, 4 * 2**20


def read_jpeg(file: BinaryIO, tags: Tags) -> None:
    """The blocks before the first scan (ISO 10918-1 B.1; XMP part 3, 1.1.3; ICC.1 B.4; MPF)."""
    photoshop, profile = bytearray(), bytearray()
    more_xmp: list[bytes] = []
    for marker, data, at in _segments(file, tags):
        if marker == 0xE1 and data.startswith(EXIF_MARK):
            add_exif(data, tags)
        elif marker == 0xE1 and data.startswith(XMP_MARK):
            add_xmp(data[len(XMP_MARK) :], tags)
        elif marker == 0xE1 and data.startswith(MORE_XMP_MARK):
            more_xmp.append(data[len(MORE_XMP_MARK) :])
        elif marker == 0xE2 and data.startswith(PROFILE_MARK):
            profile += data[len(PROFILE_MARK) + 2 :][: MAX_BLOCK_BYTES - len(profile)]
        elif marker == 0xE2 and data.startswith(MPF_MARK):
            base = at + len(MPF_MARK)
            tags.attempt("MPF", partial(_add_previews, file, data[len(MPF_MARK) :], base, tags))
        elif marker == 0xED and data.startswith(PHOTOSHOP_MARK):
            photoshop += data[len(PHOTOSHOP_MARK) :][: MAX_BLOCK_BYTES - len(photoshop)]
        elif marker == 0xFE:
            tags.add("jpeg", "Comment", decode(data))
    if photoshop:
        tags.attempt("IPTC", partial(read_photoshop, bytes(photoshop), tags))
    if profile:
        tags.attempt("colour profile", partial(read_profile, bytes(profile), tags))
    if more_xmp:
        tags.attempt("extended XMP", lambda: add_xmp(_joined(more_xmp), tags))


def _joined(parts: list[bytes]) -> bytes:
    """The extended packet from its parts: GUID (32), full length (4), offset (4), then bytes."""
    own = [part for part in parts if part[:32] == parts[0][:32]]
    own.sort(key=lambda part: part[36:40])
    return b"".join(part[40:] for part in own)[:MAX_BLOCK_BYTES]


def _segments(file: BinaryIO, tags: Tags) -> Iterator[tuple[int, bytes, int]]:
    """Marker, bytes and offset of each segment; at the first scan, what follows is noted."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        file.seek(at)
        lead = file.read(2)
        if lead == b"\xff\xff":
            at = _after_fill_bytes(file, at)
            file.seek(at)
            lead = file.read(2)
        if len(lead) < 2 or lead[0] != 0xFF or lead[1] == 0xD9:
            return
        if lead[1] == 0xDA:
            end = end_of_jpeg(file, at)
            if end:
                note_appended(file, end, tags)
            return
        length = int.from_bytes(file.read(2), "big")
        if length < 2:
            tags.note_damaged("JPEG segments")
            return
        yield lead[1], tags.take(file, length - 2, "a JPEG segment"), at + 4
        at += 2 + length
    tags.note_oversized(f"more than {MAX_SEGMENTS} JPEG segments")


def _after_fill_bytes(file: BinaryIO, at: int) -> int:
    """Where the last of the 0xFF stands that may come before a marker in any number."""
    file.seek(at)
    n_there = MAX_BLOCK_BYTES
    while n_there == MAX_BLOCK_BYTES:
        chunk = file.read(MAX_BLOCK_BYTES)
        n_there = len(chunk) - len(chunk.lstrip(b"\xff"))
        at += n_there
    return at - 1


def _add_previews(file: BinaryIO, data: bytes, base: int, tags: Tags) -> None:
    """The large thumbnails of a multi-picture file; offsets count from the MPF header."""
    import io

    from assay.media.tiff_directory import DirectoryReader, Order, read_at

    order: Order = "little" if data[:2] == b"II" else "big"
    reader = DirectoryReader(io.BytesIO(data), order, tags, "MPF")
    entries, _ = reader.entries(int.from_bytes(data[4:8], order), {MPF_ENTRIES_TAG})
    table = b"".join(entry.data for entry in entries if entry.tag == MPF_ENTRIES_TAG)[:1600]
    for start in range(0, len(table) - 15, 16):
        kind, n_bytes, offset = (
            int.from_bytes(table[start + at : start + at + 4], order) for at in (0, 4, 8)
        )
        if kind & 0xFFFFFF not in MPF_PREVIEWS or len(tags.previews) >= MAX_PREVIEWS:
            continue
        picture = read_at(file, base + offset, min(n_bytes, MAX_PREVIEW_BYTES))
        if picture.startswith(b"\xff\xd8"):
            tags.previews.append(("large preview", picture))
