"""`assay nets`: the known networks, their sizes, papers and recipes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import guarded
from assay.cli.extras import needing
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.training.nets.spec import NetSpec


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("nets")(nets)


@guarded
def nets(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One network; all where none is named.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a network.")] = False,
    recipe: Annotated[
        bool, typer.Option("--recipe", help="The TOML file that `assay train` trains it by.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The table of docs/nets.md.")
    ] = False,
) -> None:
    """List the networks that assay can train, import and examine files with."""
    if recipe and not name:
        raise UsageError("Whose recipe?", remedy="Name a network: assay nets NAME --recipe")
    if as_json + recipe + markdown > 1:
        raise UsageError("--json, --recipe and --markdown are three answers; ask for one.")
    chosen = _chosen(name)
    if recipe:
        typer.echo(_recipe(chosen[0]), nl=False)
    elif as_json:
        for spec in chosen:
            typer.echo(json.dumps(_facts(spec)))
    elif markdown:
        typer.echo(_markdown(chosen))
    else:
        _print(chosen, alone=bool(name))


def _chosen(name: str) -> list[NetSpec]:
    with needing("The networks need", "train"):
        from assay.training.nets import discover, net_named

        return [net_named(name)] if name else list(discover().values())


def _facts(spec: NetSpec) -> dict[str, Any]:
    from assay.training.net_listing import facts_of

    return facts_of(spec)


def _recipe(spec: NetSpec) -> str:
    from assay.training.net_listing import recipe_of

    return recipe_of(spec)


def _markdown(chosen: list[NetSpec]) -> str:
    from assay.training.net_listing import as_markdown

    return as_markdown(chosen)


def _print(chosen: list[NetSpec], *, alone: bool) -> None:
    from assay.cli.tables import print_table

    if alone:
        facts = _facts(chosen[0])
        print_table(("field", "value"), [(k, _text(v)) for k, v in facts.items()], chosen[0].name)
        return
    columns = ("name", "looks at", "parameters", "MACs", "input", "paper")
    rows = []
    for spec in chosen:
        facts = _facts(spec)
        sizes = [f"{facts['parameters']:,}", f"{facts['macs'] / 1e6:,.0f} M"]
        rows.append([spec.name, spec.kind, *sizes, facts["input_in_words"], spec.paper])
    print_table(columns, rows)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(one)}" for key, one in value.items()) or "–"
    if isinstance(value, list):
        return "; ".join(_text(one) for one in value) or "–"
    return "–" if value in (None, "") else str(value)
