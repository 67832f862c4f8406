"""`assay keys create | list | revoke` and `assay audit show | check`: who may use a service.

They work on the service's store itself, beside a running server too: a key that is revoked is
refused from the next request on. There is no way to make a key over the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import FOUND, guarded, say
from assay.errors import ConfigError, InstallationError, UsageError

if TYPE_CHECKING:
    from assay.web.actor import Actor
    from assay.web.store.database import Store
    from assay.web.store.keys import Key

PRIVATE = 0o077  # the umask: what a first call makes is its account's alone
AsJson = Annotated[bool, typer.Option("--json", help="JSON Lines on stdout instead of a table.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The service's data folder (~/.local/share/assay)."),
]
Database = Annotated[
    str | None, typer.Option(metavar="URL", help="Its postgresql://… where it has one.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    keys = typer.Typer(
        help="Make, list and revoke the keys of a service.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for name, command in (("create", create), ("list", list_keys), ("revoke", revoke)):
        keys.command(name)(command)
    app.add_typer(keys, name="keys")
    audit = typer.Typer(
        help="Read and check the audit log of a service.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    audit.command("show")(show)
    audit.command("check")(check)
    app.add_typer(audit, name="audit")


@guarded
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who gets it; shown in the log.")],
    owner: Annotated[
        str | None,
        typer.Option(metavar="OWNER", help="Keys of one owner see the same files (NAME)."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE", help="examine, read, admin; may be repeated (the first two)."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="Valid for 12h, 90d, …; else until revoked.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(metavar="N", help="Else what the service allows.")
    ] = None,
    max_upload: Annotated[
        str | None, typer.Option(metavar="SIZE", help="One file's most, at most the service's.")
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
    database: Database = None,
    debug: Debug = False,
) -> None:
    """Make a key and print it: it is shown this once and kept as a hash only."""
    with _store(data, database) as store:
        from assay.web.configured import n_bytes, seconds
        from assay.web.store import keys

        terms = keys.Terms(
            name,
            name if owner is None else owner,
            tuple(scope or ("examine", "read")),
            _parsed("--expires", seconds, expires),
            requests_per_minute,
            _parsed("--max-upload", n_bytes, max_upload),
        )
        key, text = keys.create(store, _operator(), terms)
    if as_json:
        typer.echo(json.dumps({"key": text, **_told(key)}))
        return
    typer.echo(text)
    say(f"key {key.id} for {key.name!r}: {', '.join(key.scopes)}; it is not shown again")


@guarded
def list_keys(
    as_json: AsJson = False, data: Data = None, database: Database = None, debug: Debug = False
) -> None:
    """List the keys, with those that are not valid any more."""
    with _store(data, database, must_exist=True) as store:
        from assay.web.store import keys

        rows = [_told(key) for key in keys.every(store)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    from assay.cli.tables import print_table

    columns = ("id", "name", "owner", "scopes", "state", "expires_at", "used_at")
    cells = ([_cell(row[column]) for column in columns] for row in rows)
    print_table([column.replace("_", " ") for column in columns], cells)


@guarded
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The id, as `assay keys list` shows.")],
    data: Data = None,
    database: Database = None,
    debug: Debug = False,
) -> None:
    """Revoke a key at once, and end the sessions that it opened."""
    with _store(data, database, must_exist=True) as store:
        from assay.web.store import keys

        gone = keys.revoke(store, _operator(), keys.id_of(key) or key)
    say(f"key {gone.id} for {gone.name!r} is revoked")


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
    with _store(data, database, must_exist=True) as store:
        from assay.web.store.audit import Sought

        sought = Sought(action=action, subject=subject, sha256=sha256)
        lines = _lines(store, sought, None if everything else last)
        if as_json:
            for line in lines:
                typer.echo(json.dumps(line))
            return
        from assay.cli.tables import print_table

        columns = ("number", "at", "actor", "action", "subject", "sha256", "detail")
        print_table(columns, ([_cell(line[column]) for column in columns] for line in lines))


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
    with _store(data, database, must_exist=True) as store:
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


@contextmanager
def _store(data: Path | None, database: str | None, *, must_exist: bool = False) -> Iterator[Store]:
    """The store of the service with these settings; the rest comes from where its own come."""
    try:
        from assay.web.configured import configured
        from assay.web.store.database import open_store
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "assay":
            raise
        raise InstallationError(
            f"The service needs {error.name}, which is not installed.",
            remedy="Install it with: pip install 'assay[web]'",
        ) from error
    settings = configured({"data": data, "database": database}, os.environ, Path.cwd())
    if must_exist and settings.database is None and not (settings.data / "assay.sqlite").is_file():
        raise ConfigError(
            f"There is no service in {settings.data}.",
            remedy="Name its folder with --data, or its database with --database.",
        )
    before = os.umask(PRIVATE)
    store = open_store(settings)
    try:
        yield store
    finally:
        store.close()
        os.umask(before)


def _operator() -> Actor:
    """Who has the files of the service needs no key; the log says which account it was."""
    from assay.report.sanitise import visible
    from assay.web.actor import LOCAL, Actor

    try:
        from getpass import getuser

        account = visible(getuser())[:60]
    except (OSError, KeyError, ImportError):
        account = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return Actor(f"operator ({account})", LOCAL.owner, LOCAL.scopes)


def _parsed(flag: str, parse: Any, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{flag} {text!r}: {error}.") from None


def _told(key: Key) -> dict[str, Any]:
    time_s = datetime.now(UTC).timestamp()
    state = "valid" if key.is_valid(time_s) else "expired" if key.revoked_at is None else "revoked"
    return {
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "scopes": list(key.scopes),
        "state": state,
        "requests_per_minute": key.requests_per_minute,
        "max_upload_bytes": key.max_upload_bytes,
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
        "used_at": _moment(key.used_at),
    }


def _moment(time_s: float | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat()


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _lines(store: Store, sought: Any, n_most: int | None) -> Iterator[dict[str, Any]]:
    """Lines, newest first, a page at a time."""
    from dataclasses import replace

    from assay.report.sanitise import plain
    from assay.web.store import audit

    left = n_most
    while left is None or left > 0:
        rows = audit.lines(store, sought, audit.MAX_PAGE if left is None else left)
        for row in rows:
            yield {**plain(dict(row._mapping)), "at": _moment(row.at)}
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
