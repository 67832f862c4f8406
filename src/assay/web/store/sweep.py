"""The sweep: files and rows that belong to nothing any more."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sqlalchemy import and_, select

from assay.web.store import media, schema
from assay.web.store.database import Store
from assay.web.store.schema import examinations

MARK_S = 6 * 3600.0  # the longest that a batch of uploads may take from its first file to its last
MANY = 500  # named in one question to the database


def sweep(store: Store, older_than_s: float) -> int:
    """Delete what nothing uses and nobody has touched for `older_than_s`; how many there were.

    Uploads that were broken off, marks left behind, media without an examination, results of
    examinations that are gone and of claims that were lost.
    """
    before = time.time() - older_than_s
    n_gone = sum(_sweep_part(path, before) for path in store.incoming.glob(f"*{media.PART}"))
    n_gone += _sweep_marks(store, time.time() - max(older_than_s, MARK_S))
    n_gone += sum(
        _sweep_media(store, folder, before) for folder in _folders(store.folder / "media")
    )
    n_gone += _sweep_rows(store, before)
    return n_gone + _sweep_results(store, before)


def _sweep_part(path: Path, before: float) -> int:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mtime >= before:
                return 0
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:  # it is being written, or it was kept meanwhile
        return 0
    return 1


def _sweep_marks(store: Store, before: float) -> int:
    old = [mark for mark in media.marks(store) if _changed_at(mark) < before]
    for mark in old:
        mark.unlink(missing_ok=True)
    return len(old)


def _sweep_media(store: Store, folder: Path, before: float) -> int:
    n_gone = 0
    for paths in _by_many(path for path in folder.iterdir() if _changed_at(path) < before):
        some = [path.name for path in paths]
        with store.reading() as connection:
            held = media.used(connection, some)
        n_gone += sum(media.discard(store, sha256) for sha256 in some if sha256 not in held)
    return n_gone


def _sweep_rows(store: Store, before: float) -> int:
    """Rows of media whose file went without them: a process was killed between the two."""
    c, m = examinations.c, schema.media.c
    uses = select(c.id).where(and_(c.sha256 == m.sha256, c.media_deleted_at.is_(None))).exists()
    with store.reading() as connection:
        asked = select(m.sha256).where(m.created_at < before, ~uses).limit(1000)
        lonely = connection.execute(asked).scalars().all()
    return sum(media.discard(store, sha256) for sha256 in lonely)


def _sweep_results(store: Store, before: float) -> int:
    """Folders of claims other than the one at work and the one whose result was kept."""
    n_gone = 0
    for some in _by_many(_folders(store.folder / "results")):
        needed = _claims(store, [folder.name for folder in some])
        for folder in some:
            old = [one for one in _folders(folder) if _changed_at(one) < before]
            old = [one for one in old if one.name not in needed.get(folder.name, ())]
            for one in old:
                shutil.rmtree(one, ignore_errors=True)
            n_gone += len(old)
            if folder.name not in needed:  # there is no such examination
                with suppress(OSError):
                    folder.rmdir()
    return n_gone


def _claims(store: Store, ids: list[str]) -> dict[str, set[str]]:
    """Of each examination that there is, the claims whose folders are needed."""
    c, r = examinations.c, schema.results.c
    joined = examinations.outerjoin(schema.results, r.examination_id == c.id)
    asked = select(c.id, c.claim, r.claim.label("kept")).select_from(joined).where(c.id.in_(ids))
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    return {row.id: {claim for claim in (row.claim, row.kept) if claim} for row in rows}


def _by_many(paths: Iterator[Path]) -> Iterator[list[Path]]:
    while some := list(islice(paths, MANY)):
        yield some


def _folders(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if one.is_dir() and not one.is_symlink())


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
