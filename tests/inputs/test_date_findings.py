from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from assay.inputs.date_findings import dates
from tests.inputs.tag_cases import tags_with, told_by

TAKEN = ("exif", "DateTimeOriginal", "2020:06:01 12:00:00")


def codes(*found: tuple[str, str, str]) -> set[str]:
    return set(told_by(dates, tags_with(*found)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0000:01:01 00:00:00", "date_impossible"),
        ("2020:13:45 00:00:00", "date_impossible"),
        ("-2020:01:01 00:00:00", "date_impossible"),
        ("0000:00:00 00:00:00", "clock_not_set"),
        ("    :  :     :  :  ", "clock_not_set"),
        ("1904:01:01 00:00:00", "clock_not_set"),
        ("0001:01:01 00:00:00", "clock_not_set"),
        ("9999:12:31 23:59:59", "date_in_future"),
    ],
)
def test_absurd_dates_each_get_their_word(text: str, code: str) -> None:
    assert codes(("exif", "DateTimeOriginal", text)) - {"dates"} == {code}
    both = codes(
        ("exif", "DateTimeOriginal", text), ("exif", "DateTime", text), ("png", "tIME", text)
    )
    assert both - {"dates"} == {code}


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (("exif", "DateTimeDigitized", "2020:08:01 12:00:00"), "dates_disagree"),
        (("xmp", "photoshop:DateCreated", "2019-01-01"), "dates_disagree"),
        (("iptc", "DateCreated", "20190101"), "dates_disagree"),
        (("exif", "DateTime", "2019:01:01 00:00:00"), "changed_before_taken"),
        (("container", "creation_time", "2021-06-01T12:00:00Z"), "container_date_disagrees"),
    ],
)
def test_contradictions(other: tuple[str, str, str], code: str) -> None:
    assert codes(TAKEN, other) == {"dates", code}


@pytest.mark.parametrize(
    "other",
    [
        ("exif", "DateTimeDigitized", "2020:06:02 11:00:00"),
        ("exif", "DateTime", "2024:01:01 00:00:00"),
        ("container", "creation_time", "2020-06-01T22:00:00Z"),
        ("container", "creation_time", "1904-01-01T00:00:00Z"),
        ("gps", "GPSDateStamp", "2020:06:02"),
    ],
)
def test_what_is_no_contradiction(other: tuple[str, str, str]) -> None:
    assert codes(TAKEN, other) - {"clock_not_set"} == {"dates"}


def at_place(longitude: float, utc: str, zone: str = "") -> set[str]:
    found = [
        TAKEN,
        ("gps", "GPSDateStamp", "2020:06:01"),
        ("gps", "GPSTimeStamp", utc),
        ("gps", "Position", f"10.0 {longitude}"),
    ]
    return codes(*found, *([("exif", "OffsetTimeOriginal", zone)] if zone else []))


@pytest.mark.parametrize(
    ("longitude", "utc", "zone", "is_told"),
    [
        (15.0, "11:00:00", "", False),  # noon in the middle of Europe
        (75.0, "04:00:00", "", False),  # far west China keeps Beijing's time
        (-150.0, "22:00:00", "", False),
        (139.0, "12:00:00", "", True),  # a clock on UTC in Japan
        (-74.0, "10:00:00", "", True),  # European summer time in New York
        (139.0, "03:00:00", "+09:00", False),
        (139.0, "08:00:00", "+09:00", True),
        (179.9, "00:30:00", "", False),
    ],
)
def test_the_clock_against_the_satellites(
    longitude: float, utc: str, zone: str, is_told: bool
) -> None:
    assert ("clock_and_place" in at_place(longitude, utc, zone)) is is_told


def test_tomorrow_is_no_future_anywhere_on_earth() -> None:
    soon = f"{datetime.now() + timedelta(hours=20):%Y:%m:%d %H:%M:%S}"
    assert codes(("exif", "DateTimeOriginal", soon)) == {"dates"}
