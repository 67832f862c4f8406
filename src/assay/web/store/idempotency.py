"""Idempotency keys: the same request sent twice under one key is done once and answered twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, and_, delete, insert, select, update

from assay.web.refusals import ConflictError, UnprocessableError
from assay.web.store.database import Store, now
from assay.web.store.schema import idempotency

MAX_KEY = 200
ABANDONED_S = 120.0  # the server was killed while it worked on the first
RETRY_S = 2


def begin(
    store: Store, owner: str, key: str, fingerprint: str
) -> tuple[int, dict[str, Any]] | None:
    """The status and body that answered this request before; None where it is to be done now.

    `fingerprint` tells the request from others (64 characters at most). After None, `answer` or
    `drop` must follow. Raises ConflictError while the first is at work, UnprocessableError for
    another request under the same key, or a key that is none.
    """
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise UnprocessableError(
            f"An idempotency key has 1 to {MAX_KEY} printable ASCII characters."
        )
    with store.writing() as connection:
        held = connection.execute(select(idempotency).where(_is(owner, key))).one_or_none()
        if held is None:
            row = {"owner": owner, "key": key, "fingerprint": fingerprint, "created_at": now()}
            connection.execute(insert(idempotency).values(**row))
            return None
        if held.fingerprint != fingerprint:
            raise UnprocessableError(
                "This idempotency key was used for another request.", remedy="Use a new key."
            )
        if held.status is not None:
            return held.status, held.answer
        if not _is_abandoned(held):
            raise _at_work()
        connection.execute(update(idempotency).where(_is(owner, key)).values(created_at=now()))
        return None


def answer(store: Store, owner: str, key: str, status: int, body: Mapping[str, Any]) -> None:
    """Keep what was answered; the first answer stays."""
    first = and_(_is(owner, key), idempotency.c.status.is_(None))
    with store.writing() as connection:
        done = update(idempotency).where(first).values(status=status, answer=dict(body))
        connection.execute(done)


def drop(store: Store, owner: str, key: str) -> None:
    """Forget a request that came to nothing, so that it can be sent again at once."""
    with store.writing() as connection:
        unanswered = and_(_is(owner, key), idempotency.c.status.is_(None))
        connection.execute(delete(idempotency).where(unanswered))


def _is_abandoned(held: Row[Any]) -> bool:
    return bool(held.created_at < now() - ABANDONED_S)


def _at_work() -> ConflictError:
    return ConflictError(
        "The first request with this idempotency key is still at work.", retry_after_s=RETRY_S
    )


def _is(owner: str, key: str) -> Any:
    return and_(idempotency.c.owner == owner, idempotency.c.key == key)
