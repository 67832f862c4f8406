"""`assay train`: train a detector by its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.exits import guarded
from assay.errors import InstallationError, UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("train")(train)


@guarded
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file of configs/.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of this run.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Train, calibrate and export a detector (needs `pip install 'assay[train]'`)."""
    if not config.is_file():
        raise UsageError(
            f"There is no configuration {config}.", remedy="See configs/ for those we use."
        )
    try:
        from assay.training.run import train as train_by_config
    except ModuleNotFoundError as error:
        raise InstallationError(
            f"Training needs {error.name}, which is not installed.",
            remedy="Install it with: pip install 'assay[train]'",
        ) from error
    train_by_config(config, resume)
