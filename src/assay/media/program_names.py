"""Which programs a file names, and what they are for."""

from __future__ import annotations

import re

from assay.media.tags import Tags

EDITORS = re.compile(
    r"photoshop|lightroom|\bgimp\b|affinity|paint\.net|paintshop|photopaint|photoscape|pixelmator|"
    r"snapseed|picsart|pixlr|canva\b|vsco|polarr|fotor|capture one|darktable|rawtherapee|luminar|"
    r"topaz|acdsee|picasa|krita|imagemagick|graphicsmagick|photo mechanic|aperture \d|"
    r"premiere|after effects|final cut|davinci|capcut|inshot|kinemaster|imovie|vegas|filmora|"
    r"kdenlive|shotcut|openshot|avidemux|camtasia|audacity|audition|garageband|logic pro|reaper|"
    r"descript\b",
    re.IGNORECASE,
)
RETOUCHERS = re.compile(
    r"faceapp|facetune|meitu|beautyplus|beautycam|\bb612\b|youcam|perfect365|airbrush|remini|"
    r"reface|deepfacelab|faceswap|roop\b|rope\b|facefusion",
    re.IGNORECASE,
)
ENCODERS = re.compile(
    r"^lav[fc]\d|ffmpeg|handbrake|x26[45]|libx26|lame ?3|gstreamer|mkvmerge", re.I
)
SOFTWARE_TAGS = (
    "Software", "xmp:CreatorTool", "stEvt:softwareAgent", "ImageEditingSoftware", "encoder",
    "RAWDevelopingSoftware", "MetadataEditingSoftware", "OriginatingProgram", "encoding_tool",
    "encoder_mark", "encoder_settings", "com.apple.quicktime.software", "tool",
)  # fmt: skip
_FORMS = (("retouching", RETOUCHERS), ("editing", EDITORS), ("encoder", ENCODERS))


def group_programs(tags: Tags) -> dict[str, list[str]]:
    """The programs named, by purpose: retouching (of faces), editing, encoder, software (other)."""
    groups: dict[str, list[str]] = {"retouching": [], "editing": [], "encoder": [], "software": []}
    for text in dict.fromkeys(tags.texts(*SOFTWARE_TAGS)):
        group = next((name for name, form in _FORMS if form.search(text[:500])), "software")
        groups[group].append(text)
    return groups
