"""Dates as files write them: EXIF, ISO 8601 and IPTC forms; hostile ones give None."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

FORM = re.compile(
    r"(\d{4})[:\-/.]?(\d{2})[:\-/.]?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2})?)?", re.ASCII
)
ZONE = re.compile(r"(Z|[+\-]\d{2}:?\d{2})$", re.ASCII)
MAX_CHARS = 40
MAX_ZONE = timedelta(hours=15)


def read_date(text: str) -> datetime | None:
    """The date and wall-clock time in `text`, without its time zone; None where there is none.

    Zones are dropped because cameras rarely write them: compare with more than a day's tolerance.
    """
    match = FORM.match(text.strip()[:MAX_CHARS])
    if not match:
        return None
    parts = [int(part or 0) for part in match.groups()]
    try:
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None


def read_zone(text: str) -> timedelta | None:
    """How far the clock of a date or of an EXIF offset ("+02:00") is ahead of UTC; None unsaid."""
    match = ZONE.search(text.strip()[:MAX_CHARS])
    if not match:
        return None
    if match[1] == "Z":
        return timedelta(0)
    digits = match[1][1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if ahead > MAX_ZONE:
        return None
    return -ahead if match[1][0] == "-" else ahead


def is_unset(text: str) -> bool:
    """Whether a date was left blank or at zero, as cameras do whose clock was never set."""
    return not text.strip(" :-./0TZ+\x00")


def gap(first: datetime, second: datetime) -> timedelta:
    """How far two dates lie apart, whichever comes first."""
    return abs(first - second)
