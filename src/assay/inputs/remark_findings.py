"""Findings from what people wrote into a file or let it say of them: place, captions, credits."""

from __future__ import annotations

from assay.inputs.tag_findings import tag_finding
from assay.media.tags import Tag, Tags
from assay.types import Finding, Media

PLACE_TAGS = (
    "Position", "exif:GPSLatitude", "com.apple.quicktime.location.ISO6709", "location",
    "location-eng",
)  # fmt: skip
REMARK_TAGS = (
    "Comment", "UserComment", "ImageDescription", "Description", "Caption", "Headline", "Title",
    "Artist", "Byline", "Author", "Copyright", "Credit", "Source", "photoshop:Credit",
    "photoshop:Source", "dc:description", "dc:creator", "dc:rights", "dc:title", "album", "genre",
    "date", "City", "ProvinceState", "Country", "photoshop:City", "photoshop:Country",
    "SpecialInstructions", "photoshop:Instructions", "CaptionWriter", "synopsis", "artist",
)  # fmt: skip


def place(tags: Tags, _media: Media) -> list[Finding]:
    """Where the file was taken: a note on privacy, no sign of manipulation."""
    found = tags.first(*PLACE_TAGS)
    if not found:
        return []
    if longitude := tags.first("exif:GPSLongitude"):
        found = found if " " in found else f"{found} {longitude}"
    meaning = (
        "The file says where it was taken. Publishing the file publishes that place: remove it to "
        "protect a source. It is no sign of manipulation."
    )
    causes = ("most phones and some cameras write the place unless that is switched off",)
    values = {"coordinates": found}
    title = "Location present (privacy)"
    return [tag_finding("location", "notable", title, meaning, values, causes)]


def remarks(tags: Tags, _media: Media) -> list[Finding]:
    """Captions, credits and comments."""
    # Names differ in case between containers; each is told once.
    values: dict[str, str] = {}
    named: dict[str, list[Tag]] = {}
    for tag in tags.found:
        if tag.place != "maker":
            named.setdefault(tag.name.lower(), []).append(tag)
    for name in REMARK_TAGS:
        text = next((tag.text for tag in named.get(name.lower(), ())), "")
        if text and name.lower() not in {known.lower() for known in values}:
            values[name] = text
    if not values:
        return []
    meaning = "The file carries captions, credits or comments."
    return [tag_finding("remarks", "info", "Captions, credits and comments", meaning, values)]


RULES = (place, remarks)
