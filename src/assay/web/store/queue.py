"""The queue: one row is claimed by one worker, and only its claim can finish it.

A claim is a random word written into the row. Whatever a worker does later (a sign of life, a
result) asks for that word: a worker that was given up for lost and comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, insert, select, update

from assay.web.store.database import Store, new_id, now
from assay.web.store.schema import BATCH, LIVE, examinations, results

AGED_S = 600.0  # after this, a batch file waits in the line of the live ones
FIRST_RETRY_S, LONGEST_RETRY_S = 2.0, 120.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """An examination that this worker, and no other, may finish; `claim` proves it."""

    id: str
    claim: str
    owner: str
    actor: str
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
    with store.writing() as connection:
        row = connection.execute(_next(now())).one_or_none()
        if row is None:
            return None
        word = new_id()
        connection.execute(
            update(examinations)
            .where(examinations.c.id == row.id)
            .values(
                status="running",
                claim=word,
                worker=worker[:120],
                heartbeat_at=now(),
                started_at=now(),
                n_attempts=row.n_attempts + 1,
                progress={},
            )
        )
    return Claimed(
        row.id,
        word,
        row.owner,
        row.actor,
        row.name,
        row.sha256,
        row.options,
        row.n_attempts + 1,
        row.reference_sha256,
        row.reference_name,
    )


def _next(time_s: float) -> Any:
    c = examinations.c
    turn = case((c.created_at < time_s - AGED_S, LIVE), else_=c.priority)
    return (
        select(examinations)
        .where(c.status == "queued", c.not_before <= time_s, c.priority.in_((LIVE, BATCH)))
        .order_by(turn, c.created_at, c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def beat(store: Store, held: Claimed, progress: Mapping[str, Any] | None = None) -> str:
    """Give a sign of life; the answer is `go_on`, `cancel`, or `lost` (someone else has it)."""
    values: dict[str, Any] = {"heartbeat_at": now()}
    if progress is not None:
        values["progress"] = dict(progress)
    with store.writing() as connection:
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
    if not connection.execute(update(examinations).where(*mine).values(**values)).rowcount:
        return False
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
    return True


def give_up_cancelled(store: Store, held: Claimed) -> bool:
    """End a running examination that was to be cancelled; False where the claim was lost."""
    values = {"status": "cancelled", "finished_at": now(), "claim": None, "dedupe_key": None}
    with store.writing() as connection:
        return bool(connection.execute(_mine(held).values(**values)).rowcount)


def hand_back(store: Store, held: Claimed, fault: str) -> bool:
    """Put a file back into the queue, later each time; False where the claim was lost."""
    with store.writing() as connection:
        return _requeue(connection, held.id, held.claim, held.n_attempts, fault)


def _requeue(connection: Connection, id_: str, claim: str, n_attempts: int, fault: str) -> bool:
    c = examinations.c
    faults = connection.execute(select(c.faults).where(c.id == id_)).scalar_one_or_none() or []
    pause_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** (n_attempts - 1))
    done = connection.execute(
        update(examinations)
        .where(c.id == id_, c.claim == claim, c.status == "running")
        .values(
            status="queued",
            claim=None,
            not_before=now() + pause_s,
            progress={},
            faults=[*faults, {"at": now(), "fault": fault[:500]}],
        )
    )
    return bool(done.rowcount)


def lost(store: Store, lost_after_s: float) -> list[Claimed]:
    """The running examinations whose worker gave no sign of life for `lost_after_s`."""
    c = examinations.c
    silent = c.status == "running", c.heartbeat_at < now() - lost_after_s
    with store.reading() as connection:
        rows = connection.execute(select(examinations).where(*silent)).all()
    return [
        Claimed(
            row.id,
            row.claim,
            row.owner,
            row.actor,
            row.name,
            row.sha256,
            row.options,
            row.n_attempts,
            row.reference_sha256,
            row.reference_name,
        )
        for row in rows
    ]


def _mine(held: Claimed) -> Any:
    c = examinations.c
    return update(examinations).where(c.id == held.id, c.claim == held.claim, c.status == "running")
