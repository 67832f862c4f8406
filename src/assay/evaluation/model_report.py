"""A result as a page of Markdown and as short tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.evaluation.report import _grid, number_text
from assay.report.sanitise import visible

Result = Mapping[str, Any]
OVERALL = "overall"
TITLES = {
    "coverage": "answered",
    "auc": "AUC",
    "average_precision": "AP",
    "equal_error_rate": "EER",
    "detection_at_far_1": "found at 1 % false alarms",
    "detection_at_far_5": "found at 5 % false alarms",
    "accuracy": "accuracy at ½",
    "balanced_accuracy": "balanced accuracy at ½",
    "accuracy_at_threshold": "accuracy at its cut",
    "balanced_accuracy_at_threshold": "balanced accuracy at its cut",
    "detection_rate": "found at its cut",
    "false_alarm_rate": "false alarms at its cut",
    "log_loss": "log loss",
    "brier": "Brier",
    "ece": "ECE",
    "aurc": "AURC",
}
MAIN = ("coverage", "auc", "average_precision", "equal_error_rate", "accuracy",
        "balanced_accuracy", "false_alarm_rate", "detection_rate")  # fmt: skip
SHORT = ("coverage", "auc", "equal_error_rate", "accuracy")
READING = (
    "95 % intervals in brackets, bootstrapped over groups (people, footage), never over frames. "
    "A higher score means more likely fake. *accuracy at ½* calls fake what has a probability of "
    "at least one half; a model's own *cut* is that of its card (1 % false alarms where that was "
    "measured). Items without a score are in *answered* and in no other number. Parts with fewer "
    "than five scored items of a label show no number."
)


def as_markdown(result: Result, plots: Sequence[Path] = ()) -> str:
    """report.md."""
    data = result["data"]
    head = f"{data['name']}: {result['protocol']}"
    sealed = "sealed test" if result["final"] else "not a final test"
    lines = [f"# {visible(head)}", "", READING, ""]
    lines.append(f"{data['n_items']} items, split {data['split']} ({sealed}), data hash "
                 f"{data['data_hash']}.")  # fmt: skip
    lines += ["", "## Models", "", *_models(result)]
    if result["notices"]:
        lines += ["", "## Told before the numbers", ""]
        lines += [f"- {visible(text)}" for text in notices(result)]
    for level in ("file", "frame"):
        if any(row["level"] == level for row in result["rows"]):
            lines += ["", f"## {'Items' if level == 'file' else 'Frames and windows'}", ""]
            lines += _grid(*table_of(result, level, MAIN))
            lines += ["", "All numbers:", "", *_grid(*_long(result, level))]
    if result["matrix"]:
        lines += ["", "## Generalisation matrix (AUC)", "", *_grid(*matrix_of(result))]
    if result["significance"]:
        lines += ["", "## Is one model better?", "", *_grid(*significance_of(result))]
    lines += ["", "## Made with", "", *_grid(("", ""), _flat(result["provenance"]))]
    if plots:
        lines += ["", "## Plots", "", *(f"![{p.stem}](plots/{p.name})" for p in plots)]
    return "\n".join(lines) + "\n"


def _models(result: Result) -> list[str]:
    rows = []
    for model in result["models"]:
        trained = model["trained_on"]
        told = trained if isinstance(trained, str) else ", ".join(trained)
        silent = ", ".join(f"{k} {n}" for k, n in result["abstentions"][model["name"]].items())
        told = told if len(told) <= 400 else told[:399] + "…"
        digest = model["bundle_sha256"][:12]
        rows.append((model["name"], model["net"], digest, model["scale"], told, silent or "–"))
    return _grid(("model", "network", "hash", "scores are", "trained on", "no score"), rows)


def notices(result: Result) -> list[str]:
    """The notices as lines: how many, then what."""
    return [f"{one['code']}: {one['n']} {one['text']}" if one["n"] != 1 else
            f"{one['code']}: {one['text']}" for one in result["notices"]]  # fmt: skip


def table_of(
    result: Result, level: str, metrics: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Columns and rows: one line for each slice and model, overall first."""
    numbers = _by_slice(result, level)
    shown = [m for m in metrics if any(m in found for found in numbers.values())]
    rows = []
    for (name, model), found in numbers.items():
        if not set(found) & set(shown):
            continue
        first = next(iter(found.values()))
        counts = (f"{first['n_fake']} + {first['n_real']}", str(first["n_groups"]))
        rows.append((name, model, *counts, *(_cell(found.get(m), m) for m in shown)))
    columns = ("slice", "model", "fakes + reals", "groups", *(_title(m) for m in shown))
    return columns, rows


def _by_slice(result: Result, level: str) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    names = dict.fromkeys(row["slice"] for row in result["rows"] if row["level"] == level)
    for name in sorted(names, key=lambda name: name != OVERALL):
        for row in result["rows"]:
            if (row["slice"], row["level"]) == (name, level):
                found.setdefault((name, row["model"]), {})[row["metric"]] = row
    return found


def _cell(row: Mapping[str, Any] | None, metric: str) -> str:
    if row is None:
        return ""
    if row["value"] is None:
        return row.get("why") or "–"
    return number_text(row, percent=metric == "coverage")


def _long(result: Result, level: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (row["slice"], row["model"], _title(row["metric"]),
         _cell(row, row["metric"]))
        for row in result["rows"]
        if row["level"] == level
    ]  # fmt: skip
    return ("slice", "model", "number", "value"), rows


def short_table(result: Result, most: int = 24) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """What the terminal shows of items: overall, then the slices, `most` lines."""
    columns, rows = table_of(result, "file", SHORT)
    if len(rows) > most:
        left = len(rows) - most
        rows = [*rows[:most], (f"… and {left} more in report.md", *[""] * (len(columns) - 1))]
    return columns, rows


def special_tables(
    result: Result,
) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """(title, columns, rows) of what stands in no main table: official slices, then the rest."""
    rows = [row for row in result["rows"] if row["metric"] != "coverage"]
    ruled = [row for row in rows if row["slice"].startswith("official:")]
    others = [row for row in rows if row["metric"] not in TITLES and row not in ruled]
    found = []
    for title, kept in (("By the sets' own rules", ruled), ("Beside these", others)):
        metrics = list(dict.fromkeys(row["metric"] for row in kept))
        for level in dict.fromkeys(row["level"] for row in kept):
            part = {"rows": [row for row in kept if row["level"] == level]}
            name = title if level == "file" else f"{title}: frames"
            found.append((name, *table_of(part, level, metrics)))
    return found


def matrix_of(result: Result) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The generalisation matrix: generators down, models across."""
    models = list(dict.fromkeys(cell["model"] for cell in result["matrix"]))
    cells = {(cell["generator"], cell["model"]): cell for cell in result["matrix"]}
    rows = []
    for generator in dict.fromkeys(cell["generator"] for cell in result["matrix"]):
        found = [_matrix_cell(cells.get((generator, model))) for model in models]
        rows.append((generator, *found))
    return ("generator", *models), rows


def _matrix_cell(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return ""
    if cell["state"] == "seen":
        return "seen"
    if cell["value"] is None:
        return cell.get("why") or "–"
    return number_text(cell) + ("" if cell["state"] == "unseen" else " (unknown whether seen)")


def significance_of(result: Result) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Each pair's differences with both tests."""
    columns = ("slice", "a − b", "of", "difference", "p", "p (Holm)", "other test", "items, groups")
    rows: list[tuple[str, ...]] = []
    for one in result["significance"]:
        if one["difference"] is None:
            said = ("–", "–", "–", str(one.get("why", "")))
        else:
            value = {"value": one["difference"], "low": one["low"], "high": one["high"]}
            other = f"{one['test']} p = {_p(one.get('p_test'))}"
            said = (number_text(value), _p(one["p"]), _p(one["p_holm"]), other)
        pair = f"{one['a']} − {one['b']}"
        where = f"{one['n']}, {one['n_groups']}"
        rows.append((one["slice"], pair, TITLES.get(one["metric"], one["metric"]), *said, where))
    return columns, rows


def _title(metric: str) -> str:
    return TITLES.get(metric, metric.replace("_", " "))


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _flat(known: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, value in known.items():
        if value in (None, "", {}):
            continue
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else (
            str(value)
        )  # fmt: skip
        yield key.replace("_", " "), text
