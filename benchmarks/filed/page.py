"""The tables of docs/forensics.md as Markdown; prose stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heard.page import markdown_table
from held_out.page import number

from assay.training.forgeries.local_edits import EDITS
from filed.signed import agrees, names_tool
from filed.tables import ALL

Table = Mapping[str, Any]
NOTHING = "Not measured."


def blocks(result: Table) -> dict[str, str]:
    """All generated parts by marker name."""
    return {
        "provenance": _provenance(result),
        "separation": _separation(result["separation"]),
        "pixels": _pixels(result["pixels"]),
        "located": _located(result["located"]),
        "alarms": _alarms(result["alarms"]),
        "coverage": _coverage(result["coverage"]),
        "signed": _signed(result["signed"]),
        "untouched": _untouched(result["untouched"]),
        "speed": _speed(result["speed"]),
    }


def _provenance(result: Table) -> str:
    lines = [
        f"Made {result['made'][:10]} by `{result['command']}` at commit `{result['commit'][:12]}`, "
        f"data `{result['data_hash']}`, {result['draws']} draws: "
        + ", ".join(f"{n} {name}" for name, n in result["files"].items())
        + ".",
        "Code measured: "
        + ", ".join(f"`{name}` `{digits}`" for name, digits in result["prints"].items())
        + ".",
    ]
    lines += [f"Not measured: {name}: {why}." for name, why in result["skipped"].items()]
    return "\n\n".join(lines)


def _separation(table: Table) -> str:
    if not table:
        return NOTHING
    rows = []
    for name, kinds in table.items():
        one = kinds[ALL]
        answered = f"{one['answered']} of {one['files']}"
        cells = [number(one["against_resaved"]), number(one["against_honest"])]
        rows.append([f"`{name}`", answered, *cells])
    columns = ("detector", "edits answered", "AUC against saved alike", "AUC against all honest")
    by_kind = [
        [f"`{name}`", *(number((kinds.get(kind) or {}).get("against_honest")) for kind in EDITS)]
        for name, kinds in table.items()
    ]
    second = markdown_table(("AUC against all honest", *map(_words, EDITS)), by_kind)
    return f"{markdown_table(columns, rows)}\n\n{second}"


def _words(name: str) -> str:
    return name.replace("_", "-")


def _pixels(table: Table) -> str:
    if not table:
        return NOTHING
    rows, slices = [], []
    for name, one in table.items():
        whole = one["slices"].get(ALL)
        if whole is None:
            continue
        cells = [number(whole[key]) for key in ("auc", "f1_best", "f1_at_cut")]
        rows.append([name, str(whole["files"]), *cells, f"{one['cut']:.2f}".lstrip("0")])
        slices.append((name, one["slices"]))
    columns = ("map", "pictures", "pixel AUC", "F1, best cut each", "F1, fixed cut", "cut")
    texts = [markdown_table(columns, rows)]
    for title, wanted in (
        ("pixel AUC by edit", list(EDITS)),
        ("pixel AUC by saving", ["saved at 60–78", "saved at 79–95", "saved as PNG"]),
        ("pixel AUC by source", ["source as_saved", "source shrunk"]),
    ):
        found = [
            [name, *(number((parts.get(key) or {}).get("auc")) for key in wanted)]
            for name, parts in slices
        ]
        texts.append(markdown_table((title, *map(_words, wanted)), found))
    return "\n\n".join(texts)


def _located(table: Table) -> str:
    if not table:
        return NOTHING
    rows = []
    for name, kinds in table.items():
        cells = [_share((kinds.get(kind) or {}).get("located")) for kind in (ALL, *EDITS)]
        rows.append([f"`{name}`", *cells, _share(kinds[ALL]["told"])])
    columns = ("located", ALL, *map(_words, EDITS), "any finding worth a look")
    return markdown_table(columns, rows)


def _share(cell: Table | None) -> str:
    if not cell or cell.get("value") is None:
        return "–"
    return number(cell, percent=True)


def _alarms(table: Table) -> str:
    texts: list[str] = []
    for name, codes in table.items():
        places = _places(codes.values())
        if places:
            texts += [f"**`{name}`**", *_of_detector(codes, places)]
    return "\n\n".join(texts) or NOTHING


def _of_detector(codes: Mapping[str, Table], places: Sequence[str]) -> Iterable[str]:
    """A table of what is more than a bare fact, and two lines of what else there is."""
    seen = {code: entry for code, entry in codes.items() if _is_seen(entry)}
    facts = [code for code, entry in seen.items() if list(entry["severities"]) == ["info"]]
    rows = [
        [f"`{code}`", _severities(entry), *(_percent(entry["columns"].get(p)) for p in places)]
        for code, entry in seen.items()
        if code not in facts
    ]
    if rows:
        counts = [_count(codes.values(), place) for place in places]
        heads = [f"{place} ({n})" for place, n in zip(places, counts, strict=True)]
        yield markdown_table(("% of files that show it", "severity", *heads), rows)
    if facts:
        yield "Bare facts, on purpose common: " + ", ".join(f"`{code}`" for code in facts) + "."
    if never := [code for code in codes if code not in seen]:
        yield "Shown by no file: " + ", ".join(f"`{code}`" for code in never) + "."


def _percent(cell: Table | None) -> str:
    """ "0 (≤ 2.1)" or "3.4 [1.2, 9.8]", in percent."""
    if not cell or cell.get("value") is None:
        return "–"
    if not cell["n_with"]:
        return f"0 (≤ {100 * cell['high']:.0f})"
    value, low, high = (f"{100 * cell[key]:.0f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _is_seen(entry: Table) -> bool:
    return any(cell["n_with"] for cell in entry["columns"].values())


def _places(entries: Iterable[Table]) -> list[str]:
    found: dict[str, None] = {}
    for entry in entries:
        found |= dict.fromkeys(entry["columns"])
    return [place for place in found if _count(entries, place)]


def _count(entries: Iterable[Table], place: str) -> int:
    return max((entry["columns"].get(place, {}).get("n", 0) for entry in entries), default=0)


def _severities(entry: Table) -> str:
    return ", ".join(entry["severities"])


def _coverage(table: Table) -> str:
    rows, notes = [], []
    for name, one in table.items():
        cells = [
            f"{place} {cell['n_with']} of {cell['n']}" for place, cell in one["answered"].items()
        ]
        rows.append([f"`{name}`", "; ".join(cells) or "–"])
        if one["silent"]:
            why = ", ".join(f"{count} {reason}" for reason, count in one["silent"].items())
            notes.append(f"`{name}` was silent on: {why}.")
    table_text = markdown_table(("detector", "answered"), rows)
    return "\n\n".join([table_text, *notes])


def _signed(table: Table) -> str:
    if "skipped" in table:
        return f"Not measured: {table['skipped']}."
    files: Sequence[Table] = table["files"]
    apart = [one for one in files if not agrees(one)]
    wanted = [one for one in files if one["wanted_tool"]]
    named = [one for one in wanted if names_tool(one)]
    states: dict[str, int] = {}
    for one in files:
        states[one["state"]] = states.get(one["state"], 0) + 1
    counts = ", ".join(f"{n} `{state}`" for state, n in sorted(states.items()))
    lines = [
        f"{len(files)} files: {counts}. In {len(files) - len(apart)} of {len(files)} the state is "
        "that of c2pa-python itself.",
        f"The generator is named in {len(named)} of {len(wanted)} files that a known one made.",
    ]
    lines += [f"- `{one['name']}`: {one['state']}, c2pa-python: {one['reader']}" for one in apart]
    for one in wanted:
        if not names_tool(one):
            said = ", ".join(one["tools"]) or "nothing"
            lines.append(f"- `{one['name']}`: {one['wanted_tool']} is not named, but {said}")
    return "\n".join([lines[0], "", *lines[1:]])


def _untouched(table: Table) -> str:
    changed = ", ".join(table["changed"]) or "none"
    return (
        f"{table['files']} files examined; content, size and time of change differ afterwards in: "
        f"{changed}."
    )


def _speed(table: Table) -> str:
    if "skipped" in table:
        return f"Not measured: {table['skipped']}."
    one, twelve = table["sizes"]["1 MP"], table["sizes"]["12 MP"]
    rows = [["decoding", *_cells(one["decoding"], twelve["decoding"], twelve["decoding"])]]
    for name, seconds in one["detectors"].items():
        more = twelve["detectors"][name]
        rows.append([f"`{name}`", *_cells(seconds, more, twelve["decoding"])])
    said = f"{table['cores']} cores, load {table['load_at_start']:.1f} at the start."
    columns = ("what", "1 MP", "12 MP", "12 MP: 1 MP", "12 MP: decoding it")
    return f"{said}\n\n{markdown_table(columns, rows)}"


def _cells(one: float, twelve: float, decoding: float) -> list[str]:
    ratios = [f"{twelve / max(one, 1e-9):.1f}", f"{twelve / max(decoding, 1e-9):.2f}"]
    return [f"{one:.3f} s", f"{twelve:.3f} s", *ratios]
