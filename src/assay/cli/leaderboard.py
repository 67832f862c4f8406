"""`assay leaderboard`: stored results as one page and one Markdown table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.exits import guarded, say

RESULTS = Path("benchmarks/results/board")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("leaderboard")(leaderboard)


@guarded
def leaderboard(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RESULTS...]",
            help=f"Folders or files of `assay evaluate --protocol`; {RESULTS} where none is named.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where leaderboard.md and index.html are written.")
    ] = Path("leaderboard"),
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Write the leaderboard: what was measured here, and apart from it what others published."""
    from assay.evaluation.board import gather, tables_of
    from assay.evaluation.leaderboard import write_board

    tables = tables_of(gather(results or [RESULTS]))
    markdown, page = write_board(tables, out)
    n_lines = sum(len(table.lines) for table in tables)
    say(f"{n_lines} measured lines in {len(tables)} tables: {page} and {markdown}")
