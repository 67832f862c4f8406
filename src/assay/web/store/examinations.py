"""Examinations as whoever asks sees them: added, listed, read, cancelled, removed.

Nothing that belongs to another owner is found here: it does not exist for the one who asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from assay.web.actor import Actor
from assay.web.refusals import ConflictError, NotFoundError, QueueFullError
from assay.web.store import audit, deliveries, media
from assay.web.store.database import Store, is_id, new_id, now, storable
from assay.web.store.listing import MAX_PAGE as MAX_PAGE
from assay.web.store.listing import Filters as Filters
from assay.web.store.listing import Page as Page
from assay.web.store.listing import page as page
from assay.web.store.schema import (
    LIVE,
    OVER,
    STATUSES,
    batch_items,
    batches,
    examinations,
    results,
)
from assay.web.store.schema import media as media_rows

MAX_OTHER_NAMES = 50
FULL_RETRY_S = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to examine, already kept in the store's folder under its `sha256`.

    `options` are the fields of Options that were set, as JSON values. With `again` it is examined
    even where the same was examined before.
    """

    name: str
    sha256: str
    n_bytes: int
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = "upload"
    priority: int = LIVE
    purpose: str | None = None
    reference_sha256: str | None = None
    reference_name: str | None = None
    batch_id: str | None = None
    previous_id: str | None = None
    again: bool = False

    @property
    def contents(self) -> set[str]:
        """The hashes of the files that the examination reads."""
        return {self.sha256} | ({self.reference_sha256} if self.reference_sha256 else set())


@dataclass(frozen=True, slots=True)
class Added:
    """The examination that answers a wish; `is_new` is False where it was there already."""

    id: str
    is_new: bool


def dedupe_key(actor: Actor, wanted: Wanted, engine: str) -> str:
    """The same owner, bytes, options, reference and engine give the same key."""
    told = [actor.owner, wanted.sha256, wanted.options, wanted.reference_sha256, engine]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def add(store: Store, actor: Actor, wanted: Wanted, engine: str, max_queue: int) -> Added:
    """Accept one file: from here on it is examined, whatever is killed.

    What was examined before (same owner, bytes, options, engine) answers again unless `again`.
    Raises QueueFullError, NotFoundError for a batch that is not there, ConflictError where the
    file was deleted meanwhile.
    """
    wanted = _storable(wanted)
    key = None if wanted.again else dedupe_key(actor, wanted, engine)
    with store.writing() as connection:
        added = _add_within(connection, store, actor, wanted, engine, max_queue, key)
    for sha256 in wanted.contents:
        media.settle(store, sha256)
        if not added.is_new:
            media.discard(store, sha256)  # what is over may need it no more
    return added


def _storable(wanted: Wanted) -> Wanted:
    return replace(
        wanted,
        name=storable(wanted.name),
        source=storable(wanted.source),
        purpose=None if wanted.purpose is None else storable(wanted.purpose),
        reference_name=None if wanted.reference_name is None else storable(wanted.reference_name),
    )


def _add_within(
    connection: Connection, store: Store, actor: Actor, wanted: Wanted, engine: str,
    max_queue: int, key: str | None,
) -> Added:  # fmt: skip
    same = examinations.c.dedupe_key == key
    held = connection.execute(select(examinations).where(same)).one_or_none() if key else None
    if held is None:
        _require_room_within(connection, max_queue)
        _require_files(store, wanted)
        _keep_medium(connection, wanted)
        id_ = _insert(connection, actor, wanted, engine, key)
    else:
        id_ = held.id
        _name_too(connection, held, wanted.name)
    if wanted.batch_id is not None:
        _into_batch(connection, actor, wanted.batch_id, id_)
    detail: dict[str, Any] = {
        "name": wanted.name,
        "options": dict(wanted.options),
        "source": wanted.source,
    }
    if wanted.purpose is not None:
        detail |= {"purpose": wanted.purpose, "reference_sha256": wanted.reference_sha256}
    action = "examine" if held is None else "examine_again_answered"
    audit.write(connection, actor, action, id_, wanted.sha256, detail)
    return Added(id_, held is None)


def require_room(store: Store, max_queue: int) -> None:
    """Raise QueueFullError while as many wait as may: asked before a file is taken."""
    with store.reading() as connection:
        _require_room_within(connection, max_queue)


def _require_room_within(connection: Connection, max_queue: int) -> None:
    n_waiting = connection.execute(
        select(func.count()).select_from(examinations).where(examinations.c.status == "queued")
    ).scalar_one()
    if n_waiting >= max_queue:
        raise QueueFullError(
            f"{n_waiting} files wait already.", remedy="Try again later.",
            retry_after_s=FULL_RETRY_S,
        )  # fmt: skip


def _require_files(store: Store, wanted: Wanted) -> None:
    for sha256 in wanted.contents:
        if not store.media_path(sha256).is_file():
            raise ConflictError(
                "The file itself is no longer kept.", remedy="Send the file again.",
            )  # fmt: skip


def _keep_medium(connection: Connection, wanted: Wanted) -> None:
    held = select(media_rows.c.sha256).where(media_rows.c.sha256 == wanted.sha256)
    if connection.execute(held).one_or_none() is None:
        row = {"sha256": wanted.sha256, "n_bytes": wanted.n_bytes, "created_at": now()}
        connection.execute(insert(media_rows).values(**row))


def _insert(
    connection: Connection, actor: Actor, wanted: Wanted, engine: str, key: str | None
) -> str:
    id_ = new_id()
    connection.execute(
        insert(examinations).values(
            id=id_,
            owner=actor.owner,
            actor=actor.name,
            name=wanted.name,
            sha256=wanted.sha256,
            n_bytes=wanted.n_bytes,
            source=wanted.source,
            options=dict(wanted.options),
            purpose=wanted.purpose,
            reference_sha256=wanted.reference_sha256,
            reference_name=wanted.reference_name,
            priority=wanted.priority,
            dedupe_key=key,
            engine=engine,
            previous_id=wanted.previous_id,
            created_at=now(),
        )
    )
    return id_


def _name_too(connection: Connection, held: Row[Any], name: str) -> None:
    if name == held.name or name in held.other_names or len(held.other_names) >= MAX_OTHER_NAMES:
        return
    mine = examinations.c.id == held.id
    names = [*held.other_names, name]
    connection.execute(update(examinations).where(mine).values(other_names=names))


def _into_batch(connection: Connection, actor: Actor, batch_id: str, id_: str) -> None:
    _batch(connection, actor, batch_id)
    row = {"batch_id": batch_id, "examination_id": id_}
    held = select(batch_items).where(
        batch_items.c.batch_id == batch_id, batch_items.c.examination_id == id_
    )
    if connection.execute(held).one_or_none() is None:
        connection.execute(insert(batch_items).values(**row))


def add_batch(store: Store, actor: Actor, name: str) -> str:
    """Open a batch that files can be added to; its id."""
    id_ = new_id()
    row = {"id": id_, "owner": actor.owner, "name": storable(name)[:200], "created_at": now()}
    with store.writing() as connection:
        connection.execute(insert(batches).values(**row))
    return id_


def batch(store: Store, actor: Actor, batch_id: str) -> tuple[Row[Any], dict[str, int]]:
    """A batch and how many of its files have which status. Raises NotFoundError."""
    with store.reading() as connection:
        row = _batch(connection, actor, batch_id)
        joined = batch_items.join(examinations, examinations.c.id == batch_items.c.examination_id)
        counted = (
            select(examinations.c.status, func.count())
            .select_from(joined)
            .where(batch_items.c.batch_id == batch_id)
            .group_by(examinations.c.status)
        )
        counts = {row[0]: row[1] for row in connection.execute(counted)}
    return row, {status: counts.get(status, 0) for status in STATUSES}


def _batch(connection: Connection, actor: Actor, batch_id: str) -> Row[Any]:
    _require_id(batch_id, "batch")
    row = connection.execute(select(batches).where(batches.c.id == batch_id)).one_or_none()
    if row is None or not actor.sees(row.owner):
        raise NotFoundError("There is no such batch.")
    return row


def get(store: Store, actor: Actor, id_: str) -> Row[Any]:
    """One examination's row. Raises NotFoundError, also for what belongs to someone else."""
    with store.reading() as connection:
        return get_within(connection, actor, id_)


def get_within(connection: Connection, actor: Actor, id_: str) -> Row[Any]:
    """`get` as a part of a larger transaction."""
    _require_id(id_, "examination")
    asked = select(examinations).where(examinations.c.id == id_)
    row = connection.execute(asked).one_or_none()
    if row is None or not actor.sees(row.owner):
        raise NotFoundError("There is no such examination.")
    return row


def _require_id(text: str, what: str) -> None:
    """What is no id is not asked for: a database would refuse some of it with a fault."""
    if not is_id(text):
        raise NotFoundError(f"There is no such {what}.")


def result_of(store: Store, actor: Actor, id_: str) -> Row[Any] | None:
    """The row of `results` of one examination, None while there is none. Raises NotFoundError."""
    with store.reading() as connection:
        get_within(connection, actor, id_)
        asked = select(results).where(results.c.examination_id == id_)
        return connection.execute(asked).one_or_none()


def cancel(store: Store, actor: Actor, id_: str) -> str:
    """Cancel what waits at once, ask a running one to stop; the status that follows.

    Raises NotFoundError, ConflictError where it is over.
    """
    actor.require("examine")
    c = examinations.c
    with store.writing() as connection:
        row = get_within(connection, actor, id_)
        if row.status in OVER:
            raise ConflictError(f"It is {row.status.replace('_', ' ')} already.")
        values = {"status": "cancelled", "finished_at": now(), "dedupe_key": None}
        waits = update(examinations).where(c.id == id_, c.status == "queued").values(**values)
        at_once = bool(connection.execute(waits).rowcount)
        if not at_once:
            running = update(examinations).where(c.id == id_, c.status == "running")
            connection.execute(running.values(cancel_asked=True, dedupe_key=None))
        else:
            deliveries.tell(connection, id_)
        audit.write(connection, actor, "cancel", id_, row.sha256, {})
    return "cancelled" if at_once else "running"


def remove(store: Store, actor: Actor, id_: str) -> Row[Any]:
    """Take an examination out of the rows; what stays is its lines in the audit log.

    The caller deletes the files (`media.forget`). Raises NotFoundError.
    """
    actor.require("examine")
    with store.writing() as connection:
        row = get_within(connection, actor, id_)
        connection.execute(delete(results).where(results.c.examination_id == id_))
        connection.execute(delete(examinations).where(examinations.c.id == id_))
        audit.write(connection, actor, "delete", id_, row.sha256, {})
    return row


def n_waiting(store: Store) -> dict[str, int]:
    """How many are queued and how many run, over all owners."""
    c = examinations.c
    asked = select(c.status, func.count()).where(c.status.in_(("queued", "running")))
    with store.reading() as connection:
        counts = {row[0]: row[1] for row in connection.execute(asked.group_by(c.status))}
    return {status: counts.get(status, 0) for status in ("queued", "running")}
