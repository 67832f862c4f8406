from __future__ import annotations

from assay.inputs.remark_findings import place, remarks
from tests.inputs.tag_cases import tags_with, told_by


def test_a_place_is_about_privacy_and_no_sign_of_manipulation() -> None:
    found = told_by(place, tags_with(("gps", "Position", "48.8 2.3")))["location"]
    assert (found.severity, found.values) == ("notable", {"coordinates": "48.8 2.3"})
    assert "no sign of manipulation" in found.meaning
    assert "48" not in found.title + found.meaning


def test_a_place_in_xmp_and_in_films() -> None:
    tags = tags_with(("xmp", "exif:GPSLatitude", "48,51N"), ("xmp", "exif:GPSLongitude", "2,17E"))
    assert told_by(place, tags)["location"].values == {"coordinates": "48,51N 2,17E"}
    film = tags_with(("container", "com.apple.quicktime.location.ISO6709", "+48.8+002.3/"))
    assert told_by(place, film)["location"].values == {"coordinates": "+48.8+002.3/"}
    assert not told_by(place, tags_with(("exif", "Make", "Nikon")))


def test_captions_once_and_nothing_of_the_makers() -> None:
    tags = tags_with(
        ("container", "artist", "Ada"), ("exif", "Artist", "Bo"), ("maker", "Comment", "x")
    )
    assert told_by(remarks, tags)["remarks"].values == {"Artist": "Ada"}
    assert not told_by(remarks, tags_with(("maker", "Comment", "x")))
