"""The queue: one row is claimed by one worker, and only its claim can finish it.

A claim is a random word written into the row. Whatever a worker does later (a sign of life, a
result) asks for that word: a worker that was given up for lost and comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Row, case, insert, select, update

from assay.web.actor import SERVICE, Actor
from assay.web.store import audit, deliveries
from assay.web.store.database import Store, new_id, now, storable
from assay.web.store.schema import BATCH, LIVE, examinations, results

AGED_S = 600.0  # after this, a batch file waits in the line of the live ones
FIRST_RETRY_S, LONGEST_RETRY_S = 2.0, 120.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """An examination that this worker, and no other, may finish; `claim` proves it."""

    id: str
    claim: str
    name: str
    sha256: str
    options: Mapping[str, Any]
    n_attempts: int
    reference_sha256: str | None
    reference_name: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an examination gave: the JSON of the result, and files within its result folder.

    `report` is the name of the HTML file there; `artifacts` have `kind`, `path` (its name there)
    and `caption`.
    """

    result: Mapping[str, Any]
    report: str | None = None
    artifacts: Sequence[Mapping[str, str]] = ()
    engine: str = ""


def claim(store: Store, worker: str) -> Claimed | None:
    """Take the next file: live before batch, older before newer. None where nothing waits."""
    with store.reading() as connection:
        if connection.execute(_next(now())).first() is None:
            return None  # looking costs no writer its turn
    with store.writing(alone=False) as connection:
        row = connection.execute(_next(now(), taken=True)).one_or_none()
        if row is None:
            return None
        word, values = new_id(), _begun(row, worker)
        mine = examinations.c.id == row.id, examinations.c.status == "queued"
        connection.execute(update(examinations).where(*mine).values(claim=word, **values))
    return replace(_claimed(row), claim=word, n_attempts=row.n_attempts + 1)


def _begun(row: Row[Any], worker: str) -> dict[str, Any]:
    return {
        "status": "running",
        "worker": storable(worker)[:120],
        "heartbeat_at": now(),
        "started_at": now(),
        "n_attempts": row.n_attempts + 1,
        "progress": {},
    }


def _next(time_s: float, taken: bool = False) -> Any:
    c = examinations.c
    turn = case((c.created_at < time_s - AGED_S, LIVE), else_=c.priority)
    asked = (
        select(examinations if taken else c.id)
        .where(c.status == "queued", c.not_before <= time_s, c.priority.in_((LIVE, BATCH)))
        .order_by(turn, c.created_at, c.id)
        .limit(1)
    )
    return asked.with_for_update(skip_locked=True) if taken else asked


def beat(store: Store, held: Claimed, progress: Mapping[str, Any] | None = None) -> str:
    """Give a sign of life; the answer is `go_on`, `cancel`, or `lost` (someone else has it)."""
    values: dict[str, Any] = {"heartbeat_at": now()}
    if progress is not None:
        values["progress"] = dict(progress)
    with store.writing(alone=False) as connection:
        if not connection.execute(_mine(held).values(**values)).rowcount:
            return "lost"
        asked = select(examinations.c.cancel_asked).where(examinations.c.id == held.id)
        return "cancel" if connection.execute(asked).scalar_one() else "go_on"


def finish(store: Store, held: Claimed, outcome: Outcome, status: str = "finished") -> bool:
    """Keep the result; False where the claim was lost, and nothing is kept then."""
    with store.writing() as connection:
        return finish_within(connection, held.id, held.claim, outcome, status)


def finish_within(
    connection: Connection, examination_id: str, claim: str, outcome: Outcome, status: str
) -> bool:
    """`finish` as a part of a larger transaction."""
    c, result = examinations.c, outcome.result
    values = {
        "status": status,
        "finished_at": now(),
        "claim": None,
        "engine": outcome.engine,
        "result_status": result["status"],
        "label": result["verdict"],
        "p_fake": result["p_fake"],
        "media_type": result["input"]["media_type"],
    }
    if status == "set_aside":
        values["dedupe_key"] = None  # it may be tried again
    mine = c.id == examination_id, c.claim == claim, c.status == "running"
    row = connection.execute(select(examinations).where(*mine)).one_or_none()
    if row is None:
        return False
    connection.execute(update(examinations).where(*mine).values(**values))
    connection.execute(
        insert(results).values(
            examination_id=examination_id,
            claim=claim,
            result=dict(result),
            report=outcome.report,
            artifacts=[dict(one) for one in outcome.artifacts],
            created_at=now(),
        )
    )
    action = "set_aside" if status == "set_aside" else "finish"
    audit.write(connection, service_for(row.owner), action, row.id, row.sha256, _told(outcome))
    deliveries.tell(connection, examination_id)
    return True


def set_aside_within(connection: Connection, held: Claimed, outcome: Outcome) -> bool:
    """End a file that is not tried again; one that was to be cancelled is cancelled instead."""
    row = connection.execute(select(examinations).where(*_is(held))).one_or_none()
    if row is not None and row.cancel_asked:
        return _end_cancelled(connection, held)
    return finish_within(connection, held.id, held.claim, outcome, "set_aside")


def service_for(owner: str) -> Actor:
    """The service, where it acts on what belongs to `owner`."""
    return replace(SERVICE, owner=owner)


def _told(outcome: Outcome) -> dict[str, Any]:
    """What the audit log says of a result: what was found, and by which networks."""
    result = outcome.result
    networks = {
        one["name"]: one["bundle_sha256"]
        for one in result.get("detectors", ())
        if one.get("bundle_sha256") is not None
    }
    return {
        "status": result["status"],
        "label": result["verdict"],
        "p_fake": result["p_fake"],
        "reasons": [one["code"] for one in result.get("reasons", ())],
        "engine": outcome.engine,
        "bundles": networks,
    }


def give_up_cancelled(store: Store, held: Claimed) -> bool:
    """End a running examination that was to be cancelled; False where the claim was lost."""
    with store.writing() as connection:
        return _end_cancelled(connection, held)


def _end_cancelled(connection: Connection, held: Claimed) -> bool:
    values = {"status": "cancelled", "finished_at": now(), "claim": None, "dedupe_key": None}
    if not connection.execute(_mine(held).values(**values)).rowcount:
        return False
    deliveries.tell(connection, held.id)
    return True


def hand_back(store: Store, held: Claimed, fault: str, *, counts: bool = True) -> bool:
    """Put a file back into the queue, later each time; False where the claim was lost.

    With `counts=False` it was not the file's fault (the worker was asked to end): the attempt is
    not counted, and it waits for nothing. One that was to be cancelled is cancelled now.
    """
    with store.writing() as connection:
        return hand_back_within(connection, held, fault, counts=counts)


def hand_back_within(
    connection: Connection, held: Claimed, fault: str, *, counts: bool = True
) -> bool:
    """`hand_back` as a part of a larger transaction."""
    row = connection.execute(select(examinations).where(*_is(held))).one_or_none()
    if row is None:
        return False
    if row.cancel_asked:
        return _end_cancelled(connection, held)
    values: dict[str, Any] = {"status": "queued", "claim": None, "progress": {}}
    if counts:
        pause_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** (held.n_attempts - 1))
        faults = [*row.faults, {"at": now(), "fault": storable(fault)[:500]}]
        values |= {"not_before": now() + pause_s, "faults": faults}
    else:
        values |= {"not_before": 0.0, "n_attempts": max(0, row.n_attempts - 1)}
    connection.execute(_mine(held).values(**values))
    return True


def lost(store: Store, lost_after_s: float) -> list[Claimed]:
    """The running examinations whose worker gave no sign of life for `lost_after_s`."""
    c = examinations.c
    silent = c.status == "running", c.heartbeat_at < now() - lost_after_s
    with store.reading() as connection:
        rows = connection.execute(select(examinations).where(*silent)).all()
    return [_claimed(row) for row in rows]


def is_silent(connection: Connection, held: Claimed, lost_after_s: float) -> bool:
    """Whether that is so still, in the transaction that draws the consequence."""
    asked = select(examinations.c.heartbeat_at).where(*_is(held))
    beat_at = connection.execute(asked).scalar_one_or_none()
    return beat_at is not None and beat_at < now() - lost_after_s


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(**{field.name: getattr(row, field.name) for field in fields(Claimed)})


def _is(held: Claimed) -> Any:
    c = examinations.c
    return c.id == held.id, c.claim == held.claim, c.status == "running"


def _mine(held: Claimed) -> Any:
    return update(examinations).where(*_is(held))
