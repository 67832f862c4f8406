"""The leaderboard as Markdown and as one static page: measured tables, then published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import assay
from assay.evaluation.board import LOWER, OVERALL, Line, Number, Table
from assay.evaluation.published import ROWS, PublishedRow
from assay.report.sanitise import visible

if TYPE_CHECKING:
    from jinja2 import Template

METRICS = {
    "auc": "AUC",
    "average_precision": "AP",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "ap_50": "AP@.5",
    "ap_75": "AP@.75",
    "ap_95": "AP@.95",
    "ar_100": "AR@100",
    "equal_error_rate": "EER",
    "min_tdcf": "min t-DCF",
    "log_loss": "log loss",
    "ece": "ECE",
    "brier": "Brier",
    "aurc": "AURC",
    "coverage": "answered",
    "detection_at_far_1": "found at 1 % false alarms",
    "detection_at_far_5": "found at 5 % false alarms",
}
OWN_ITEMS = "leave-one-generator-out"  # each model is measured on what it has not seen
SHOWN = 6  # metrics in a table; the rest is in the result's own folder
MAX_SLICES = 40
READING = (
    "Every number under “Measured here” was measured by this program on the data named above its "
    "table, with a 95 % interval bootstrapped over people and footage. “Published” holds what "
    "others state of their own systems on the field's sets; none of it was measured here, and the "
    "two do not compare: other data, other split, other compression. Models of one table saw the "
    "same items; where two intervals overlap, the order between them says little."
)
PUBLISHED_COLUMNS = ("set", "system", "number", "of each", "trained on", "read in", "network here")


def as_markdown(tables: Sequence[Table], rows: Sequence[PublishedRow] = ROWS) -> str:
    """leaderboard.md."""
    lines = ["# Leaderboard", "", READING, "", "## Measured here"]
    for table in tables:
        lines += ["", f"### {_plain(heading(table))}", "", f"{_plain(subtitle(table))}", ""]
        if table.protocol != OWN_ITEMS:
            lines += _grid(columns(table), [cells(table, line) for line in table.lines])
        if table.slices:
            lines += ["", f"{METRICS.get(table.ranked_by, table.ranked_by)} by slice:", ""]
            lines += _grid(*slice_grid(table))
        lines += ["", *(f"- {_plain(one)}" for one in comparisons(table))]
    if not tables:
        lines += ["", "Nothing was measured yet."]
    lines += ["", "## Published", "", *_grid(PUBLISHED_COLUMNS, published_cells(rows))]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def as_html(tables: Sequence[Table], rows: Sequence[PublishedRow] = ROWS) -> str:
    """The page: one file, no script, nothing fetched."""
    shown = [
        {
            "heading": heading(table),
            "subtitle": subtitle(table),
            "columns": columns(table),
            "rows": [
                {"cells": cells(table, line), "bar": bar(table, line)}
                for line in table.lines
                if table.protocol != OWN_ITEMS
            ],
            "slices": slice_grid(table) if table.slices else None,
            "metric": METRICS.get(table.ranked_by, table.ranked_by) if table.metrics else "",
            "comparisons": comparisons(table),
        }
        for table in tables
    ]
    return _template().render(
        tables=shown,
        reading=READING,
        published_columns=PUBLISHED_COLUMNS,
        published=published_cells(rows),
        made=datetime.now(UTC).strftime("%Y-%m-%d"),
        version=assay.__version__,
    )


def write_board(tables: Sequence[Table], folder: Path) -> tuple[Path, Path]:
    """Write leaderboard.md and index.html into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "leaderboard.md", folder / "index.html"
    for path, text in zip(paths, (as_markdown(tables), as_html(tables)), strict=True):
        path.write_text(text, encoding="utf-8", errors="replace")
    return paths


def heading(table: Table) -> str:
    """What was measured on what."""
    return f"{visible(table.data)}: {table.protocol}, one answer for each {table.level}"


def subtitle(table: Table) -> str:
    """How many items, which split, and whether it was the sealed test."""
    split = f"split “{visible(table.split)}”" if table.split else "all items"
    sealed = "the sealed test" if table.final else "for choosing between models, not a final test"
    number = next((n for line in table.lines for n in line.numbers.values()), None)
    counts = (
        f"{number.n_fake} forged and {number.n_real} genuine in {number.n_groups} groups, "
        if number and table.protocol != OWN_ITEMS
        else ""
    )
    said = f"{table.n_items} items, {counts}{split}; {sealed}. Data {table.data_hash[:16]}."
    if table.protocol == OWN_ITEMS:
        said += (
            " Each model is measured only on generators that its training does not name, so there "
            "is no rank over all: compare within a line."
        )
    return said


def columns(table: Table) -> tuple[str, ...]:
    """The heads: ↑ higher is better, ↓ lower is."""
    heads = [f"{METRICS.get(m, m)} {'↓' if m in LOWER else '↑'}" for m in table.metrics[:SHOWN]]
    return ("model", *heads, "trained on", "weights")


def cells(table: Table, line: Line) -> tuple[str, ...]:
    """One model's cells under `columns`."""
    name = line.model if line.net in line.model else f"{line.model} ({line.net})"
    numbers = [number_text(line.numbers.get(metric)) for metric in table.metrics[:SHOWN]]
    return visible(name), *numbers, visible(line.trained_on), line.bundle_sha256[:12] or "–"


def number_text(number: Number | None) -> str:
    """`.912 [.85, .96]`; a dash where there is none."""
    if number is None:
        return "–"
    text = _short(number.value)
    if number.low is None or number.high is None:
        return text
    return f"{text} [{_short(number.low)}, {_short(number.high)}]"


def _short(value: float) -> str:
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def bar(table: Table, line: Line) -> dict[str, float] | None:
    """Where the ranking number and its interval lie from 0 to 100; None for no share."""
    number = line.numbers.get(table.ranked_by) if table.metrics else None
    if number is None or not 0 <= number.value <= 1:
        return None
    low = number.value if number.low is None else max(0.0, number.low)
    high = number.value if number.high is None else min(1.0, number.high)
    return {"at": 100 * number.value, "low": 100 * low, "width": 100 * max(0.0, high - low)}


def slice_grid(table: Table) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Slices down, models across, the hardest first."""
    models = [line.model for line in table.lines]
    rows = [
        (visible(name), *(number_text(found.get(model)) for model in models))
        for name, found in list(table.slices.items())[:MAX_SLICES]
    ]
    left = len(table.slices) - len(rows)
    if left:
        rows.append((f"… and {left} easier ones", *[""] * len(models)))
    return ("slice", *(visible(model) for model in models)), rows


def comparisons(table: Table) -> list[str]:
    """What the paired tests say of two models on the same items, by the metric that ranks them."""
    if table.protocol == OWN_ITEMS:
        return []
    wanted = {"level": table.level, "metric": table.ranked_by if table.metrics else ""}
    return [
        _comparison(one)
        for one in table.significance
        if all(one.get(key) == value for key, value in wanted.items())
        and one.get("slice", OVERALL) == OVERALL
    ]


def _comparison(one: Mapping[str, Any]) -> str:
    a, b = visible(str(one.get("a"))), visible(str(one.get("b")))
    metric = METRICS.get(str(one.get("metric")), str(one.get("metric")))
    difference, p = one.get("difference"), one.get("p")
    if difference is None or p is None:
        return f"{a} and {b} could not be compared."
    said = f"{a} − {b}: {metric} {float(difference):+.3f}"
    if one.get("low") is not None and one.get("high") is not None:
        said += f" [{float(one['low']):+.3f}, {float(one['high']):+.3f}]"
    corrected = one.get("p_holm")
    said += f", p = {float(p):.3f}"
    return said if corrected is None else f"{said} ({float(corrected):.3f} after Holm)"


def published_cells(rows: Sequence[PublishedRow]) -> list[tuple[str, ...]]:
    """One line for each published system under PUBLISHED_COLUMNS, all of its numbers in it."""
    systems: dict[tuple[str, ...], list[PublishedRow]] = {}
    for row in rows:
        named = f"{row.system} ({row.paper})"
        key = (row.dataset, named, row.level, row.trained_on, row.read_in, row.net)
        systems.setdefault(key, []).append(row)
    return [(*key[:2], _numbers(found), *key[2:]) for key, found in systems.items()]


def _numbers(rows: Sequence[PublishedRow]) -> str:
    """`AUC 0.951, F1 88 % (5,000 test videos)`; notes that differ stand with their number."""
    notes = {row.note for row in rows}
    if len(notes) == 1:
        numbers = ", ".join(f"{row.metric} {row.text()}" for row in rows)
        return f"{numbers} ({rows[0].note})"
    return ", ".join(f"{row.metric} {row.text()} ({row.note})" for row in rows)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(texts: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(text) for text in texts) + " |"

    return [line(head), "|" + "---|" * len(head), *map(line, rows)]


def _plain(text: str) -> str:
    """Markdown that names from outside cannot break."""
    for sign in "\\|`*_<>[]":
        if sign not in "[]_" or "](" in text:
            text = text.replace(sign, f"\\{sign}")
    return text


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader

    place = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=place, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("leaderboard.html")
