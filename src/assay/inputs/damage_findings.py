"""Findings from what is wrong or strange in a file's blocks, and from what is not there at all."""

from __future__ import annotations

import re

from assay.inputs.tag_findings import tag_finding
from assay.media.tags import Tags
from assay.types import Finding, Media, Severity

# What every container says of itself, which tells nothing of its history.
STRUCTURAL = {
    "major_brand", "minor_version", "compatible_brands", "handler_name", "language", "vendor_id",
    "orientation", "pixelxdimension", "pixelydimension", "duration", "encoded_by_mux", "time",
}  # fmt: skip
MAX_LOOKED_AT = 2000
# Code for browsers, escape sequences for terminals, and marks that turn the reading direction
# (not the plain marks of right-to-left scripts, which ordinary captions need).
ACTIVE = (
    ("code for web browsers", re.compile(
        r"<\s*(?:script|iframe|object|embed|svg|img|body|link|style)\b|javascript:|"
        r"\bon(?:error|load|click|mouseover)\s*=|<\?php|\{\{.{0,80}\}\}", re.IGNORECASE)),
    ("terminal control sequences", re.compile("\x1b[\\[\\]PX^_]|\x9b|\x07|\x08")),
    ("reversed reading direction", re.compile("[\u202d\u202e\u2066-\u2068]")),
    ("hidden zero bytes", re.compile("\x00.*[^\x00]", re.DOTALL)),
)  # fmt: skip
APPENDED: dict[str, tuple[Severity, str]] = {
    "padding": ("info", "empty bytes, as some cameras and programs leave"),
    "picture": ("info", "another picture, as cameras keep for previews, depth or both eyes"),
    "film": ("info", "a short film, as phones keep for moving pictures"),
    "camera notes": ("info", "notes that some phones and cameras keep"),
    "program notes": ("info", "notes that some programs for photographers keep"),
    "upload mark": ("info", "the end mark of an upload, left by a web form"),
    "archive": ("notable", "an archive with other files"),
    "program": ("notable", "a program"),
    "document": ("notable", "a document"),
    "script": ("notable", "code"),
    "text": ("notable", "text"),
    "unknown": ("notable", "bytes of an unknown kind"),
}
APPENDED_CAUSES = (
    "a camera or a program that keeps notes of its own there",
    "a download that was put together wrongly",
)


def appended(tags: Tags, _media: Media) -> list[Finding]:
    """What follows the end of the picture."""
    findings = []
    for one in tags.appended[:4]:
        severity, words = APPENDED[one.kind]
        meaning = f"The file goes on after the end of its picture: {words}. Viewers do not show it."
        values = {"kind": one.kind, "at_byte": one.at_byte, "n_bytes": one.n_bytes}
        causes = APPENDED_CAUSES if severity != "info" else ()
        title = "Something follows the picture"
        findings.append(tag_finding("appended_data", severity, title, meaning, values, causes))
    return findings


def active_text(tags: Tags, _media: Media) -> list[Finding]:
    """Tags whose text is made to act on who reads it."""
    found: dict[str, list[str]] = {}
    for tag in tags.found:
        if tag.place == "maker":  # bytes, not text
            continue
        text = f"{tag.name} {tag.text[:MAX_LOOKED_AT]}"
        for kind, form in ACTIVE:
            if form.search(text):
                found.setdefault(kind, []).append(f"{tag.place}:{tag.name}")
    if not found:
        return []
    kinds = ", ".join(found)
    meaning = (
        f"A tag holds {kinds}. Here it is shown as plain text and does nothing; in other programs "
        "it could change what is shown, or run."
    )
    causes = (
        "a caption pasted from a web page or a terminal",
        "a program that writes its own kind of text",
    )
    title = "Tags hold text that acts"
    return [tag_finding("active_text", "notable", title, meaning, found, causes)]


def damaged(tags: Tags, _media: Media) -> list[Finding]:
    """Blocks that could not be read."""
    if not tags.damaged:
        return []
    meaning = (
        "Some tags could not be read because they are damaged. Careless programs do this as well "
        "as deliberate hands."
    )
    causes = ("an interrupted copy", "a program that moved tags without mending their offsets")
    values = {"blocks": tags.damaged}
    return [tag_finding("damaged", "notable", "Damaged tags", meaning, values, causes)]


def oversized(tags: Tags, _media: Media) -> list[Finding]:
    """Blocks that were read only in part because they are far larger than tags are."""
    if not tags.oversized:
        return []
    meaning = (
        "The file holds far more metadata than cameras and programs write, so only a part was "
        "read. That can hide data or be meant to exhaust programs that read it."
    )
    causes = ("a generator's large workflow", "a design program that keeps its whole document")
    values = {"blocks": tags.oversized}
    return [tag_finding("oversized", "notable", "Metadata too large", meaning, values, causes)]


def nothing(tags: Tags, _media: Media) -> list[Finding]:
    """What is said where no other rule said anything."""
    telling = [tag for tag in tags.found if tag.name.lower() not in STRUCTURAL]
    if telling:
        names = list(dict.fromkeys(f"{tag.place}:{tag.name}" for tag in telling))
        meaning = "The file carries tags, none of which tells of its origin."
        return [tag_finding("other", "info", "Only technical tags", meaning, {"tags": names})]
    meaning = (
        "The file carries no tags of its origin. That is usual for files from messengers, social "
        "networks and screenshots, and is not suspicious."
    )
    return [Finding("metadata_none", "No metadata", meaning, "info")]


RULES = (appended, active_text)
