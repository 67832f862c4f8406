"""`assay keys create | list | revoke`: who may use a service.

They work on the service's store itself, beside a running server too: a key that is revoked is
refused from the next request on. There is no way to make a key over the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.exits import guarded, say
from assay.cli.extras import needing
from assay.errors import ConfigError, UsageError

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
    with store_of(data, database) as store:
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
    with store_of(data, database, must_exist=True) as store:
        from assay.web.store import keys

        rows = [_told(key) for key in keys.every(store)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    from assay.cli.tables import print_table

    columns = ("id", "name", "owner", "scopes", "state", "expires_at", "used_at")
    cells = ([cell(row[column]) for column in columns] for row in rows)
    print_table([column.replace("_", " ") for column in columns], cells)


@guarded
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The id, as `assay keys list` shows.")],
    data: Data = None,
    database: Database = None,
    debug: Debug = False,
) -> None:
    """Revoke a key at once, and end the sessions that it opened."""
    with store_of(data, database, must_exist=True) as store:
        from assay.web.store import keys

        gone = keys.revoke(store, _operator(), keys.id_of(key) or key)
    say(f"key {gone.id} for {gone.name!r} is revoked")


@contextmanager
def store_of(
    data: Path | None, database: str | None, *, must_exist: bool = False
) -> Iterator[Store]:
    """The store of the service with these settings; the rest comes from where its own come."""
    with needing("The service needs", "web"):
        from assay.web.configured import configured
        from assay.web.settings import SQLITE_NAME
        from assay.web.store.database import open_store
    settings = configured({"data": data, "database": database}, os.environ, Path.cwd())
    if must_exist and settings.database is None and not (settings.data / SQLITE_NAME).is_file():
        raise ConfigError(
            f"There is no service in {settings.data}.",
            remedy="Name its folder with --data, or its database with --database.",
        )
    before = os.umask(PRIVATE)
    try:
        with closing(open_store(settings)) as store:
            yield store
    finally:
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
        "created_at": moment(key.created_at),
        "expires_at": moment(key.expires_at),
        "revoked_at": moment(key.revoked_at),
        "used_at": moment(key.used_at),
    }


def moment(time_s: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601, UTC."""
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat()


def cell(value: Any) -> str:
    """A value as the text of a table's cell."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
