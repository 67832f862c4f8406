from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assay.inputs.container_history import Hidden, Writers, dates_apart, hidden_in, writers_of
from assay.media.boxes import Edit, Movie, Track


def track(*edits: Edit, handler: str = "vide", name: str = "VideoHandler") -> Track:
    return Track(handler=handler, handler_name=name, media_duration_s=20.0, edits=edits)


def test_ffmpeg_keeps_the_names_of_who_was_before() -> None:
    movie = Movie(brand="isom", encoder="Lavf58.29", tracks=(track(name="Core Media Video"),))
    writers = writers_of(movie)
    assert writers.last.startswith("FFmpeg")
    assert writers.before.startswith("Apple AVFoundation")
    adobe = Movie(brand="mp42", tracks=(track(name="Mainconcept Video Media Handler"),))
    assert writers_of(adobe).last.startswith("MainConcept")
    assert writers_of(Movie(brand="mp42", tracks=(track(),))) == Writers("", "")


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ((), None),
        ((Edit(19.9, 0.08),), None),
        ((Edit(0.02, None), Edit(20.0, 0.0)), None),
        ((Edit(0.0, 0.0),), None),
        ((Edit(5.0, 10.0),), Hidden("vide", 10.0, 5.0, 1)),
        ((Edit(5.0, 0.0), Edit(5.0, 15.0)), Hidden("vide", 0.0, 0.0, 2)),
    ],
)
def test_what_an_edit_list_hides(edits: tuple[Edit, ...], expected: Hidden | None) -> None:
    assert hidden_in(track(*edits)) == expected
    assert hidden_in(track(*edits, handler="text")) is None


def test_dates_that_lie_apart_are_told() -> None:
    date = datetime(2021, 1, 1, tzinfo=UTC)
    near = Track(handler="vide", created=date + timedelta(seconds=2))
    far = Track(handler="soun", created=date + timedelta(days=3))
    assert dates_apart(Movie(created=date, tracks=(near,))) == []
    assert len(dates_apart(Movie(created=date, tracks=(near, far)))) == 3
    assert dates_apart(Movie(tracks=(far,))) == []
