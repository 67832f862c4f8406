"""`assay schema`: the JSON Schema of one answer."""

from __future__ import annotations

import typer

from assay.cli.exits import guarded


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("schema")(schema)


@guarded
def schema() -> None:
    """Print the JSON Schema that every line of `detect --json` satisfies."""
    import json

    from assay.report import schema as load_schema

    typer.echo(json.dumps(load_schema(), indent=2))
