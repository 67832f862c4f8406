"""The audit log: who did what with which content, when. Lines are added and never changed.

Each line carries a hash over itself and the hash of the line before, so that a line changed or
taken out later shows (`check`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from assay.web.actor import Actor
from assay.web.store.database import Store, now, storable
from assay.web.store.schema import audit

FIRST = "0" * 64
MAX_PAGE = 500


def write(
    connection: Connection,
    actor: Actor,
    action: str,
    subject: str,
    sha256: str | None,
    detail: Mapping[str, Any],
) -> None:
    """Add a line in the transaction of what it tells of: either both are kept or neither.

    The transaction is one of `store.writing()`: no other writer adds a line meanwhile.
    """
    newest = select(audit.c.number, audit.c.line).order_by(audit.c.number.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    row: dict[str, Any] = {
        "number": last.number + 1 if last else 1,
        "at": round(now(), 3),
        "actor": actor.name,
        "owner": actor.owner,
        "action": action,
        "subject": storable(subject),
        "sha256": sha256,
        "detail": dict(detail),
        "previous": last.line if last else FIRST,
    }
    connection.execute(insert(audit).values(**row, line=_line(row)))


def _line(row: Mapping[str, Any]) -> str:
    told = json.dumps(dict(row), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()


def check(store: Store) -> int | None:
    """The number of the first line that does not follow from the one before; None where all do."""
    previous, expected = FIRST, 1
    with store.reading() as connection:
        asked = select(audit).order_by(audit.c.number).execution_options(yield_per=1000)
        for row in connection.execute(asked):
            held = dict(row._mapping)
            line = held.pop("line")
            if held["number"] != expected or held["previous"] != previous or line != _line(held):
                return expected
            previous, expected = line, expected + 1
    return None


def n_lines(store: Store) -> int:
    """How many lines there are."""
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(audit)).scalar_one())


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines: every field that is not None narrows; `before` is a line's number."""

    before: int | None = None
    action: str | None = None
    actor: str | None = None
    subject: str | None = None
    sha256: str | None = None


def lines(store: Store, sought: Sought, limit: int = 100) -> Sequence[Row[Any]]:
    """The lines that are sought, the newest first, 500 at most."""
    c = audit.c
    asked = select(audit).order_by(c.number.desc()).limit(max(1, min(limit, MAX_PAGE)))
    if sought.before is not None:
        asked = asked.where(c.number < sought.before)
    for column in (c.action, c.actor, c.subject, c.sha256):
        value = getattr(sought, column.name)
        if value is not None:
            asked = asked.where(column == value)
    with store.reading() as connection:
        return connection.execute(asked).all()
