from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.label_files import (
    field_of,
    inside,
    json_of,
    lines_of,
    rows_of,
    spans_of,
    text_of,
)
from assay.training.datasets.records import FakeSpan


def test_a_byte_order_mark_and_windows_lines_are_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes("\ufeffé\r\n\r\nb\u2028c\n".encode())
    assert list(lines_of(tmp_path / "b.txt")) == [(1, "é"), (3, "b\u2028c")]


def test_what_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\n\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"a\.txt, line 3"):
        text_of(tmp_path / "a.txt")
    with pytest.raises(ConfigError, match=r"missing\.txt cannot be read"):
        text_of(tmp_path / "missing.txt")
    with pytest.raises(ConfigError, match="cannot be read"):
        text_of(tmp_path)


def test_a_table_is_read_with_its_unnamed_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffname, label,,\r\n"a\nb" , 1,x,y\r\n\r\nc,0,,,,\r\n'.encode())
    assert list(rows_of(path, ("name", "label", ""))) == [
        (3, {"name": "a\nb", "label": "1", "": "x", "+1": "y"}),
        (5, {"name": "c", "label": "0", "": "", "+1": ""}),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("name,other\n", r"line 1: there is no column 'label'"),
        ("name,label\na\n", "line 2: 1 fields; the header has 2"),
        ("name,label\na,1,x\n", "line 2: 3 fields"),
        ("name,label\na," + "x" * 200_000 + "\n", "line 2: field larger"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ConfigError, match=said):
        list(rows_of(tmp_path / "a.csv", ("name", "label")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1', "line 1"),
        ("[1]", "holds a list where a dict"),
        ('{"a": 1, "a": 2}', "two different things of 'a'"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_json_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        json_of(tmp_path / "a.json", dict)


def test_json_may_say_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('\ufeff{"a": 1, "a": 1}', encoding="utf-8")
    assert json_of(tmp_path / "a.json", dict) == {"a": 1}


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "C:\\x", "\\\\host\\x", "", "  ", "a\0b", None, 3]
)
def test_a_path_that_leaves_the_folder_is_refused(name: object) -> None:
    with pytest.raises(ConfigError, match="list, line 7"):
        inside(name, "list, line 7")


def test_a_path_is_given_with_slashes() -> None:
    assert inside("./a\\b//c d.mp4 ", "x") == "a/b/c d.mp4"
    assert inside("..a/b...mp4", "x") == "..a/b...mp4"


@pytest.mark.parametrize(
    "pairs",
    ["1", [[1]], [[2, 1]], [[-1, 1]], [["0", "1"]], [[0, float("nan")]], [[0, float("inf")]],
     [[True, 2]], [1, 2], {"a": 1}],
)  # fmt: skip
def test_spans_that_are_none_are_refused(pairs: object) -> None:
    with pytest.raises(ConfigError, match="entry 2"):
        spans_of(pairs, "both", "entry 2")


def test_spans() -> None:
    assert spans_of([[0, 0.5], [1, 1]], "audio", "x") == (
        FakeSpan(0, 0.5, "audio"),
        FakeSpan(1, 1, "audio"),
    )


def test_fields_of_objects() -> None:
    assert field_of({"a": None}, "a", "x") is None
    with pytest.raises(ConfigError, match="x: there is no field 'b'"):
        field_of({"a": 1}, "b", "x")
    with pytest.raises(ConfigError, match="a list where an object"):
        field_of([], "b", "x")
