"""The store: one database and one folder. Every writing transaction is short and whole."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from assay.errors import ConfigError, InstallationError
from assay.report.sanitise import encodable
from assay.web.settings import SQLITE_NAME, Settings
from assay.web.store import schema
from assay.web.store.connecting import READING, connect, wait_for_turn

ID_FILE = "store.id"


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
    def writing(self, *, alone: bool = True) -> Iterator[Connection]:
        """A transaction: all of it is kept at the end, or nothing where anything is raised.

        It sees what every other wrote before it, and none writes beside it, on PostgreSQL too: what
        is checked here holds until the end. `alone=False` is for a change of one row that checks
        nothing else.
        """
        with self.engine.begin() as connection:
            if alone:
                wait_for_turn(connection)
            yield connection

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


def storable(text: str) -> str:
    r"""The text as every database takes it: NUL and lone surrogates spelled out (`\x00`)."""
    return encodable(text.replace("\0", "\\x00"))


def is_id(text: str) -> bool:
    """Whether `new_id` could have given this."""
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)


def open_store(settings: Settings) -> Store:
    """Open the store of a service, made where it is missing. Only its user may read it.

    Raises ConfigError where the folder or the database cannot be used, or do not belong together,
    InstallationError where the database belongs to another version.
    """
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("incoming", "media", "results"):
            (folder / name).mkdir(exist_ok=True, mode=0o700)
        if settings.database is None:
            os.close(os.open(folder / SQLITE_NAME, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    try:
        engine = connect(settings.database_url)
        _prepare(engine, folder)
    except (SQLAlchemyError, ImportError, OSError) as error:
        said = str(getattr(error, "orig", None) or error).splitlines()[0][:200]
        raise ConfigError(f"The database cannot be used: {said}.") from error
    return Store(engine, folder)


def _prepare(engine: Engine, folder: Path) -> None:
    """Make the tables; of several processes that start at once, one makes them."""
    with engine.begin() as connection:
        wait_for_turn(connection)
        schema.METADATA.create_all(connection)
        version = _meta(connection, "schema")
        if version is None:
            version = str(schema.VERSION)
            connection.execute(insert(schema.meta).values(key="schema", value=version))
        if version != str(schema.VERSION):
            raise InstallationError(
                f"The database has the layout {version}, this assay knows {schema.VERSION}.",
                remedy="Use the version of assay that wrote it, or another data folder.",
            )
        _bind(connection, folder)


def _meta(connection: Connection, key: str) -> str | None:
    asked = select(schema.meta.c.value).where(schema.meta.c.key == key)
    held: str | None = connection.execute(asked).scalar()
    return held


def _bind(connection: Connection, folder: Path) -> None:
    """Refuse a folder of another database: to this one, all of its media would be litter."""
    file = folder / ID_FILE
    here = file.read_text("ascii", "replace").strip() if file.exists() else None
    known = _meta(connection, "folder")
    if known is None and (here is None or not any((folder / "media").iterdir())):
        known = here or new_id()
        if here is None:
            _write_whole(file, known)
        connection.execute(insert(schema.meta).values(key="folder", value=known))
    if here not in (None, known) or not file.exists():
        raise ConfigError(
            f"The data folder {folder} and the database do not belong together.",
            remedy="Name the folder and the database that were used together before, or new ones.",
        )


def _write_whole(file: Path, text: str) -> None:
    """It must not be lost while the row that names it is kept."""
    with file.open("w", encoding="ascii") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
