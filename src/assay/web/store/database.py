"""The store: one database and one folder. Every writing transaction is short and whole."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from assay.errors import ConfigError, InstallationError
from assay.web.settings import Settings
from assay.web.store import schema

BUSY_S = 30.0
READING = "assay_reading"
LAYOUT_LOCK = 0x61737362  # of PostgreSQL, while tables are made


@dataclass(frozen=True, slots=True)
class Store:
    """The rows (`engine`) and the files (`folder`) of one service.

    `folder` holds `incoming/` (uploads on their way), `media/` (by sha256) and `results/`
    (by examination and claim).
    """

    engine: Engine
    folder: Path

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading; it holds no writer up."""
        with self.engine.connect().execution_options(**{READING: True}) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is kept at the end, or nothing where anything is raised."""
        with self.engine.begin() as connection:
            yield connection

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file that only one may write to at a time."""
        return self.engine.dialect.name == "sqlite"

    @property
    def incoming(self) -> Path:
        """Where uploads are written until they are whole."""
        return self.folder / "incoming"

    def media_path(self, sha256: str) -> Path:
        """Where the file of this content lies; no name from outside is part of any path."""
        return self.folder / "media" / sha256[:2] / sha256

    def result_folder(self, examination_id: str, claim: str) -> Path:
        """Where one claim writes its report and artifacts: two claims never share a folder."""
        return self.folder / "results" / examination_id / claim

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def new_id() -> str:
    """32 hex digits that cannot be guessed."""
    return secrets.token_hex(16)


def now() -> float:
    """Seconds since 1970, UTC."""
    return time.time()


def open_store(settings: Settings) -> Store:
    """Open the store of a service, made where it is missing.

    Raises ConfigError where the folder or the database cannot be used, InstallationError where
    the database belongs to another version.
    """
    folder = settings.data
    try:
        for name in ("incoming", "media", "results"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    try:
        engine = _engine(settings.database_url)
        _prepare(engine)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
        raise ConfigError(f"The database cannot be used: {said}.") from error
    return Store(engine, folder)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log: readers never wait; what was committed survives a loss of power."""
    connection.isolation_level = None  # the driver begins nothing by itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once, or it could fail halfway when another was quicker."""
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _prepare(engine: Engine) -> None:
    """Make the tables; of several processes that start at once, one makes them."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LAYOUT_LOCK})
        schema.METADATA.create_all(connection)
        held = connection.execute(select(schema.meta.c.value).where(_is_version)).scalar()
        if held is None:
            held = str(schema.VERSION)
            connection.execute(insert(schema.meta).values(key="schema", value=held))
    if held != str(schema.VERSION):
        raise InstallationError(
            f"The database has the layout {held}, this assay knows {schema.VERSION}.",
            remedy="Use the version of assay that wrote it, or another data folder.",
        )


_is_version = schema.meta.c.key == "schema"
