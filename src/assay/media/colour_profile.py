"""Read who made a colour profile (ICC) and what it describes."""

from __future__ import annotations

from assay.media.tag_text import decode
from assay.media.tags import Tags

PLACE = "icc"
HEADER_BYTES, MAX_ENTRIES, MAX_TEXT_BYTES = 128, 100, 4096
NAMES = {b"desc": "Profile description", b"cprt": "Profile copyright", b"dmdd": "Device"}


def read_profile(data: bytes, tags: Tags) -> None:
    """Description, copyright, device and creator of a profile (ICC.1:2022) as tags "icc".

    Raises ValueError where the bytes are no profile.
    """
    if data[36:40] != b"acsp":
        raise ValueError("no colour profile")
    for name, at in (("Profile writer", 4), ("Profile creator", 80), ("Manufacturer", 48)):
        tags.add(PLACE, name, decode(data[at : at + 4]))
    n_entries = min(int.from_bytes(data[128:132], "big"), MAX_ENTRIES)
    for number in range(n_entries):
        entry = data[132 + 12 * number : 144 + 12 * number]
        if entry[:4] in NAMES:
            at, n_bytes = (int.from_bytes(entry[start : start + 4], "big") for start in (4, 8))
            tags.add(PLACE, NAMES[entry[:4]], _text(data[at : at + min(n_bytes, MAX_TEXT_BYTES)]))


def _text(body: bytes) -> str:
    """One text in the profile's three ways: text, textDescription, multi-localised Unicode."""
    kind = body[:4]
    if kind == b"text":
        return decode(body[8:]).split("\x00")[0]
    if kind == b"desc":
        n_bytes = int.from_bytes(body[8:12], "big")
        return decode(body[12 : 12 + n_bytes]).split("\x00")[0]
    if kind == b"mluc" and int.from_bytes(body[8:12], "big"):
        n_bytes, at = (int.from_bytes(body[start : start + 4], "big") for start in (20, 24))
        return body[at : at + n_bytes].decode("utf-16-be", "replace")
    return ""
