from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from assay.media.tag_dates import gap, is_unset, read_date, read_zone


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2008:05:30 15:56:01", datetime(2008, 5, 30, 15, 56, 1)),
        ("2008-05-30T15:56:01+02:00", datetime(2008, 5, 30, 15, 56, 1)),
        ("2021-02-03T04:05:06.000000Z", datetime(2021, 2, 3, 4, 5, 6)),
        ("20080530", datetime(2008, 5, 30)),
        ("2008:10:23", datetime(2008, 10, 23)),
        ("0000:00:00 00:00:00", None),
        ("2008:13:45 99:00:00", None),
        ("    :  :  ", None),
        ("yesterday", None),
    ],
)
def test_every_form(text: str, date: datetime | None) -> None:
    assert read_date(text) == date


def test_gap_has_no_direction() -> None:
    first, second = datetime(2020, 1, 1), datetime(2020, 1, 3)
    assert gap(first, second) == gap(second, first) == timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2008-05-30T15:56:01+02:00", 2),
        ("-0730", -7.5),
        ("2008-05-30T15:56:01Z", 0),
        ("2008:05:30 15:56:01", None),
        ("+99:00", None),
    ],
)
def test_zones(text: str, hours: float | None) -> None:
    assert read_zone(text) == (None if hours is None else timedelta(hours=hours))


def test_a_clock_that_was_never_set() -> None:
    assert all(is_unset(text) for text in ("0000:00:00 00:00:00", "    :  :     :  :  ", "0"))
    assert not any(is_unset(text) for text in ("0000:01:01", "yesterday", "2020:13:01"))
