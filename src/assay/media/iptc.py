"""Read IPTC-IIM records, alone or inside a Photoshop resource block."""

from __future__ import annotations

from assay.media.tag_text import decode
from assay.media.tags import Tags

IPTC_RESOURCE = 0x0404
MAX_RECORDS = 500
NAMES = {
    5: "ObjectName", 25: "Keywords", 40: "SpecialInstructions", 55: "DateCreated",
    65: "OriginatingProgram", 80: "Byline", 105: "Headline", 110: "Credit", 115: "Source",
    116: "Copyright", 120: "Caption", 60: "TimeCreated", 62: "DigitalCreationDate",
    70: "ProgramVersion", 90: "City", 95: "ProvinceState", 101: "Country", 122: "CaptionWriter",
}  # fmt: skip


def read_photoshop(data: bytes, tags: Tags) -> None:
    """The IPTC records in a sequence of Photoshop image resources ("8BIM")."""
    at = 0
    while data[at : at + 4] == b"8BIM":
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        name_bytes = (data[at + 6] + 2) & ~1
        size_at = at + 6 + name_bytes
        n_bytes = int.from_bytes(data[size_at : size_at + 4], "big")
        body = data[size_at + 4 : size_at + 4 + n_bytes]
        if kind == IPTC_RESOURCE:
            read_iptc(body, tags)
        at = size_at + 4 + n_bytes + (n_bytes & 1)


def read_iptc(data: bytes, tags: Tags) -> None:
    """The wanted records of the application record 2 (IPTC-IIM 4.2)."""
    at = 0
    for _ in range(MAX_RECORDS):
        if data[at : at + 1] != b"\x1c" or len(data) < at + 5:
            return
        record, dataset = data[at + 1], data[at + 2]
        n_bytes = int.from_bytes(data[at + 3 : at + 5], "big")
        if n_bytes & 0x8000:  # an extended record, longer than any text we want
            return
        if record == 2 and dataset in NAMES:
            tags.add("iptc", NAMES[dataset], decode(data[at + 5 : at + 5 + n_bytes]))
        at += 5 + n_bytes
