"""The typer application: which commands there are, and `--version`."""

from __future__ import annotations

from typing import Annotated

import typer

from assay import __version__
from assay.cli import (
    audit,
    compare,
    data,
    detect,
    detectors,
    doctor,
    evaluate,
    forge,
    keys,
    leaderboard,
    magnify,
    models,
    nets,
    schema,
    serve,
    train,
)

ABOUT = """Test whether a picture, a video or a recording of a person is genuine.

Nothing leaves this machine. Exit codes: 0 examined and nothing strong, 1 strong evidence in at
least one file, 2 wrong usage, 3 some file could not be examined, 4 broken installation.
"""


def build_app() -> typer.Typer:
    """The application with every command, in the order of its help."""
    # Plain help: drawing it with rich doubles the start-up time (docs/decisions).
    app = typer.Typer(
        add_completion=False,
        help=ABOUT,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_start)
    for module in (
        detect,
        serve,
        magnify,
        models,
        detectors,
        schema,
        doctor,
        nets,
        train,
        forge,
        data,
        evaluate,
        compare,
        leaderboard,
        keys,
        audit,
    ):
        module.register(app)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    pass
