from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.evaluation.scores import COLUMNS, Row, read_scores, write_rows

from .made_rows import collection


def written(folder: Path, text: str) -> Path:
    path = folder / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    odd = Row('a,"b"', "fake", "gan|é", "g", reason='said "no", twice', status="failed")
    rows = [*collection(), odd, replace(collection()[0], variant="crop_10", fired=None)]
    rows[-1] = replace(rows[-1], threshold=None)
    write_rows(rows, tmp_path / "scores.csv")
    assert read_scores(tmp_path / "scores.csv") == rows


def test_names_that_are_no_utf8_survive(tmp_path: Path) -> None:
    row = Row("a\udcff", "real", "m", "g", status="abstained")
    write_rows([row], tmp_path / "scores.csv")
    assert read_scores(tmp_path / "scores.csv") == [row]


def test_the_columns_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"`{name}`" not in page] == []


def test_another_systems_scores(tmp_path: Path) -> None:
    text = "path,label,method,group,score,threshold\na,fake,x,p1,3.5,2\nb,bona fide,y,,-1,2\n"
    first, second = read_scores(written(tmp_path, text))
    assert (first.score, first.p_fake, first.fired, first.label) == (3.5, None, True, "fake")
    assert (second.fired, second.label, second.group) == (False, "real", "b")


def test_scores_within_zero_and_one_are_probabilities(tmp_path: Path) -> None:
    text = (
        "path,label,method,group,system,score\na,fake,x,1,s,0.9\nb,real,y,2,s,0\nc,real,y,3,t,7\n"
    )
    rows = read_scores(written(tmp_path, text))
    assert [row.p_fake for row in rows] == [0.9, 0.0, None]
    assert [row.detector for row in rows] == ["s", "s", "t"]
    assert rows[0].fired is None


def test_an_empty_score_is_an_abstention(tmp_path: Path) -> None:
    rows = read_scores(written(tmp_path, "path,label,method,group,score\na,fake,x,1,\n"))
    assert rows[0].status == "abstained"
    assert rows[0].score is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,1,x,g,0.5", "neither real nor fake"),  # data sets differ in which of them is real
        ("a,paired,x,g,0.5", "neither real nor fake"),
        ("a,fake,x,g,nan", "not finite"),
        ("a,fake,x,g,-inf", "not finite"),
        ("a,fake,x,g,high", "is no number"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, f"path,label,method,group,score\nok,real,x,g,0.1\n{line}\n")
    with pytest.raises(UsageError, match="line 3") as caught:
        read_scores(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value"), [("fired", "maybe"), ("p_fake", "1.5"), ("status", "ok")]
)
def test_wrong_cells_of_our_own_are_refused(tmp_path: Path, column: str, value: str) -> None:
    own = {
        "path": "a",
        "label": "fake",
        "method": "m",
        "group": "g",
        "p_fake": "0.5",
        column: value,
    }
    path = written(tmp_path, f"{','.join(own)}\n{','.join(own.values())}\n")
    with pytest.raises(UsageError, match=column):
        read_scores(path)


def test_an_abstention_with_a_score_is_refused(tmp_path: Path) -> None:
    text = "path,label,method,group,score,status\na,fake,x,g,0.5,abstained\n"
    with pytest.raises(UsageError, match="do not fit"):
        read_scores(written(tmp_path, text))


@pytest.mark.parametrize("text", ["", "path,label\na,fake\n", "path,label,method,group,score\n"])
def test_a_file_without_scores_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        read_scores(written(tmp_path, text))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_scores(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(UsageError):
        read_scores(tmp_path / "b.csv")


def test_too_few_cells_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_scores(written(tmp_path, "path,label,method,group,score\na\n"))
