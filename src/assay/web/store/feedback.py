"""What people say about results: kept with hash and scores, so that calibration can learn of it.

An answer outlives its examination: it holds no media, no name and no path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, tuple_, update

from assay.web.actor import Actor
from assay.web.refusals import NotFoundError, NotReadyError, UnprocessableError
from assay.web.store import audit
from assay.web.store import examinations as store_examinations
from assay.web.store.database import Store, new_id, now
from assay.web.store.schema import feedback, results

# What the person holds to be true: `false_alarm`, it is genuine and was called fake; `missed`, it
# is fake and nothing was found; `right`, the verdict fits.
KINDS = ("false_alarm", "missed", "right")
MAX_COMMENT = 4000
CHUNK = 200
SCORE_FIELDS = (
    "name", "version", "bundle_sha256", "subject", "status", "p_fake", "threshold",
)  # fmt: skip


def give(store: Store, actor: Actor, examination_id: str, kind: str, comment: str = "") -> Row[Any]:
    """Keep what one person says about a result; said again, it takes the place of the first.

    Raises NotFoundError, NotReadyError while there is no result, UnprocessableError.
    """
    actor.require("examine")
    if kind not in KINDS:
        raise UnprocessableError(f"Feedback is one of {', '.join(KINDS)}.")
    if len(comment) > MAX_COMMENT:
        raise UnprocessableError(f"At most {MAX_COMMENT} characters of comment.")
    comment = comment.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    said = {"kind": kind, "comment": comment}
    with store.writing() as connection:
        row = store_examinations.get_within(connection, actor, examination_id)
        asked = select(results.c.result).where(results.c.examination_id == examination_id)
        result = connection.execute(asked).scalar_one_or_none()
        if result is None:
            raise NotReadyError("There is no result yet that could be right or wrong.")
        mine = _mine(actor, examination_id)
        values = {**said, "engine": row.engine, "label": row.label, "scores": scores_of(result)}
        values["created_at"] = now()
        if not connection.execute(update(feedback).where(*mine).values(**values)).rowcount:
            connection.execute(
                insert(feedback).values(
                    id=new_id(),
                    examination_id=examination_id,
                    owner=row.owner,
                    actor=actor.name,
                    sha256=row.sha256,
                    **values,
                )
            )
        audit.write(connection, actor, "feedback", examination_id, row.sha256, {**said})
        return connection.execute(select(feedback).where(*mine)).one()


def scores_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each detector gave: name, version, network, subject, status, p_fake and its cut."""
    return [
        {field: one.get(field) for field in SCORE_FIELDS} for one in result.get("detectors", ())
    ]


def withdraw(store: Store, actor: Actor, examination_id: str) -> None:
    """Take back what this person said. Raises NotFoundError."""
    actor.require("examine")
    with store.writing() as connection:
        asked = select(feedback).where(*_mine(actor, examination_id))
        held = connection.execute(asked).one_or_none()
        if held is None or not actor.sees(held.owner):
            raise NotFoundError("You gave no feedback on this examination.")
        connection.execute(delete(feedback).where(feedback.c.id == held.id))
        detail = {"withdrawn": held.kind}
        audit.write(connection, actor, "feedback", examination_id, held.sha256, detail)


def mine(store: Store, actor: Actor, examination_id: str) -> Row[Any] | None:
    """What this person said about an examination; None where nothing."""
    with store.reading() as connection:
        asked = select(feedback).where(*_mine(actor, examination_id))
        held = connection.execute(asked).one_or_none()
    return held if held is not None and actor.sees(held.owner) else None


def of(store: Store, actor: Actor, examination_id: str) -> Sequence[Row[Any]]:
    """What everyone said about an examination, oldest first. Raises NotFoundError."""
    actor.require("read")
    c = feedback.c
    with store.reading() as connection:
        store_examinations.get_within(connection, actor, examination_id)
        asked = select(feedback).where(c.examination_id == examination_id)
        return connection.execute(asked.order_by(c.created_at, c.id)).all()


def every(
    store: Store, actor: Actor, kind: str | None = None, since: float | None = None
) -> Iterator[Row[Any]]:
    """All feedback that this one may see, oldest first, read in small portions.

    `since` is seconds since 1970; each portion is a reading of its own, so nobody is held up.
    """
    actor.require("read")
    c = feedback.c
    narrowed: list[Any] = [] if actor.sees("") else [c.owner == actor.owner]
    if kind is not None:
        narrowed.append(c.kind == kind)
    if since is not None:
        narrowed.append(c.created_at >= since)
    last: tuple[float, str] | None = None
    while True:
        further = [] if last is None else [tuple_(c.created_at, c.id) > tuple_(*last)]
        asked = select(feedback).where(*narrowed, *further)
        with store.reading() as connection:
            rows = connection.execute(asked.order_by(c.created_at, c.id).limit(CHUNK)).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        last = rows[-1].created_at, rows[-1].id


def _mine(actor: Actor, examination_id: str) -> tuple[Any, ...]:
    return feedback.c.examination_id == examination_id, feedback.c.actor == actor.name
