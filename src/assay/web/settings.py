"""What the operator of a service decides; what one examination is asked for stays in Options."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

LOOPBACK = ("127.0.0.1", "::1", "localhost")
GIB = 2**30
SQLITE_NAME = "assay.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """One service.

    `data` is the folder of media, results and the SQLite database; `database` a SQLAlchemy URL
    that takes the place of the last. `n_workers` local workers examine, one file each at a time.
    `auth` asks for API keys and sessions. `keep_s` is how long examinations are kept (None: until
    deleted); with `privacy` the media go right after their examination. `max_queue` bounds what
    waits, `max_upload_bytes` one file, `max_batch_files` the files of one request. `time_limit_s`
    is the longest that one examination may be asked for, `memory_limit_bytes` the address space
    of the process that decodes, `max_attempts` how often a file that kills it is tried. A job
    whose worker gave no sign for `lost_after_s` goes back into the queue. `allow_urls` lets files
    be fetched from public addresses, `allow_network` lets an examination fetch a manifest;
    `allow_private_addresses` opens both, and webhooks, to the operator's own network.
    `bundles` are folders of trained networks that may be asked for by their folder's name.
    `public_url` is the address that people use, where a proxy stands before the service;
    `forwarded_from` are the proxies whose X-Forwarded headers count. `open_to_all` is the
    operator's word that everyone who can reach a service without `auth` may use it.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    database: str | None = None
    n_workers: int = 1
    auth: bool = False
    keep_s: float | None = None
    privacy: bool = False
    max_queue: int = 1000
    max_upload_bytes: int = 2 * GIB
    max_batch_files: int = 100
    min_free_bytes: int = GIB
    time_limit_s: float = 600.0
    memory_limit_bytes: int = 6 * GIB
    max_attempts: int = 3
    lost_after_s: float = 30.0
    requests_per_minute: int = 600
    allow_urls: bool = False
    allow_network: bool = False
    allow_private_addresses: bool = False
    bundles: tuple[str, ...] = ()
    public_url: str = ""
    forwarded_from: tuple[str, ...] = field(default=())
    open_to_all: bool = False

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL: SQLite in `data` where no other database is named."""
        if self.database is None:
            return f"sqlite:///{quote(str((self.data / SQLITE_NAME).absolute()))}"
        for scheme in ("postgresql://", "postgres://"):
            if self.database.startswith(scheme):
                return "postgresql+pg8000://" + self.database.removeprefix(scheme)
        return self.database
