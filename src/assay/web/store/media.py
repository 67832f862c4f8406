"""The files of a store: uploads on their way in, kept by content, gone when nothing uses them.

A file that was kept and is not yet asked for by a row has a mark beside it (`incoming/<sha256>.…`),
so that whoever deletes the same content at that moment leaves it. `examinations.add` takes the
mark away. A lock on the folder orders keeping and deleting, the transactions of the database order
deleting and adding: a row that was accepted has its file.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, delete, func, or_, select

from assay.web.refusals import BodyTooLargeError, StorageFullError
from assay.web.store import schema
from assay.web.store.database import Store, new_id
from assay.web.store.schema import examinations

PART = ".part"
LOOK_EVERY_BYTES = 8 * 2**20
FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole file in the store; `mark` is the name of what keeps it there until it is added."""

    sha256: str
    n_bytes: int
    mark: str = ""


class Incoming:
    """One file on its way in: written, hashed and measured; gone again unless `keep` is called."""

    def __init__(self, store: Store, max_bytes: int, min_free_bytes: int) -> None:
        self._store, self._max_bytes, self._min_free_bytes = store, max_bytes, min_free_bytes
        self._path = store.incoming / (new_id() + PART)
        self._hash, self._n_bytes, self._look_at = hashlib.sha256(), 0, 0
        self._file = -1

    def __enter__(self) -> Self:
        self._require_free()
        with _full_is_refused():
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # `sweep` leaves what is being written
        return self

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises BodyTooLargeError, StorageFullError."""
        self._n_bytes += len(chunk)
        if self._n_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        if self._n_bytes >= self._look_at:
            self._require_free()
            self._look_at = self._n_bytes + LOOK_EVERY_BYTES
        self._hash.update(chunk)
        rest = memoryview(chunk)
        with _full_is_refused():
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def keep(self) -> Kept:
        """Put the whole file into its place, where it outlives a loss of power."""
        sha256 = self._hash.hexdigest()
        place = self._store.media_path(sha256)
        mark = self._store.incoming / f"{sha256}.{new_id()}"
        with _full_is_refused():
            os.fsync(self._file)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self._store):
                mark.touch(mode=0o600)
                self._path.replace(place)
            _sync_folder(place.parent)
            _sync_folder(place.parent.parent)
        return Kept(sha256, self._n_bytes, mark.name)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _require_free(self) -> None:
        if shutil.disk_usage(self._store.incoming).free < self._min_free_bytes:
            raise _storage_full()


def incoming(store: Store, max_bytes: int, min_free_bytes: int) -> Incoming:
    """Begin to take a file of at most `max_bytes` while `min_free_bytes` of the disk stay free.

    Use it as a context manager. Entering raises StorageFullError.
    """
    return Incoming(store, max_bytes, min_free_bytes)


def too_large(max_bytes: int) -> BodyTooLargeError:
    """The refusal of a file beyond the operator's limit."""
    return BodyTooLargeError(
        f"The file is larger than {max_bytes} bytes.",
        remedy="Send a smaller file, or ask the operator to raise max_upload_bytes.",
    )


def release(store: Store, kept: Kept) -> None:
    """Let go of a file that was kept and is not going to be added after all."""
    if kept.mark:
        (store.incoming / kept.mark).unlink(missing_ok=True)
    discard(store, kept.sha256)


def settle(store: Store, sha256: str) -> None:
    """Take away one mark of this content: a row asks for it now, or one that is over answers."""
    for mark in marks(store, sha256):
        try:
            mark.unlink()
        except FileNotFoundError:
            continue  # of the same content, added at the same moment
        return


def forget(store: Store, row: Row[Any]) -> None:
    """Delete the files of a removed examination, and its media where nothing else uses them."""
    shutil.rmtree(store.result_folder(row.id, "-").parent, ignore_errors=True)
    for sha256 in {row.sha256, row.reference_sha256} - {None}:
        discard(store, sha256)


def discard(store: Store, sha256: str) -> bool:
    """Delete a content that no examination uses and no upload has just brought; whether it did."""
    with store.writing() as connection:
        return discard_within(connection, store, sha256)


def discard_within(connection: Connection, store: Store, sha256: str) -> bool:
    """`discard` as a part of a larger transaction, one of `store.writing()`."""
    if used(connection, [sha256]):
        return False
    with _locked(store):
        if any(marks(store, sha256)):
            return False
        store.media_path(sha256).unlink(missing_ok=True)
    connection.execute(delete(schema.media).where(schema.media.c.sha256 == sha256))
    return True


def used(connection: Connection, contents: list[str]) -> set[str]:
    """Those of the contents that an examination still has, as its file or as its reference."""
    c = examinations.c
    there = c.media_deleted_at.is_(None)
    rows = connection.execute(
        select(c.sha256, c.reference_sha256).where(
            there, or_(c.sha256.in_(contents), c.reference_sha256.in_(contents))
        )
    )
    return {sha256 for row in rows for sha256 in row} & set(contents)


def n_bytes(store: Store) -> int:
    """How many bytes of media the rows know of."""
    with store.reading() as connection:
        asked = select(func.coalesce(func.sum(schema.media.c.n_bytes), 0))
        return int(connection.execute(asked).scalar_one())


def marks(store: Store, sha256: str = "") -> Iterator[Path]:
    """The marks of a content, or all there are."""
    # No pattern: Python would keep tens of thousands of them, one for each content.
    named = (path for path in store.incoming.iterdir() if path.name.startswith(sha256))
    return (path for path in named if "." in path.name and path.suffix != PART)


@contextmanager
def _locked(store: Store) -> Iterator[None]:
    """No other process keeps or deletes a file meanwhile."""
    with (store.folder / "media.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _full_is_refused() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise _storage_full() from error
        raise


def _storage_full() -> StorageFullError:
    return StorageFullError(
        "The disk of the service is too full for more files.",
        remedy="Tell the operator, or try again later.",
        retry_after_s=FULL_RETRY_S,
    )


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
