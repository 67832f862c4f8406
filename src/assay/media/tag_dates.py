"""Dates as files write them: EXIF, ISO 8601 and IPTC forms."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

FORM = re.compile(
    r"(\d{4})[:\-/.]?(\d{2})[:\-/.]?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2})?)?",
)


def read_date(text: str) -> datetime | None:
    """The date and wall-clock time in `text`, without its time zone; None where there is none.

    Zones are dropped because cameras rarely write them: compare with more than a day's tolerance.
    """
    match = FORM.match(text.strip()[:40])
    if not match:
        return None
    parts = [int(part or 0) for part in match.groups()]
    try:
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None


def gap(first: datetime, second: datetime) -> timedelta:
    """How far two dates lie apart, whichever comes first."""
    return abs(first - second)
