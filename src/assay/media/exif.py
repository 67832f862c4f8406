"""Read EXIF: a small TIFF directory reader whose every read and count is bounded."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

from assay.media.iptc import read_iptc
from assay.media.tag_text import decode
from assay.media.tags import MAX_BLOCK_BYTES, Tags
from assay.media.xmp import read_xmp

MAX_ENTRIES = 512
N_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
EXIF_IFD, GPS_IFD, XMP_TAG, IPTC_TAG, USER_COMMENT = 0x8769, 0x8825, 700, 0x83BB, 0x9286
THUMBNAIL_AT, THUMBNAIL_BYTES = 0x0201, 0x0202
GPS_NAMES = {0x1D: "GPSDateStamp"}
NAMES = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0112: "Orientation",
    0x0131: "Software", 0x0132: "DateTime", 0x013B: "Artist", 0x013C: "HostComputer",
    0x8298: "Copyright", 0x9003: "DateTimeOriginal", 0x9004: "DateTimeDigitized",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject", 0xA002: "PixelXDimension", 0xA003: "PixelYDimension",
    0xA433: "LensMake", 0xA434: "LensModel", 0xA436: "ImageTitle", 0xA438: "ImageEditor",
    0xA43A: "CameraFirmware", 0xA43B: "RAWDevelopingSoftware", 0xA43C: "ImageEditingSoftware",
    0xA43D: "MetadataEditingSoftware",
}  # fmt: skip
Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    data: bytes


def read_exif(file: BinaryIO, tags: Tags) -> None:
    """The wanted tags of a TIFF structure that starts at offset 0 (Exif 3.0, CIPA DC-008).

    Raises ValueError where no such structure is; a damaged directory gives what came before it.
    """
    header = _read_at(file, 0, 8)
    if header[:4] not in (b"II*\x00", b"MM\x00*"):
        raise ValueError("no TIFF header")
    order: Order = "little" if header[:2] == b"II" else "big"
    entries, following = _directory(file, int.from_bytes(header[4:8], order), order, tags)
    for place, ifd in (("exif", EXIF_IFD), ("gps", GPS_IFD)):
        pointer = _integer(entries, ifd, order)
        if pointer:
            inner, _ = _directory(file, pointer, order, tags)
            _keep(inner, order, tags) if place == "exif" else _keep_gps(inner, order, tags)
    _keep(entries, order, tags)
    if following:
        _keep_thumbnail(file, _directory(file, following, order, tags)[0], order, tags)


def _read_at(file: BinaryIO, offset: int, n_bytes: int) -> bytes:
    file.seek(offset)
    return file.read(min(n_bytes, MAX_BLOCK_BYTES))


def _directory(file: BinaryIO, offset: int, order: Order, tags: Tags) -> tuple[list[_Entry], int]:
    n_entries = min(int.from_bytes(_read_at(file, offset, 2), order), MAX_ENTRIES)
    raw = _read_at(file, offset + 2, n_entries * 12 + 4)
    entries = []
    for start in range(0, len(raw) - 11, 12):
        if start // 12 >= n_entries:
            break
        tag, kind = (int.from_bytes(raw[start + at : start + at + 2], order) for at in (0, 2))
        count = int.from_bytes(raw[start + 4 : start + 8], order)
        n_bytes = N_BYTES.get(kind, 0) * count
        data = raw[start + 8 : start + 12][:n_bytes]
        if n_bytes > 4 and _is_wanted(tag):
            data = _read_at(file, int.from_bytes(data, order), tags.spend(n_bytes))
        entries.append(_Entry(tag, kind, count, data))
    return entries, int.from_bytes(raw[n_entries * 12 : n_entries * 12 + 4], order)


def _is_wanted(tag: int) -> bool:
    known = (XMP_TAG, IPTC_TAG, USER_COMMENT, *range(1, 5), *GPS_NAMES)
    return tag in NAMES or tag in known


def _integer(entries: list[_Entry], tag: int, order: Order) -> int:
    for entry in entries:
        if entry.tag == tag and entry.kind in (1, 3, 4, 13) and entry.count == 1:
            return int.from_bytes(entry.data[: N_BYTES[entry.kind]], order)
    return 0


def _keep(entries: list[_Entry], order: Order, tags: Tags) -> None:
    for entry in entries:
        if entry.tag == XMP_TAG:
            data = entry.data
            tags.attempt("XMP", lambda data=data: read_xmp(data, tags))  # type: ignore[misc]
        elif entry.tag == IPTC_TAG:
            data = entry.data
            tags.attempt("IPTC", lambda data=data: read_iptc(data, tags))  # type: ignore[misc]
        elif entry.tag == USER_COMMENT:
            tags.add("exif", "UserComment", _user_comment(entry.data, order))
        elif entry.tag in NAMES:
            tags.add("exif", NAMES[entry.tag], _text(entry, order))


def _text(entry: _Entry, order: Order) -> str:
    if 0x9C9B <= entry.tag <= 0x9C9F:
        return entry.data.decode("utf-16-le", "replace")
    if entry.kind in (2, 7):
        return decode(entry.data).split("\x00\x00")[0].replace("\x00", " ")
    if entry.kind in (3, 4):
        return str(int.from_bytes(entry.data[: N_BYTES[entry.kind]], order))
    return ""


def _user_comment(data: bytes, order: Order) -> str:
    lead, body = data[:8], data[8:]
    if lead != b"UNICODE\x00":
        return decode(body if lead in (b"ASCII\x00\x00\x00", bytes(8)) else data)
    # The byte order is often not the header's: Latin text shows it by where its zeros stand.
    odd, even = body[1::2].count(0), body[0::2].count(0)
    is_little = odd > even if odd != even else order == "little"
    return body.decode("utf-16-le" if is_little else "utf-16-be", "replace")


def _keep_gps(entries: list[_Entry], order: Order, tags: Tags) -> None:
    by_tag = {entry.tag: entry for entry in entries}
    latitude = _degrees(by_tag, 1, 2, order)
    longitude = _degrees(by_tag, 3, 4, order)
    if latitude is not None and longitude is not None:
        tags.add("gps", "Position", f"{latitude:.6f} {longitude:.6f}")
    for tag, name in GPS_NAMES.items():
        if tag in by_tag:
            tags.add("gps", name, _text(by_tag[tag], order))


def _degrees(by_tag: dict[int, _Entry], ref: int, tag: int, order: Order) -> float | None:
    entry = by_tag.get(tag)
    if entry is None or entry.kind not in (5, 10) or len(entry.data) < 24:
        return None
    parts = struct.unpack(("<" if order == "little" else ">") + "6I", entry.data[:24])
    if 0 in parts[1::2]:
        return None
    degrees = parts[0] / parts[1] + parts[2] / parts[3] / 60 + parts[4] / parts[5] / 3600
    south_or_west = ref in by_tag and by_tag[ref].data[:1] in (b"S", b"W")
    return -degrees if south_or_west else degrees


def _keep_thumbnail(file: BinaryIO, entries: list[_Entry], order: Order, tags: Tags) -> None:
    offset, n_bytes = (_integer(entries, tag, order) for tag in (THUMBNAIL_AT, THUMBNAIL_BYTES))
    if offset and 0 < n_bytes <= 2**20 and isinstance(file, io.BytesIO):
        data = _read_at(file, offset, n_bytes)
        if data.startswith(b"\xff\xd8"):
            tags.thumbnail = data
