from __future__ import annotations

import pytest

from assay.verdict.naming import clock, counted, in_words, joined


@pytest.mark.parametrize(
    ("subject", "words"),
    [("sound", "the sound"), ("file", "the file"), ("voice 2", "voice 2"), ("face 1", "face 1")],
)
def test_wholes_have_an_article(subject: str, words: str) -> None:
    assert in_words(subject) == words


def test_things_are_counted() -> None:
    assert counted(1, "segment") == "1 segment"
    assert counted(0, "segment") == "0 segments"
    assert counted(2, "person") == "2 people"


def test_words_are_joined() -> None:
    assert [joined(list("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_hours_come_in_when_there_are_some() -> None:
    assert (clock(59.6), clock(3599), clock(3600)) == ("1:00", "59:59", "1:00:00")
