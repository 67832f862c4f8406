"""Which examinations there are: narrowed by filters, in pages that do not shift."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, tuple_

from assay.web.actor import Actor
from assay.web.refusals import UnprocessableError
from assay.web.store.database import Store, is_id, storable
from assay.web.store.schema import batch_items, examinations

MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and the cursor of those that follow (None at the end)."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which examinations: every field that is not None narrows. `text` is sought in names, ids
    and hashes; `outdated_of` is the present engine: those that another one examined.
    """

    status: str | None = None
    label: str | None = None
    text: str | None = None
    sha256: str | None = None
    batch_id: str | None = None
    since: float | None = None
    until: float | None = None
    outdated_of: str | None = None


def page(
    store: Store, actor: Actor, filters: Filters, limit: int = 50, cursor: str | None = None
) -> Page:
    """Examinations, newest first; those added meanwhile do not shift the pages."""
    c, limit = examinations.c, max(1, min(limit, MAX_PAGE))
    asked = select(examinations).where(*_narrowed(actor, filters))
    if cursor is not None:
        asked = asked.where(tuple_(c.created_at, c.id) < tuple_(*read_cursor(cursor)))
    asked = asked.order_by(c.created_at.desc(), c.id.desc()).limit(limit + 1)
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, cursor_of(rows[-1].created_at, rows[-1].id) if more else None)


def _narrowed(actor: Actor, filters: Filters) -> list[Any]:
    c = examinations.c
    found: list[Any] = [] if actor.sees("") else [c.owner == actor.owner]
    for column, value in (
        (c.status, filters.status),
        (c.label, filters.label),
        (c.sha256, filters.sha256 and filters.sha256.lower()),
    ):
        if value is not None:
            found.append(column == storable(value))
    if filters.since is not None:
        found.append(c.created_at >= filters.since)
    if filters.until is not None:
        found.append(c.created_at < filters.until)
    if filters.outdated_of is not None:
        found.append(and_(c.status == "finished", c.engine != filters.outdated_of))
    if filters.batch_id is not None:
        within = select(batch_items.c.examination_id).where(
            batch_items.c.batch_id == storable(filters.batch_id)
        )
        found.append(c.id.in_(within))
    if filters.text:
        text = storable(filters.text).lower()
        found.append(
            or_(
                func.lower(c.name).contains(text, autoescape=True),
                c.sha256.startswith(text, autoescape=True),
                c.id.startswith(text, autoescape=True),
            )
        )
    return found


def cursor_of(time_s: float, id_: str) -> str:
    """What leads on from the row of this time and id."""
    return base64.urlsafe_b64encode(json.dumps([time_s, id_]).encode()).decode()


def read_cursor(cursor: str) -> tuple[float, str]:
    """The time and the id of a cursor. Raises UnprocessableError on what `cursor_of` never gave."""
    try:
        if len(cursor) > 200:
            raise ValueError
        time_s, id_ = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if not isinstance(time_s, float) or not isinstance(id_, str) or not is_id(id_):
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise UnprocessableError("The cursor is none that this service gave.") from None
    return time_s, id_
