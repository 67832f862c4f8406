"""`assay compare A B`: do two prediction matrices say the same, and what differs?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import guarded, say
from assay.cli.extras import needing
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.evaluation.comparing import Pair

DIFFERENT = 1


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare")(compare)


@guarded
def compare(
    a: Annotated[Path, typer.Argument(metavar="A.parquet", help="A prediction matrix.")],
    b: Annotated[Path, typer.Argument(metavar="B.parquet", help="Another one.")],
    tolerance: Annotated[
        float, typer.Option(metavar="X", min=0, help="Scores this near are the same.")
    ] = 1e-6,
    draws: Annotated[
        int, typer.Option(metavar="N", min=20, help="Bootstrap draws for the difference.")
    ] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Compare two prediction matrices of `assay evaluate --model`.

    Same items, same scores, same answers? Exit code 0 where they are identical within the
    tolerance, 1 where they differ.
    """
    if not tolerance < float("inf"):
        raise UsageError("--tolerance must be a finite number.")
    with needing("Comparing needs", "train"):
        from assay.evaluation.comparing import diff
        from assay.evaluation.predictions import read_predictions
    matrices = read_predictions(a), read_predictions(b)
    pairs = diff(*matrices, tolerance=tolerance, n_draws=draws)
    if as_json:
        typer.echo(json.dumps([pair.as_result() for pair in pairs], indent=1))
    else:
        for pair in pairs:
            _print(pair)
    identical = all(pair.identical for pair in pairs)
    told = "identical" if identical else "different"
    say(f"{a.name} and {b.name} are {told} (tolerance {tolerance:g})")
    if not identical:
        raise typer.Exit(DIFFERENT)


def _print(pair: Pair) -> None:
    from assay.cli.tables import print_table
    from assay.evaluation.model_report import significance_of

    found = pair.as_result()
    print_table(("", ""), _counts(found), title=f"{pair.a or '(none)'} and {pair.b or '(none)'}")
    if found["flips"]:
        rows = [(f["item"], f["label"], f["before"], f["after"]) for f in found["flips"]]
        print_table(("answer changed", "label", "in A", "in B"), rows)
    if pair.changed:
        from assay.evaluation.comparing import spelled

        changes = [
            (spelled(key), name, _number(before), _number(after))
            for key, name, before, after in pair.changed
        ]
        print_table(("changed most", "number", "in A", "in B"), changes)
    if pair.significance:
        print_table(*significance_of({"significance": pair.significance}))


def _counts(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("same network", "yes" if found["same_network"] else "no"),
        ("rows that agree", str(found["n_same"])),
        ("rows that differ", str(found["n_changed"])),
        ("rows only in A", _some(found["n_only_a"], found["only_a"])),
        ("rows only in B", _some(found["n_only_b"], found["only_b"])),
        ("answers that changed", str(found["n_flips"])),
        ("labels that differ", _some(found["n_relabelled"], found["relabelled"])),
    ]
    for name, largest in found["largest"].items():
        rows.append((f"largest change of {name}", f"{largest['change']:.3g} ({largest['row']})"))
    return rows


def _some(n: int, shown: list[str]) -> str:
    return f"{n}, the first is {shown[0]}" if n else "0"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
