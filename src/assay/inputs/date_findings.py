"""Findings from the dates in a file: what they say, and where they contradict each other."""

from __future__ import annotations

from datetime import datetime, timedelta

from assay.inputs.tag_findings import tag_finding
from assay.media.tag_dates import gap, is_unset, read_date, read_zone
from assay.media.tags import Tags
from assay.types import Finding, Media

# Cameras rarely write their time zone, and a GPS date is in UTC: less than this proves nothing.
TOLERANCE = timedelta(hours=26)
# The sun stands highest up to three hours off noon by law; daylight saving adds one more.
ZONE_TOLERANCE = timedelta(hours=4, minutes=30)
DAY = timedelta(days=1)
FIRST_DIGITAL_YEAR = 1990
UNIX_ZERO, MP4_ZERO = 1970, 1904  # a clock that counts from there and was never set
NAMES = {
    "taken": ("DateTimeOriginal", "com.apple.quicktime.creationdate"),
    "digitised": ("DateTimeDigitized",),
    "taken (XMP)": ("exif:DateTimeOriginal", "photoshop:DateCreated"),
    "taken (IPTC)": ("DateCreated",),
    "satellite": ("GPSDateStamp",),
    "changed": ("DateTime", "xmp:ModifyDate", "tIME"),
    "container": ("creation_time",),
}
OF_TAKING = ("digitised", "taken (XMP)", "taken (IPTC)", "satellite")
WRONG_CLOCK = "a camera whose clock was set wrongly or never"

CLOCK_CAUSES: tuple[str, ...] = (
    WRONG_CLOCK,
    "the clock of the computer that changed the file was wrong",
)


def dates(tags: Tags, _media: Media) -> list[Finding]:
    """The dates that the file gives, and every contradiction among them."""
    written = {role: tags.first(*names) for role, names in NAMES.items()}
    written = {role: text for role, text in written.items() if text}
    read = {role: date for role, text in written.items() if (date := read_date(text))}
    findings = []
    if read:
        meaning = "The file says when it was taken, written or changed."
        findings.append(tag_finding("dates", "info", "Dates in the file", meaning, written))
    return [
        *findings,
        *_unreadable(written, read),
        *_unset(written, read),
        *_disagreeing(read, written),
        *_by_satellite(tags, written),
    ]


def _unreadable(written: dict[str, str], read: dict[str, datetime]) -> list[Finding]:
    values = {
        role: text for role, text in written.items() if role not in read and not is_unset(text)
    }
    if not values:
        return []
    meaning = "A date in the file is none that a calendar knows."
    causes = ("a program or a camera wrote dates in a form of its own", "damaged tags")
    title = "An impossible date"
    return [tag_finding("date_impossible", "notable", title, meaning, values, causes)]


def _unset(written: dict[str, str], read: dict[str, datetime]) -> list[Finding]:
    zero = {role: text for role, text in written.items() if role not in read and is_unset(text)}
    early = {role: written[role] for role, date in read.items() if date.year < FIRST_DIGITAL_YEAR}
    if not zero and not early:
        return []
    is_clock = all(
        role != "taken" or read[role].year in (MP4_ZERO, UNIX_ZERO, 1980) for role in early
    )
    meaning = "A date is zero or lies before digital cameras: the clock was never set."
    if not is_clock:
        meaning = (
            "A date of taking lies before digital cameras: the picture is a scan with the "
            "original's date, or a clock or a tag is wrong."
        )
    values = {**zero, **early}
    return [tag_finding("clock_not_set", "info", "Clock not set", meaning, values)]


def _disagreeing(read: dict[str, datetime], written: dict[str, str]) -> list[Finding]:
    findings = []
    taken = read.get("taken")
    if taken and any(gap(taken, read[role]) > TOLERANCE for role in OF_TAKING if role in read):
        meaning = (
            "The dates of taking differ by more than a day: a clock was set wrongly, the picture "
            "is a scan or a copy, or a tag was changed."
        )
        causes: tuple[str, ...] = (
            WRONG_CLOCK,
            "an archive's or agency's date of entry",
            "a scan of an old print",
        )
        findings.append(
            tag_finding("dates_disagree", "notable", "Dates disagree", meaning, written, causes)
        )
    changed = read.get("changed")
    if taken and changed and taken - changed > TOLERANCE:
        meaning = "The file was changed before it was taken: a clock or a tag is wrong."
        causes = CLOCK_CAUSES
        findings.append(
            tag_finding(
                "changed_before_taken", "notable", "Impossible dates", meaning, written, causes
            )
        )
    return findings + _container(read, written) + _future(read, written)


def _container(read: dict[str, datetime], written: dict[str, str]) -> list[Finding]:
    taken, packed = read.get("taken"), read.get("container")
    if not (taken and packed) or packed.year < FIRST_DIGITAL_YEAR:
        return []
    if gap(taken, packed) <= TOLERANCE:
        return []
    meaning = (
        "The container was written on another day than the recording was made: it was exported, "
        "cut or converted later."
    )
    causes = ("trimming or exporting on the phone", "a download from a cloud", WRONG_CLOCK)
    title = "Container written on another day"
    return [tag_finding("container_date_disagrees", "notable", title, meaning, written, causes)]


def _future(read: dict[str, datetime], written: dict[str, str]) -> list[Finding]:
    # No date is shifted: year 9999 and year 1 have no neighbours.
    now = datetime.now()
    ahead = {role: written[role] for role, date in read.items() if date > now + TOLERANCE}
    if not ahead:
        return []
    meaning = "A date lies in the future of this computer's clock: one of the clocks is wrong."
    causes = (WRONG_CLOCK, "this computer's own clock is behind")
    title = "A date in the future"
    return [tag_finding("date_in_future", "notable", title, meaning, ahead, causes)]


def _by_satellite(tags: Tags, written: dict[str, str]) -> list[Finding]:
    """The camera's clock against the satellites' time and the place's own noon."""
    taken = read_date(written.get("taken", ""))
    stamp = f"{tags.first('GPSDateStamp')} {tags.first('GPSTimeStamp')}"
    fix, position = read_date(stamp), tags.first("Position").split()
    if not (taken and fix and len(position) == 2 and len(stamp) > 11):
        return []
    if gap(taken, fix) > TOLERANCE:
        return []  # told as disagreeing dates
    zone = read_zone(tags.first("OffsetTimeOriginal", "OffsetTime"))
    # Read as if the clock showed the place's own time; whole days are the satellites' date.
    expected = zone if zone is not None else timedelta(hours=float(position[1]) / 15)
    off = (taken - fix - expected) % DAY
    off = min(off, DAY - off)
    if off <= (timedelta(hours=2) if zone is not None else ZONE_TOLERANCE):
        return []
    meaning = (
        "The camera's clock and the satellites' time, put into the zone of the place, lie hours "
        "apart: the clock showed another zone, or the place or the time was changed."
    )
    causes = ("a traveller did not set the clock", "the place was the last one known, hours before")
    values = {
        "taken": written["taken"], "satellite_utc": stamp, "hours_apart": off.total_seconds() / 3600
    }  # fmt: skip
    title = "Clock and place disagree"
    return [tag_finding("clock_and_place", "notable", title, meaning, values, causes)]


RULES = (dates,)
