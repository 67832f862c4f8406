from __future__ import annotations

from assay.media.tag_text import clean_text, clean_values, decode


def test_controls_and_direction_marks_become_spaces() -> None:
    assert clean_text("a\x1b[31m\tb\u202ec\ud800\u200bd") == "a [31m b c d"


def test_a_long_text_is_cut_and_marked() -> None:
    assert clean_text("x" * 500, 10) == "x" * 9 + "…"


def test_bytes_are_read_as_utf8_else_latin1() -> None:
    assert decode("é".encode()) == decode(b"\xe9") == "é"


def test_values_are_cleaned_all_the_way_down_and_bounded() -> None:
    values = {"a\n": ["b\x00"] * 30, "empty": "", "n": 3, "inner": {"c": "d\r"}, "none": None}
    cleaned = clean_values(values)
    assert cleaned == {"a": ["b"] * 20, "n": 3, "inner": {"c": "d"}}
