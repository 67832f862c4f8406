"""Webhooks, and what is to be told to them: rows written together with what they tell of.

`tell` adds the rows in the transaction that ends an examination, so that nothing is told that did
not happen and nothing that happened goes untold. A row is handed out for a while (`due`); whoever
took it and died has only delayed it. The same may therefore be told twice, under one id. What is
told is the examination as the API answers it.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from assay.web.actor import Actor
from assay.web.refusals import ConflictError, NotFoundError
from assay.web.store import audit
from assay.web.store.database import Store, new_id, now
from assay.web.store.schema import deliveries, examinations, webhooks

EVENTS = ("examination.finished", "examination.set_aside", "examination.cancelled")
MAX_WEBHOOKS = 20  # of one owner
LEASE_S = 60.0
# Seconds after the first, second … attempt that failed: a day in all.
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
KEPT_S = 7 * 86_400.0
AT_ONCE, OF_ONE_WEBHOOK = 32, 4
MAX_ANSWER = 300


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that is ours to make until its lease ends; `claim` proves it."""

    id: str
    claim: str
    event: str
    body: dict[str, Any]
    url: str
    secret: str
    n_attempts: int
    created_at: float


def tell(connection: Connection, examination_id: str) -> None:
    """Write down that an examination is over, for each webhook of its owner that wants to know."""
    from assay.web.api.models import as_examination

    asked = select(examinations).where(examinations.c.id == examination_id)
    row = connection.execute(asked).one()
    event, time_s = f"examination.{row.status}", now()
    hooks = connection.execute(select(webhooks).where(webhooks.c.owner == row.owner)).all()
    hooks = [hook for hook in hooks if event in hook.events]
    body = as_examination(row, row.engine).model_dump(mode="json") if hooks else {}
    for hook in hooks:
        values = {"id": new_id(), "webhook_id": hook.id, "event": event, "body": body}
        values |= {"examination_id": row.id, "next_at": time_s, "created_at": time_s}
        connection.execute(insert(deliveries).values(**values))


def add_webhook(store: Store, actor: Actor, url: str, events: Sequence[str]) -> Row[Any]:
    """A new webhook with a secret of its own. Raises ConflictError where there are too many."""
    row: dict[str, Any] = {
        "id": new_id(),
        "owner": actor.owner,
        "url": url,
        "secret": f"whsec_{secrets.token_urlsafe(32)}",
        "events": [event for event in EVENTS if event in events],
        "created_at": now(),
    }
    mine = select(func.count()).select_from(webhooks).where(webhooks.c.owner == actor.owner)
    with store.writing() as connection:
        if connection.execute(mine).scalar_one() >= MAX_WEBHOOKS:
            raise ConflictError(f"There are {MAX_WEBHOOKS} webhooks already.")
        connection.execute(insert(webhooks).values(**row))
        audit.write(connection, actor, "webhook_created", row["id"], None, {"url": url})
        return connection.execute(select(webhooks).where(webhooks.c.id == row["id"])).one()


def listed(store: Store, actor: Actor) -> Sequence[Row[Any]]:
    """The webhooks of who asks, oldest first."""
    asked = select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id)
    if not actor.sees(""):
        asked = asked.where(webhooks.c.owner == actor.owner)
    with store.reading() as connection:
        return connection.execute(asked).all()


def webhook(store: Store, actor: Actor, id_: str) -> Row[Any]:
    """One webhook. Raises NotFoundError, also for another owner's."""
    with store.reading() as connection:
        return _webhook(connection, actor, id_)


def _webhook(connection: Connection, actor: Actor, id_: str) -> Row[Any]:
    row = connection.execute(select(webhooks).where(webhooks.c.id == id_)).one_or_none()
    if row is None or not actor.sees(row.owner):
        raise NotFoundError("There is no such webhook.")
    return row


def remove_webhook(store: Store, actor: Actor, id_: str) -> None:
    """Take a webhook away, with all that was to be told to it. Raises NotFoundError."""
    with store.writing() as connection:
        row = _webhook(connection, actor, id_)
        connection.execute(delete(webhooks).where(webhooks.c.id == id_))
        audit.write(connection, actor, "webhook_deleted", id_, None, {"url": row.url})


def deliveries_of(store: Store, actor: Actor, id_: str, limit: int) -> Sequence[Row[Any]]:
    """The last deliveries to a webhook, newest first. Raises NotFoundError."""
    d = deliveries.c
    asked = select(deliveries).where(d.webhook_id == id_)
    with store.reading() as connection:
        _webhook(connection, actor, id_)
        return connection.execute(asked.order_by(d.created_at.desc(), d.id).limit(limit)).all()


def due(store: Store) -> list[Due]:
    """What is to be told now, a few for each webhook: ours alone for LEASE_S."""
    with store.reading() as connection:
        found = connection.execute(_waiting(now())).all()
    if not found:
        return []
    with store.writing() as connection:
        return [one for row in found if (one := _taken(connection, row)) is not None]


def _waiting(time_s: float) -> Any:
    """Of each webhook those that wait longest: one that does not answer holds up no other."""
    d = deliveries.c
    place = func.row_number().over(partition_by=d.webhook_id, order_by=(d.next_at, d.id))
    lines = (
        select(deliveries, place.label("place"))
        .where(d.state == "waiting", d.next_at <= time_s)
        .subquery()
    )
    joined = lines.join(webhooks, webhooks.c.id == lines.c.webhook_id)
    return (
        select(lines, webhooks.c.url, webhooks.c.secret)
        .select_from(joined)
        .where(lines.c.place <= OF_ONE_WEBHOOK)
        .order_by(lines.c.place, lines.c.next_at)
        .limit(AT_ONCE)
    )


def _taken(connection: Connection, row: Row[Any]) -> Due | None:
    d, claim = deliveries.c, new_id()
    taken = (
        update(deliveries)
        .where(d.id == row.id, d.state == "waiting", d.next_at == row.next_at)
        .values(claim=claim, next_at=now() + LEASE_S, n_attempts=d.n_attempts + 1)
    )
    if not connection.execute(taken).rowcount:
        return None  # another server was quicker
    n_attempts = row.n_attempts + 1
    return Due(row.id, claim, row.event, row.body, row.url, row.secret, n_attempts, row.created_at)


def settle(store: Store, held: Due, delivered: bool, answer: str) -> str:
    """Keep what came of a delivery; the state that follows: delivered, waiting or given_up."""
    values: dict[str, Any] = {"claim": None, "last_answer": answer[:MAX_ANSWER]}
    if delivered:
        values |= {"state": "delivered", "next_at": now()}
    elif held.n_attempts > len(PAUSES_S):
        values |= {"state": "given_up", "next_at": now()}
    else:
        pause_s = PAUSES_S[held.n_attempts - 1] * random.uniform(0.9, 1.1)
        values |= {"state": "waiting", "next_at": now() + pause_s}
    d = deliveries.c
    with store.writing() as connection:
        mine = update(deliveries).where(d.id == held.id, d.claim == held.claim)
        connection.execute(mine.values(**values))
    return str(values["state"])


def forget_told(store: Store) -> int:
    """Take out what was told, or given up, more than a week ago; how many there were."""
    d = deliveries.c
    old = d.state.in_(("delivered", "given_up")), d.next_at < now() - KEPT_S
    with store.reading() as connection:
        if connection.execute(select(d.id).where(*old).limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        return int(connection.execute(delete(deliveries).where(*old)).rowcount)


def counts(store: Store) -> dict[str, int]:
    """How many deliveries have which state."""
    asked = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    with store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}
