"""`assay audit show | check`: who did what with which content, read from the service's store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import FOUND, guarded, say
from assay.cli.keys import AsJson, Data, Database, Debug, cell, moment, store_of
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.web.store.database import Store


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Read and check the audit log of a service.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("show")(show)
    group.command("check")(check)
    app.add_typer(group, name="audit")


@guarded
def show(
    last: Annotated[int, typer.Option(metavar="N", min=1, help="So many lines.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All lines.")] = False,
    action: Annotated[str | None, typer.Option(help="Only this action, such as delete.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this examination, key or case.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Only this content.")] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
    debug: Debug = False,
) -> None:
    """Show who did what with which content, the newest first."""
    with store_of(data, database, must_exist=True) as store:
        from assay.web.store.audit import Sought

        sought = Sought(action=action, subject=subject, sha256=sha256)
        lines = _lines(store, sought, None if everything else last)
        if as_json:
            for line in lines:
                typer.echo(json.dumps(line))
            return
        from assay.cli.tables import print_table

        columns = ("number", "at", "actor", "action", "subject", "sha256", "detail")
        print_table(columns, ([cell(line[column]) for column in columns] for line in lines))


@guarded
def check(
    known: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER:HASH",
            help="A line as an earlier check told it: shows lines cut off at the end, too.",
        ),
    ] = None,
    data: Data = None,
    database: Database = None,
    debug: Debug = False,
) -> None:
    """Check that no line of the log was changed or taken out; exit code 1 where one was.

    Prints the newest line as NUMBER:HASH; kept elsewhere, it is what --known takes later.
    """
    with store_of(data, database, must_exist=True) as store:
        from assay.web.store import audit

        broken = audit.check(store)
        newest = audit.lines(store, audit.Sought(), 1)
        gone = known is not None and not _stands(store, known)
    if broken is not None:
        say(f"line {broken} of the audit log is missing or was changed")
    if gone:
        say(f"the line {known} is missing or was changed")
    if broken is not None or gone:
        raise typer.Exit(FOUND)
    typer.echo(f"{newest[0].number}:{newest[0].line}" if newest else "0:")


def _lines(store: Store, sought: Any, n_most: int | None) -> Iterator[dict[str, Any]]:
    """Lines, newest first, a page at a time."""
    from dataclasses import replace

    from assay.report.sanitise import plain
    from assay.web.store import audit

    left = n_most
    while left is None or left > 0:
        rows = audit.lines(store, sought, audit.MAX_PAGE if left is None else left)
        for row in rows:
            yield {**plain(dict(row._mapping)), "at": moment(row.at)}
        if not rows:
            return
        sought = replace(sought, before=rows[-1].number)
        left = None if left is None else left - len(rows)


def _stands(store: Store, known: str) -> bool:
    from assay.web.store import audit

    number, _, line = known.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise UsageError("--known takes what an earlier check printed: NUMBER:HASH.")
    if known == "0:":
        return True
    rows = audit.lines(store, audit.Sought(before=int(number) + 1), 1)
    return bool(rows) and rows[0].number == int(number) and rows[0].line == line
