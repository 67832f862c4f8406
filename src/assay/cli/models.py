"""`assay models list | info | verify | import`: bundles, installed or in a folder of yours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import BROKEN, guarded
from assay.cli.import_model import register as register_import
from assay.errors import AssayError, UsageError

if TYPE_CHECKING:
    from assay.bundles import Card

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="List, explain and verify the model bundles.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_models)
    group.command("info")(info)
    group.command("verify")(verify_models)
    register_import(group)
    app.add_typer(group, name="models")


@guarded
def list_models(
    folders: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DIR...]", help="Folders of yours; else the installed ones."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the installed bundles, or those in and directly below the folders that are named."""
    from assay.bundles import bundle_names

    found = (
        [one for folder in folders for one in _bundles_in(folder)] if folders else bundle_names()
    )
    rows = [_row(name) for name in found]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    from assay.cli.tables import print_table

    columns = ("name", "version", "network", "licence", "operating_points", "purpose")
    print_table(
        [column.replace("_", " ") for column in columns],
        ([_cell(row.get(column)) for column in columns] for row in rows),
    )


@guarded
def info(
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundle's name or folder.")],
    as_json: AsJson = False,
) -> None:
    """Show a bundle's card: where it is from, what it was trained on, how well it does."""
    _require_known([name])
    raw = dict(_card(name).raw)
    if as_json:
        typer.echo(json.dumps(raw, indent=1))
        return
    from assay.cli.tables import print_table

    print_table(("field", "value"), _flattened(raw), title=name)


@guarded
def verify_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME|DIR...]", help="All installed ones where none is named."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare each network's SHA-256 with its card; exit code 4 where one differs."""
    from assay.bundles import bundle_names

    _require_known(names or [])
    states = [bundle_state(name) for name in names or bundle_names()]
    if as_json:
        for state in states:
            typer.echo(json.dumps(state))
    else:
        from assay.cli.tables import print_table

        columns = ("name", "state", "sha256", "problem")
        print_table(columns, ([state[column] or "–" for column in columns] for state in states))
    if not states or any(state["state"] != "ok" for state in states):
        raise typer.Exit(BROKEN)


def bundle_state(name: str) -> dict[str, str | None]:
    """Whether a bundle is what its card says: `state` is "ok" or the error's code."""
    from assay.bundles import load_bundle_folder, verify

    try:
        if _is_folder(name):
            sha256 = load_bundle_folder(Path(name))[0].network_sha256
        else:
            sha256 = verify(name)
        return {"name": name, "state": "ok", "sha256": sha256, "problem": None}
    except AssayError as error:
        return {"name": name, "state": error.code, "sha256": None, "problem": error.as_text()}


def _require_known(names: list[str]) -> None:
    from difflib import get_close_matches

    from assay.bundles import bundle_names

    known = bundle_names()
    for name in names:
        if name not in known and not _is_folder(name):
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "See `assay models list`."
            raise UsageError(f"There is no bundle {name!r}.", remedy=hint)


def _is_folder(name: str) -> bool:
    """Whether a folder of the user's is meant; the name of an installed bundle comes first."""
    from assay.bundles import bundle_names

    return name not in bundle_names() and Path(name).is_dir()


def _card(name: str) -> Card:
    from assay.bundles import load_card, load_card_of

    return load_card_of(Path(name)) if _is_folder(name) else load_card(name)


def _bundles_in(folder: str) -> list[str]:
    """The folder itself, or those below it (runs/NAME/bundle, too) that hold a card."""
    place = Path(folder)
    if not place.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    patterns = ("card.json", "*/card.json", "*/bundle/card.json")
    found = [str(path.parent) for pattern in patterns for path in sorted(place.glob(pattern))]
    if not found:
        raise UsageError(f"{folder} holds no bundle: no card.json in it or directly below.")
    return found


def _row(name: str) -> dict[str, Any]:
    try:
        card = _card(name)
    except AssayError as error:
        return {"name": name, "problem": error.as_text()}
    return {
        "name": name,
        "version": card.version,
        "network": card.network_sha256,
        "licence": card.licence,
        "operating_points": [point.name for point in card.operating_points],
        "purpose": card.raw.get("purpose"),
    }


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    text = "–" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 and " " not in text else text


def _flattened(raw: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted key, text) of each leaf; long lists of numbers are counted, not printed."""
    rows: list[tuple[str, str]] = []
    for key, value in raw.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            rows.extend(_flattened(value, f"{name}."))
        elif isinstance(value, list) and len(value) > 12:
            rows.append((name, f"{len(value)} values (`--json` prints them)"))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                rows.extend(_flattened(item, f"{name}.{item.get('name', index)}."))
        else:
            rows.append((name, _leaf(value)))
    return rows


def _leaf(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_leaf(item) for item in value) or "–"
    return "–" if value is None or value == {} else str(value)
