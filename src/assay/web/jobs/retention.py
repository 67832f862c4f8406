"""What is kept no longer goes: examinations after `keep_s`, with `privacy` media at once.

What stays of each is its lines in the audit log, one of which says that it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from assay.web.jobs.chores import Chore
from assay.web.service import Service
from assay.web.store import audit, media, queue
from assay.web.store.database import Store, now
from assay.web.store.schema import (
    OVER,
    batch_items,
    batches,
    deliveries,
    examinations,
    idempotency,
    results,
    sessions,
)

AT_ONCE = 50  # examinations in one transaction: others wait for it
MAX_ROUNDS = 20
ANSWERS_S = 86_400.0  # how long a request may be repeated under its idempotency key


def tidy(service: Service) -> int:
    """Remove what is too old; how many examinations, or media of them, there were."""
    store, keep_s = service.store, service.settings.keep_s
    forget_requests(store, ANSWERS_S if keep_s is None else min(ANSWERS_S, keep_s))
    n_gone = 0
    for _ in range(MAX_ROUNDS):
        done = expire_media(store) if service.settings.privacy else 0
        done += 0 if keep_s is None else expire(store, keep_s)
        n_gone += done
        if not done:
            break
    return n_gone


def expire(store: Store, keep_s: float) -> int:
    """Remove up to 50 examinations that were over `keep_s` ago, with their files."""
    c = examinations.c
    old = c.status.in_(OVER), c.finished_at < now() - keep_s
    if not _any(store, *old):
        return 0
    with store.writing() as connection:
        rows = connection.execute(select(examinations).where(*old).limit(AT_ONCE)).all()
        ids = [row.id for row in rows]
        connection.execute(delete(results).where(results.c.examination_id.in_(ids)))
        connection.execute(delete(examinations).where(c.id.in_(ids)))
        _log(connection, rows, {"what": "examination", "kept_s": keep_s})
        _forget_around(connection, now() - keep_s)
    for row in rows:
        media.forget(store, row)
    return len(rows)


def expire_media(store: Store) -> int:
    """Delete the media of up to 50 examinations that are over; their results stay."""
    c = examinations.c
    over = c.status.in_(OVER), c.media_deleted_at.is_(None)
    if not _any(store, *over):
        return 0
    with store.writing() as connection:
        rows = connection.execute(select(examinations).where(*over).limit(AT_ONCE)).all()
        gone = update(examinations).where(c.id.in_([row.id for row in rows]))
        connection.execute(gone.values(media_deleted_at=now()))
        _log(connection, rows, {"what": "media"})
        for row in rows:
            for sha256 in {row.sha256, row.reference_sha256} - {None}:
                media.discard_within(connection, store, sha256)
    return len(rows)


def forget_requests(store: Store, answers_s: float) -> None:
    """Remove idempotency keys older than `answers_s`, and sessions that have ended."""
    old = idempotency.c.created_at < now() - answers_s
    ended = sessions.c.expires_at < now()
    with store.reading() as connection:
        found = [
            connection.execute(select(table).where(is_old).limit(1)).first()
            for table, is_old in ((idempotency, old), (sessions, ended))
        ]
    if any(found):
        with store.writing() as connection:
            connection.execute(delete(idempotency).where(old))
            connection.execute(delete(sessions).where(ended))


def _forget_around(connection: Connection, before: float) -> None:
    """What tells of examinations outside their rows: batches without any, messages sent."""
    held = select(batch_items.c.batch_id).where(batch_items.c.batch_id == batches.c.id).exists()
    connection.execute(delete(batches).where(batches.c.created_at < before, ~held))
    sent = deliveries.c.state != "waiting"
    connection.execute(delete(deliveries).where(deliveries.c.created_at < before, sent))


def _log(connection: Connection, rows: Sequence[Row[Any]], detail: dict[str, Any]) -> None:
    for row in rows:
        actor = queue.service_for(row.owner)
        audit.write(connection, actor, "expired", row.id, row.sha256, detail)


def _any(store: Store, *conditions: Any) -> bool:
    """Looking costs no writer its turn."""
    with store.reading() as connection:
        asked = select(examinations.c.id).where(*conditions).limit(1)
        return connection.execute(asked).first() is not None


def _run(service: Service) -> None:
    tidy(service)


CHORE = Chore("retention", 2.0, _run)
