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
    r"faceswap|\brope\b",
    re.IGNORECASE,
)
ENCODERS = re.compile(
    r"^lav[fc]\d|ffmpeg|handbrake|x26[45]|libx26|lame ?3|gstreamer|mkvmerge|\bgpac\b|bento4|"
    r"mainconcept|shutter encoder|\bxvid\b|virtualdub|format ?factory|libvorbis|libopus|\bopusenc",
    re.IGNORECASE,
)
SCREEN_RECORDERS = re.compile(
    r"replaykit|\bobs(?: studio|-output|\b.{0,8}libobs)|libobs|bandicam|\bfraps\b|screenflow|"
    r"snagit|sharex|xbox game (?:dvr|bar)|shadowplay|nvidia share|mobizen|az screen|xrecorder|"
    r"screencast-o-matic|screenpal|apowersoft|icecream screen|flashback recorder|screen ?record|"
    r"\bloom (?:inc|desktop)|kazam|simplescreenrecorder|peek recorder|^screenshot$",
    re.IGNORECASE,
)
SOFTWARE_TAGS = (
    "Software", "xmp:CreatorTool", "stEvt:softwareAgent", "ImageEditingSoftware", "encoder",
    "RAWDevelopingSoftware", "MetadataEditingSoftware", "OriginatingProgram", "encoding_tool",
    "encoder_mark", "encoder_settings", "com.apple.quicktime.software", "tool", "ImageEditor",
    "com.apple.quicktime.author", "writing_application", "encoded_by", "handler_name", "firmware",
    "CameraFirmware", "xmp:Software",
)  # fmt: skip
_FIELDS = {name.lower() for name in SOFTWARE_TAGS}
# Names of a track that every writer of such files gives.
PLAIN_HANDLERS = re.compile(
    r"^(?:\W*(?:video|sound|audio|data|time ?code|core media|apple|mp4|iso|media|stereo|mono)\W*)+"
    r"(?:handler?|handle|media handler)?\W*$|^.?(?:video|sound)hand",
    re.IGNORECASE,
)
GROUPS = ("retouching", "editing", "screen_recorder", "encoder", "software")
_FORMS = (
    ("retouching", RETOUCHERS),
    ("screen_recorder", SCREEN_RECORDERS),
    ("editing", EDITORS),
    ("encoder", ENCODERS),
)


def group_programs(tags: Tags) -> dict[str, list[str]]:
    """The programs named, by purpose: one list for each of GROUPS, the last for all others.

    retouching is of faces; handlers of tracks count only where they name a program.
    """
    groups: dict[str, list[str]] = {name: [] for name in GROUPS}
    handlers = set(tags.texts("handler_name", "com.apple.quicktime.author"))
    # The maker's own notes tell the firmware in numbers; they stand in a finding of their own.
    elsewhere = [tag for tag in tags.found if tag.place != "maker"]
    for text in dict.fromkeys(tag.text for tag in elsewhere if tag.name.lower() in _FIELDS):
        group = next((name for name, form in _FORMS if form.search(text[:500])), "software")
        if group == "software" and (text in handlers or PLAIN_HANDLERS.match(text[:100])):
            continue
        groups[group].append(text)
    remarks = tags.texts("UserComment", "exif:UserComment")
    if any(text.lower() == "screenshot" for text in remarks):
        groups["screen_recorder"].append("Screenshot")
    return groups
