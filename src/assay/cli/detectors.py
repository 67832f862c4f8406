"""`assay detectors`: which detectors are installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import guarded

if TYPE_CHECKING:
    from assay.detectors import Detector


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("detectors")(detectors)


@guarded
def detectors(
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines on stdout, one object a detector.")
    ] = False,
) -> None:
    """List the detectors: what each looks at, where it fails, what it needs."""
    from assay.detectors import discover

    rows = [described(detector) for detector in discover().values()]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    from assay.cli.tables import print_table

    columns = [key.replace("_", " ") for key in _SHOWN]
    print_table(columns, ([_cell(row[key]) for key in _SHOWN] for row in rows))


def described(detector: type[Detector]) -> dict[str, Any]:
    """What a detector says of itself, as JSON values."""
    return {
        "name": detector.name,
        "version": detector.version,
        "family": detector.family,
        "needs": detector.needs,
        "kinds": list(detector.kinds),
        "bundle": detector.bundle,
        "looks_at": detector.looks_at,
        "fails_on": detector.fails_on,
        "licence": detector.licence,
    }


_SHOWN = ("name", "version", "family", "needs", "kinds", "bundle", "looks_at", "fails_on")


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "–" if value is None else str(value)
