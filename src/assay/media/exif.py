"""Read EXIF: the wanted tags of a TIFF structure, whose every read and count is bounded."""

from __future__ import annotations

import struct
from functools import partial
from typing import BinaryIO

from assay.media.colour_profile import read_profile
from assay.media.iptc import read_iptc
from assay.media.maker_notes import read_maker_notes
from assay.media.tag_text import decode
from assay.media.tags import Tags
from assay.media.tiff_directory import DirectoryReader, Entry, Order, read_at
from assay.media.xmp import read_xmp

MAX_PREVIEW_BYTES = 2**20
EXIF_IFD, GPS_IFD, XMP_TAG, IPTC_TAG, USER_COMMENT = 0x8769, 0x8825, 700, 0x83BB, 0x9286
PROFILE_TAG, MAKER_NOTE, MAKE_TAG = 0x8773, 0x927C, 0x010F
THUMBNAIL_AT, THUMBNAIL_BYTES = 0x0201, 0x0202
GPS_DATE, GPS_TIME = 0x1D, 0x07
NAMES = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model",
    0x0112: "Orientation", 0x0131: "Software", 0x0132: "DateTime", 0x013B: "Artist",
    0x013C: "HostComputer", 0x8298: "Copyright", 0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized", 0x9010: "OffsetTime", 0x9011: "OffsetTimeOriginal",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords",
    0x9C9F: "XPSubject", 0xA002: "PixelXDimension", 0xA003: "PixelYDimension",
    0xA420: "ImageUniqueID", 0xA430: "CameraOwnerName", 0xA431: "BodySerialNumber",
    0xA433: "LensMake", 0xA434: "LensModel", 0xA435: "LensSerialNumber", 0xA436: "ImageTitle",
    0xA438: "ImageEditor", 0xA43A: "CameraFirmware", 0xA43B: "RAWDevelopingSoftware",
    0xA43C: "ImageEditingSoftware", 0xA43D: "MetadataEditingSoftware", 0xA460: "CompositeImage",
}  # fmt: skip
WANTED = {*NAMES, XMP_TAG, IPTC_TAG, USER_COMMENT, PROFILE_TAG}
WANTED_GPS = {1, 2, 3, 4, GPS_TIME, GPS_DATE}


def read_exif(file: BinaryIO, tags: Tags) -> None:
    """The wanted tags of a TIFF structure that starts at offset 0 (Exif 3.0, CIPA DC-008).

    Raises ValueError where no such structure is; a damaged directory gives what came before it.
    """
    header = read_at(file, 0, 8)
    if header[:4] not in (b"II*\x00", b"MM\x00*"):
        raise ValueError("no TIFF header")
    order: Order = "little" if header[:2] == b"II" else "big"
    reader = DirectoryReader(file, order, tags)
    entries, following = reader.entries(int.from_bytes(header[4:8], order), WANTED)
    camera: list[Entry] = []
    pointer = reader.integer(entries, EXIF_IFD)
    if pointer:
        camera, _ = reader.entries(pointer, WANTED)
        _keep(camera, reader)
    pointer = reader.integer(entries, GPS_IFD)
    if pointer:
        _keep_gps(reader.entries(pointer, WANTED_GPS)[0], reader)
    _keep(entries, reader)
    _keep_maker_notes(file, [*entries, *camera], reader)
    if following:
        _keep_thumbnail(file, reader.entries(following, ())[0], reader)


def _keep(entries: list[Entry], reader: DirectoryReader) -> None:
    tags = reader.tags
    blocks = {XMP_TAG: read_xmp, IPTC_TAG: read_iptc, PROFILE_TAG: read_profile}
    names = {XMP_TAG: "XMP", IPTC_TAG: "IPTC", PROFILE_TAG: "colour profile"}
    for entry in entries:
        if entry.tag in blocks:
            tags.attempt(names[entry.tag], partial(blocks[entry.tag], entry.data, tags))
        elif entry.tag == USER_COMMENT:
            tags.add("exif", "UserComment", _user_comment(entry.data, reader.order))
        elif 0x9C9B <= entry.tag <= 0x9C9F:
            tags.add("exif", NAMES[entry.tag], entry.data.decode("utf-16-le", "replace"))
        elif entry.tag in NAMES:
            tags.add("exif", NAMES[entry.tag], reader.text(entry))


def _user_comment(data: bytes, order: Order) -> str:
    lead, body = data[:8], data[8:]
    if lead != b"UNICODE\x00":
        return decode(body if lead in (b"ASCII\x00\x00\x00", bytes(8)) else data)
    # The byte order is often not the header's: Latin text shows it by where its zeros stand.
    odd, even = body[1::2].count(0), body[0::2].count(0)
    is_little = odd > even if odd != even else order == "little"
    return body.decode("utf-16-le" if is_little else "utf-16-be", "replace")


def _keep_gps(entries: list[Entry], reader: DirectoryReader) -> None:
    by_tag = {entry.tag: entry for entry in entries}
    latitude = _degrees(by_tag, 1, 2, reader.order)
    longitude = _degrees(by_tag, 3, 4, reader.order)
    if latitude is not None and longitude is not None:
        reader.tags.add("gps", "Position", f"{latitude:.6f} {longitude:.6f}")
    if GPS_DATE in by_tag:
        reader.tags.add("gps", "GPSDateStamp", reader.text(by_tag[GPS_DATE]))
    time = _three_ratios(by_tag.get(GPS_TIME), reader.order)
    if time is not None and all(part < 100 for part in time):
        reader.tags.add("gps", "GPSTimeStamp", ":".join(f"{int(part):02d}" for part in time))


def _degrees(by_tag: dict[int, Entry], ref: int, tag: int, order: Order) -> float | None:
    parts = _three_ratios(by_tag.get(tag), order)
    if parts is None:
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    south_or_west = ref in by_tag and by_tag[ref].data[:1] in (b"S", b"W")
    return -degrees if south_or_west else degrees


def _three_ratios(entry: Entry | None, order: Order) -> tuple[float, float, float] | None:
    if entry is None or entry.kind not in (5, 10) or len(entry.data) < 24:
        return None
    numbers = struct.unpack(("<" if order == "little" else ">") + "6I", entry.data[:24])
    if 0 in numbers[1::2]:
        return None
    first, second, third = (numbers[at] / numbers[at + 1] for at in (0, 2, 4))
    return first, second, third


def _keep_maker_notes(file: BinaryIO, entries: list[Entry], reader: DirectoryReader) -> None:
    make = next((reader.text(entry) for entry in entries if entry.tag == MAKE_TAG), "")
    for entry in entries:
        if entry.tag == MAKER_NOTE and entry.at:
            read = partial(read_maker_notes, file, entry, make, reader)
            reader.tags.attempt("maker notes", read)
            return


def _keep_thumbnail(file: BinaryIO, entries: list[Entry], reader: DirectoryReader) -> None:
    offset, n_bytes = (reader.integer(entries, tag) for tag in (THUMBNAIL_AT, THUMBNAIL_BYTES))
    if offset and 0 < n_bytes <= MAX_PREVIEW_BYTES:
        data = read_at(file, offset, n_bytes)
        if data.startswith(b"\xff\xd8"):
            reader.tags.previews.append(("EXIF thumbnail", data))
