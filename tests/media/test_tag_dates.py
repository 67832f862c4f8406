from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from assay.media.tag_dates import gap, read_date


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
