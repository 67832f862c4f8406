from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from assay.evaluation.board import Number, gather, tables_of
from assay.evaluation.leaderboard import as_html, as_markdown, number_text, write_board
from tests.evaluation.made_results import result, row, stored

NASTY = "<script>alert(1)</script>|*x*\n# head"


def board(tmp_path: Path, name: str = "net_a") -> tuple[str, str]:
    rows = [row(name, "auc", 0.91), row(name, "auc", 0.5, slice="method: swap")]
    rows += [row("net_b", "auc", 0.81)]
    paired = {"a": name, "b": "net_b", "metric": "auc", "level": "file"}
    paired |= {"difference": 0.1, "low": -0.02, "high": 0.2, "p": 0.08, "p_holm": 0.16}
    elsewhere = {**paired, "difference": 0.777, "metric": "accuracy"}
    stored(tmp_path / "results", result(rows, significance=[paired, elsewhere]))
    tables = tables_of(gather([tmp_path / "results"]))
    return as_markdown(tables), as_html(tables)


def test_measured_and_published_numbers_stand_in_sections_of_their_own(tmp_path: Path) -> None:
    for page in board(tmp_path):
        measured, published = re.split(r"## Published|<h2>Published</h2>", page)
        assert ".910 [.860, .960]" in measured
        assert "net_a" not in published
        for number in ("0.951", "0.9444", "94 %", "79.15 %"):
            assert number in published
            assert number not in measured


def test_each_published_number_says_where_it_was_read(tmp_path: Path) -> None:
    markdown, _ = board(tmp_path)
    lines = markdown.partition("## Published")[2].strip().splitlines()[2:]
    assert len(lines) == 5
    for line in lines:
        assert re.search(r"repository|abstract|third party", line), line


def test_intervals_slices_and_comparisons_are_shown(tmp_path: Path) -> None:
    for page in board(tmp_path):
        assert "method: swap" in page
        assert "net_a − net_b: AUC +0.100 [-0.020, +0.200], p = 0.080 (0.160 after Holm)" in page
        assert "0.777" not in page
        assert "20 forged and 30 genuine in 40 groups" in page
        assert "not a final test" in page


def test_names_from_outside_cannot_break_the_page(tmp_path: Path) -> None:
    markdown, page = board(tmp_path, NASTY)
    assert "<script" not in page
    assert "\n# head" not in markdown
    assert all(line.count(" | ") <= 7 for line in markdown.splitlines())


def test_models_of_different_items_are_not_ranked(tmp_path: Path) -> None:
    rows = [row("a", "auc", 0.8), row("b", "auc", 0.7)]
    rows += [row("a", "auc", 0.6, slice="generator: x"), row("b", "auc", 0.5, slice="generator: x")]
    stored(tmp_path, result(rows, protocol="leave-one-generator-out"))
    tables = tables_of(gather([tmp_path]))
    for page in (as_markdown(tables), as_html(tables)):
        measured = re.split(r"## Published|<h2>Published</h2>", page)[0]
        assert ".800" not in measured
        assert ".600 [.550, .650]" in measured
        assert "compare within a line" in measured


class Balanced(HTMLParser):
    VOID = ("meta", "link", "br", "img", "hr", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(tmp_path: Path) -> None:
    _, page = board(tmp_path)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"(src|href)\s*=", page)
    assert "default-src 'none'" in page


def test_both_are_written(tmp_path: Path) -> None:
    markdown, page = write_board([], tmp_path / "new" / "board")
    assert "Nothing was measured yet." in markdown.read_text(encoding="utf-8")
    assert "Nothing was measured yet." in page.read_text(encoding="utf-8")


def test_numbers_keep_their_sign_and_a_whole_one() -> None:
    assert number_text(Number(1.0, 0.9, 1.0, 1, 1, 2)) == "1.000 [.900, 1.000]"
    assert number_text(Number(-0.25, None, None, 1, 1, 2)) == "-0.250"
    assert number_text(None) == "–"
