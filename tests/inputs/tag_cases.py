"""Tags put together by hand, for the rules that read them."""

from __future__ import annotations

from assay.inputs.tag_findings import Rule
from assay.media.tags import Tags
from assay.types import Finding, Media

MEDIA = Media("a.jpg", "a.jpg", "0" * 64, 9, "image", "image/jpeg", "x", "x", size_px=(96, 96))


def tags_with(*found: tuple[str, str, str]) -> Tags:
    """Tags of (place, name, text)."""
    tags = Tags()
    for one in found:
        tags.add(*one)
    return tags


def told_by(rule: Rule, tags: Tags, media: Media = MEDIA) -> dict[str, Finding]:
    """What a rule tells, by code; each worth a look says what else could cause it."""
    found = rule(tags, media)
    for one in found:
        assert one.severity == "info" or one.innocent_causes
        assert one.title
        assert one.meaning
    return {one.code.removeprefix("metadata_"): one for one in found}
