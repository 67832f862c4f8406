import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.report.sanitise import MAX_TEXT, encodable, finite, plain, shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 👩‍🚀.jpg", "plain é 漢字 👩‍🚀.jpg"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
        ("bad \udcff byte", "bad \\xff byte"),
        ("lone \ud800", "lone \\ud800"),
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("tag \U000e0041", "tag \\U000e0041"),
    ],
)
def test_visible_spells_out_what_acts(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters()))
def test_visible_text_is_one_encodable_line(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown


def test_encodable_keeps_newlines_and_bounds_length() -> None:
    assert encodable("a\nb\udc80") == "a\nb\\x80"
    assert encodable("x" * (MAX_TEXT + 5)).endswith("… (5 characters more)")


def test_shortened_keeps_both_ends() -> None:
    assert shortened("short", 10) == "short"
    cut = shortened("abcdefghijklmnopqrstuvwxyz.jpg", 12)
    assert (len(cut), cut[:3], cut[-4:]) == (12, "abc", ".jpg")


def test_finite_refuses_nan() -> None:
    assert finite(None) is finite(math.nan) is finite(-math.inf) is None
    assert finite(np.float32(0.5)) == 0.5


def test_plain_makes_json_of_anything() -> None:
    loop: dict = {}
    loop["self"] = loop
    values = {
        1: np.float32(0.25), "nan": [math.nan, np.inf], "array": np.arange(3), "bytes": b"\x00\xff",
        "big": 10**5000, "set": {1}, "object": object, "loop": loop, "flag": np.bool_(True),
        "many": list(range(100_000)),
    }  # fmt: skip
    made = json.loads(json.dumps(plain(values), allow_nan=False))
    assert made["1"] == 0.25
    assert made["nan"] == [None, None]
    assert made["array"] == [0, 1, 2]
    assert made["bytes"] == "00ff"
    assert made["flag"] is True
    assert len(made["many"]) == 1000
