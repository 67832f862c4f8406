"""`assay serve`: the page and the HTTP API, with workers that examine what they are given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.exits import guarded
from assay.cli.extras import needing


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("serve")(serve)


Switch = bool | None
Host = Annotated[
    str | None, typer.Option(help="Listen on this address (127.0.0.1: this machine alone).")
]
Port = Annotated[int | None, typer.Option(help="… and this port (8080); 0: any free one.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Media, results, database (~/.local/share/assay)."),
]
Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="postgresql://… in place of SQLite in the data folder."),
]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Files examined at once (1).")]
Auth = Annotated[Switch, typer.Option("--auth/--no-auth", help="Ask for keys and sessions.")]
OpenToAll = Annotated[
    Switch,
    typer.Option(
        "--open-to-all/--no-open-to-all",
        help="Without --auth, let everyone who can reach it use it and see everything.",
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Remove examinations after 7d, 12h, …; or: forever."),
]
Privacy = Annotated[
    Switch,
    typer.Option("--privacy/--no-privacy", help="Delete each file right after its examination."),
]
MaxQueue = Annotated[int | None, typer.Option(metavar="N", help="Files that may wait (1000).")]
MaxUpload = Annotated[str | None, typer.Option(metavar="SIZE", help="One file's most (2GiB).")]
MaxBatch = Annotated[int | None, typer.Option(metavar="N", help="Files of one request (100).")]
MinFree = Annotated[str | None, typer.Option(metavar="SIZE", help="Disk to leave free (1GiB).")]
TimeLimit = Annotated[
    str | None, typer.Option(metavar="TIME", help="An examination's longest (10min).")
]
MemoryLimit = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Of the process that decodes (6GiB).")
]
MaxAttempts = Annotated[
    int | None, typer.Option(metavar="N", help="Tries of a file that kills its process (3).")
]
LostAfter = Annotated[
    str | None, typer.Option(metavar="TIME", help="A worker silent this long is lost (30s).")
]
Requests = Annotated[
    int | None, typer.Option(metavar="N", help="Of one key in a minute, if it says none (600).")
]
AllowUrls = Annotated[
    Switch, typer.Option("--allow-urls/--no-urls", help="Fetch files from public addresses.")
]
AllowNetwork = Annotated[
    Switch,
    typer.Option("--allow-network/--no-network", help="Let manifests be fetched, if asked for."),
]
AllowPrivate = Annotated[
    Switch,
    typer.Option(
        "--allow-private-addresses/--no-private-addresses",
        help="Both, and webhooks, may go to your own network.",
    ),
]
Bundles = Annotated[
    list[str] | None,
    typer.Option("--bundle", metavar="DIR", help="A network of yours to offer; may be repeated."),
]
PublicUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="The address that people use: https://HOST.")
]
ForwardedFrom = Annotated[
    str | None, typer.Option(metavar="A,B", help="Proxies whose X-Forwarded headers count.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


@guarded
def serve(
    host: Host = None,
    port: Port = None,
    data: Data = None,
    database: Database = None,
    workers: Workers = None,
    auth: Auth = None,
    open_to_all: OpenToAll = None,
    keep: Keep = None,
    privacy: Privacy = None,
    max_queue: MaxQueue = None,
    max_upload: MaxUpload = None,
    max_batch: MaxBatch = None,
    min_free: MinFree = None,
    time_limit: TimeLimit = None,
    memory_limit: MemoryLimit = None,
    max_attempts: MaxAttempts = None,
    lost_after: LostAfter = None,
    requests_per_minute: Requests = None,
    allow_urls: AllowUrls = None,
    allow_network: AllowNetwork = None,
    allow_private_addresses: AllowPrivate = None,
    bundle: Bundles = None,
    public_url: PublicUrl = None,
    forwarded_from: ForwardedFrom = None,
    debug: Debug = False,
) -> None:
    """Serve the page and the HTTP API (needs `pip install 'assay[web]'`).

    Every setting can also come from an ASSAY_SERVE_* variable or the table [serve] of assay.toml,
    by its long name: ASSAY_SERVE_KEEP_S=7d, max_upload_bytes = "500MB".
    """
    given = locals()
    given.pop("debug")
    run(by_field(given), os.environ)


# Where a flag's name is not that of its field.
FIELDS = {
    "workers": "n_workers",
    "keep": "keep_s",
    "max_upload": "max_upload_bytes",
    "max_batch": "max_batch_files",
    "min_free": "min_free_bytes",
    "time_limit": "time_limit_s",
    "memory_limit": "memory_limit_bytes",
    "lost_after": "lost_after_s",
    "bundle": "bundles",
}


def by_field(given: Mapping[str, object]) -> dict[str, object]:
    """The flags by the field of Settings that each stands for; a list without items is None."""
    return {FIELDS.get(name, name): None if value == [] else value for name, value in given.items()}


def run(flags: Mapping[str, object], environ: Mapping[str, str]) -> None:
    """Serve with these settings until the process is asked to stop."""
    with needing("The service needs", "web"):
        from assay.web.configured import configured
        from assay.web.server import run as serve_until_stopped
    serve_until_stopped(configured(flags, environ, Path.cwd()), _tell)


def _tell(address: str) -> None:
    """One line on stdout, for people and for scripts that wait for the service."""
    typer.echo(f"assay serves {address}")
