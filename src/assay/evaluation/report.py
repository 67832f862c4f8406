"""The tables as a page of Markdown and as a short table for the terminal, worst slices first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.report.sanitise import visible

Table = Mapping[str, Any]
KINDS = {
    "overall": "overall",
    "modality": "modality",
    "fake_source": "fake",
    "real_source": "real",
}
SHORT_COLUMNS = ("detector", "slice", "fakes", "reals", "AUC", "found", "false alarms", "no score")
READING = (
    "95 % intervals in brackets, bootstrapped over groups (people, clips); false alarms of a real "
    "source: Wilson's interval over files. A fake source is measured against all real files, a "
    "real source against all fakes; one global threshold holds for all. *found* is the share of "
    "fakes that fire, *no score* the share of files without an answer (abstained or failed). "
    "Slices with fewer than five scored files of a label show no number."
)


def as_markdown(tables: Table, plots: Sequence[Path] = ()) -> str:
    """report.md: what was measured on what, then each detector, worst slices first."""
    lines = ["# Evaluation", "", READING, "", *_provenance(tables["provenance"])]
    for name, table in tables["detectors"].items():
        lines += ["", f"## {_plain(_title(name))}", "", *_of_detector(table)]
        robust = (tables.get("robustness") or {}).get(name)
        if robust:
            lines += ["", "### Under changes that leave the truth as it is", "", *_robust(robust)]
    if plots:
        lines += ["", "## Plots", ""]
        lines += [f"![{path.stem}](plots/{path.name})" for path in plots]
    return "\n".join(lines) + "\n"


def short_rows(tables: Table, per_detector: int = 12) -> list[tuple[str, ...]]:
    """Cells for the terminal under SHORT_COLUMNS: overall, then the worst slices."""
    found = []
    for name, table in tables["detectors"].items():
        # One line is enough of a detector that scored nothing.
        n_shown = per_detector if table["slices"][0]["coverage"] else 1
        for one in table["slices"][:n_shown]:
            found.append((_title(name), *_slice_cells(one, table["main_cut"])))
        left = len(table["slices"]) - n_shown
        if left > 0:
            found.append((_title(name), f"… and {left} more", *[""] * (len(SHORT_COLUMNS) - 2)))
    return found


def _of_detector(table: Table) -> list[str]:
    main = table["main_cut"]
    cut = table["cuts"].get(main)
    lines = [f"Decided by {cut['text']}." if cut else "No file got a score."]
    for one in table["cuts"].values():
        if not one["measurable"]:
            lines.append(f"There are too few real files for {one['text']}: none of them may fire.")
    lines += ["", *_grid(SHORT_COLUMNS[1:], (_slice_cells(s, main) for s in table["slices"]))]
    lines += ["", "### False alarms of each real source", "", *_alarms(table)]
    overall = table["slices"][0]
    return [*lines, "", "### All files", "", *_overall(overall, table["cuts"])]


def _slice_cells(one: Table, main: str) -> tuple[str, ...]:
    cut = one["cuts"].get(main, {})
    missing = None if one["coverage"] is None else 1 - one["coverage"]
    return (
        f"{KINDS[one['kind']]}: {one['name']}" if one["kind"] != "overall" else "overall",
        f"{one['n_fake_scored']}/{one['n_fake']}",
        f"{one['n_real_scored']}/{one['n_real']}",
        number_text(one["auc"]),
        number_text(cut.get("detection_rate", {}), percent=True),
        number_text(cut.get("false_alarm_rate", {}), percent=True),
        "–" if missing is None else f"{missing:.0%}",
    )


def _alarms(table: Table) -> list[str]:
    names = [*table["cuts"], "threshold_without_it"]
    header = ("real source", "files", "groups", *(name.replace("_", " ") for name in names))
    rows = [
        (
            row["name"],
            str(row["n"]),
            str(row["n_groups"]),
            *(number_text(row["cuts"].get(name, {}), percent=True) for name in names),
        )
        for row in table["false_alarms"]
    ]
    return _grid(header, rows)


def _overall(one: Table, cuts: Table) -> list[str]:
    rows = [
        ("average precision", number_text(one["average_precision"])),
        ("equal error rate", number_text(one["equal_error_rate"], percent=True)),
        ("area under risk–coverage", number_text(one["selective"]["aurc"])),
        ("fakes abstained, failed", f"{one['n_fake_abstained']}, {one['n_fake_failed']}"),
        ("reals abstained, failed", f"{one['n_real_abstained']}, {one['n_real_failed']}"),
    ]
    for name, cut in one["cuts"].items():
        text = cuts[name]["text"]
        rows.append((f"found at {text}", number_text(cut["detection_rate"], percent=True)))
        rows.append((f"balanced accuracy at {text}", number_text(cut["balanced_accuracy"])))
    for when in ("before", "after"):
        for odds in ("as_found", "equal_odds"):
            for metric, number in one["calibration"][when][odds].items():
                title = f"{metric.replace('_', ' ')} {when} calibration, {odds.replace('_', ' ')}"
                rows.append((title, number_text(number)))
    return _grid(("number", "value"), rows)


def _robust(entries: Iterable[Table]) -> list[str]:
    columns = ["after", "files", "lost", "flips", "AUC before", "AUC after", "change"]
    columns += ["false alarms before", "and after"]
    rows = [
        (
            one["text"],
            str(one["n"]),
            str(one["lost"]),
            number_text(one["flips"], percent=True),
            *(number_text(one[f"auc_{what}"]) for what in ("before", "after", "change")),
            number_text(one["false_alarms_before"], percent=True),
            number_text(one["false_alarms_after"], percent=True),
        )
        for one in entries
    ]
    return _grid(columns, rows)


def _provenance(known: Table) -> list[str]:
    rows = [
        (key.replace("_", " "), ", ".join(f"{k} {v}" for k, v in value.items()))
        if isinstance(value, Mapping)
        else (key.replace("_", " "), str(value))
        for key, value in known.items()
        if value not in (None, {}, "")
    ]
    return _grid(("", "made with"), rows)


def number_text(number: Table, *, percent: bool = False) -> str:
    """ "0.912 [0.880, 0.940]", or why there is no number."""
    if "too_small" in number:
        return f"too small: {number['too_small']}"
    if number.get("value") is None:
        return str(number.get("unknown", "–"))
    form = ".1%" if percent else ".3f"
    text = format(number["value"], form)
    if number.get("low") is None:
        return text
    return f"{text} [{format(number['low'], form)}, {format(number['high'], form)}]"


def _grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows]


def _plain(text: str) -> str:
    """A text from a file as one harmless cell of Markdown."""
    escaped = visible(text).replace("\\", "\\\\").replace("|", "\\|")
    for sign in "<>`*[]":
        escaped = escaped.replace(sign, {"<": "&lt;", ">": "&gt;"}.get(sign, "\\" + sign))
    return escaped


def _title(name: str) -> str:
    return "whole file" if name == "file" else name
