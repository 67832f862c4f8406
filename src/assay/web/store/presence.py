"""Which workers there are: each signs from time to time, idle or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select, update

from assay.web.store.database import Store, now
from assay.web.store.schema import examinations, meta

PREFIX = "worker:"
FORGOTTEN_S = 86_400.0


def sign(store: Store, worker: str, facts: Mapping[str, Any]) -> None:
    """Say that `worker` is there; `facts` are shown by /health (`isolation`: what it lacks)."""
    key, value = _key(worker), json.dumps({**facts, "worker": worker, "at": now()})
    with store.writing() as connection:
        changed = update(meta).where(meta.c.key == key).values(value=value)
        if not connection.execute(changed).rowcount:
            connection.execute(insert(meta).values(key=key, value=value))


def leave(store: Store, worker: str) -> None:
    """Say that `worker` is gone."""
    with store.writing() as connection:
        connection.execute(delete(meta).where(meta.c.key == _key(worker)))


def seen(store: Store, within_s: float) -> list[dict[str, Any]]:
    """The facts of every worker that signed, or gave a sign of life of what it examines, within
    the last `within_s` seconds.
    """
    since = now() - within_s
    busy = _busy(store, since)
    return [
        facts
        for facts in _signed(store).values()
        if facts["at"] >= since or facts["worker"][:120] in busy
    ]


def _busy(store: Store, since: float) -> set[str]:
    c = examinations.c
    asked = select(c.worker).where(c.status == "running", c.heartbeat_at >= since)
    with store.reading() as connection:
        return set(connection.execute(asked).scalars())


def forget_gone(store: Store) -> None:
    """Take out those that have not signed for a day."""
    old = [key for key, facts in _signed(store).items() if facts["at"] < now() - FORGOTTEN_S]
    if old:
        with store.writing() as connection:
            connection.execute(delete(meta).where(meta.c.key.in_(old)))


def _signed(store: Store) -> dict[str, dict[str, Any]]:
    asked = select(meta.c.key, meta.c.value).where(meta.c.key.startswith(PREFIX))
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    return {row.key: json.loads(row.value or "{}") for row in rows}


def _key(worker: str) -> str:
    """At most 40 characters, whatever a worker is called."""
    return PREFIX + hashlib.sha256(worker.encode()).hexdigest()[:32]
