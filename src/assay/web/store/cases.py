"""Cases: a named group of examinations with notes and tags, seen by their owner alone.

A case holds examinations of its own owner only: whoever reads the case may read all that is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Text,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from assay.web.actor import Actor
from assay.web.refusals import ConflictError, NotFoundError, UnprocessableError
from assay.web.store import examinations as store_examinations
from assay.web.store.database import Store, new_id, now
from assay.web.store.listing import cursor_of, read_cursor
from assay.web.store.schema import case_items, cases, examinations

MAX_TITLE, MAX_NOTES, MAX_NOTE = 200, 20_000, 4_000
MAX_TAGS, MAX_TAG = 20, 50
MAX_ITEMS = 1000
MAX_CASES = 10_000  # of one owner
MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class Held:
    """A case and its examinations, those added first first; each row has `note` and `added_at`."""

    case: Row[Any]
    items: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True)
class CasePage:
    """Cases, the last changed first, each with `n_items`; the cursor of those that follow."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


def create(
    store: Store, actor: Actor, title: str, notes: str = "", tags: Iterable[str] = ()
) -> str:
    """Begin a case; its id. Raises UnprocessableError, ConflictError where there are too many."""
    actor.require("examine")
    row = {"title": _title(title), "notes": _bounded(notes, MAX_NOTES, "notes"),
           "tags": clean_tags(tags)}  # fmt: skip
    id_, time_s = new_id(), now()
    with store.writing() as connection:
        counted = select(func.count()).select_from(cases).where(cases.c.owner == actor.owner)
        if connection.execute(counted).scalar_one() >= MAX_CASES:
            raise ConflictError(f"There are {MAX_CASES} cases already.")
        connection.execute(
            insert(cases).values(
                id=id_, owner=actor.owner, created_at=time_s, updated_at=time_s, **row
            )
        )
    return id_


def change(
    store: Store, actor: Actor, id_: str, title: str | None = None, notes: str | None = None,
    tags: Iterable[str] | None = None,
) -> None:  # fmt: skip
    """Change what is not None. Raises NotFoundError, UnprocessableError."""
    actor.require("examine")
    values: dict[str, Any] = {}
    if title is not None:
        values["title"] = _title(title)
    if notes is not None:
        values["notes"] = _bounded(notes, MAX_NOTES, "notes")
    if tags is not None:
        values["tags"] = clean_tags(tags)
    with store.writing() as connection:
        _case(connection, actor, id_)
        _touch(connection, id_, **values)


def remove(store: Store, actor: Actor, id_: str) -> None:
    """Take a case away; its examinations stay. Raises NotFoundError."""
    actor.require("examine")
    with store.writing() as connection:
        _case(connection, actor, id_)
        connection.execute(delete(case_items).where(case_items.c.case_id == id_))
        connection.execute(delete(cases).where(cases.c.id == id_))


def add(store: Store, actor: Actor, id_: str, examination_id: str, note: str = "") -> bool:
    """Put an examination into a case; False where it was in it, and its note stays then.

    Raises NotFoundError, ConflictError where the case is full or the two have different owners.
    """
    actor.require("examine")
    note = _bounded(note, MAX_NOTE, "note")
    with store.writing() as connection:
        held = _case(connection, actor, id_)
        row = store_examinations.get_within(connection, actor, examination_id)
        if row.owner != held.owner:
            raise ConflictError("The case and the examination belong to different owners.")
        if connection.execute(select(case_items).where(*_item(id_, examination_id))).first():
            return False
        counted = select(func.count()).where(case_items.c.case_id == id_)
        if connection.execute(counted).scalar_one() >= MAX_ITEMS:
            raise ConflictError(f"The case holds {MAX_ITEMS} examinations already.")
        connection.execute(
            insert(case_items).values(
                case_id=id_, examination_id=examination_id, note=note, added_at=now()
            )
        )
        _touch(connection, id_)
    return True


def change_note(store: Store, actor: Actor, id_: str, examination_id: str, note: str) -> None:
    """Write the note of one examination within the case. Raises NotFoundError."""
    actor.require("examine")
    note = _bounded(note, MAX_NOTE, "note")
    with store.writing() as connection:
        _case(connection, actor, id_)
        wanted = update(case_items).where(*_item(id_, examination_id)).values(note=note)
        if not connection.execute(wanted).rowcount:
            raise NotFoundError("There is no such examination in the case.")
        _touch(connection, id_)


def take_out(store: Store, actor: Actor, id_: str, examination_id: str) -> None:
    """Take an examination out of a case; itself it stays. Raises NotFoundError."""
    actor.require("examine")
    with store.writing() as connection:
        _case(connection, actor, id_)
        if not connection.execute(delete(case_items).where(*_item(id_, examination_id))).rowcount:
            raise NotFoundError("There is no such examination in the case.")
        _touch(connection, id_)


def get(store: Store, actor: Actor, id_: str) -> Held:
    """A case with its examinations. Raises NotFoundError, also for what is someone else's."""
    actor.require("read")
    joined = case_items.join(examinations, examinations.c.id == case_items.c.examination_id)
    asked = (
        select(examinations, case_items.c.note, case_items.c.added_at)
        .select_from(joined)
        .where(case_items.c.case_id == id_)
        .order_by(case_items.c.added_at, examinations.c.id)
    )
    with store.reading() as connection:
        return Held(_case(connection, actor, id_), connection.execute(asked).all())


def page(
    store: Store, actor: Actor, text: str | None = None, limit: int = 50,
    cursor: str | None = None, examination_id: str | None = None,
) -> CasePage:  # fmt: skip
    """Cases, the last changed first; `text` is sought in titles, notes and tags.

    `examination_id` narrows to the cases that hold this examination.
    """
    actor.require("read")
    c, limit = cases.c, max(1, min(limit, MAX_PAGE))
    counted = select(func.count()).where(case_items.c.case_id == c.id).scalar_subquery()
    asked = select(cases, counted.label("n_items")).where(*_narrowed(actor, text, examination_id))
    if cursor is not None:
        asked = asked.where(tuple_(c.updated_at, c.id) < tuple_(*read_cursor(cursor)))
    asked = asked.order_by(c.updated_at.desc(), c.id.desc()).limit(limit + 1)
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    more, rows = len(rows) > limit, rows[:limit]
    return CasePage(rows, cursor_of(rows[-1].updated_at, rows[-1].id) if more else None)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Each tag once, without blanks around it. Raises UnprocessableError where there are too many
    or one is too long.
    """
    found = list(dict.fromkeys(clean for tag in tags if (clean := _storable(tag).strip())))
    if len(found) > MAX_TAGS:
        raise UnprocessableError(f"At most {MAX_TAGS} tags, not {len(found)}.")
    return [_bounded(tag, MAX_TAG, "tag") for tag in found]


def _narrowed(actor: Actor, text: str | None, examination_id: str | None) -> list[Any]:
    c = cases.c
    found: list[Any] = [] if actor.sees("") else [c.owner == actor.owner]
    if examination_id is not None:
        within = select(case_items.c.case_id).where(case_items.c.examination_id == examination_id)
        found.append(c.id.in_(within))
    if text:
        found.append(or_(*_holds(c.title, text), *_holds(c.notes, text), *_holds_tag(text)))
    return found


def _holds(column: Any, text: str) -> list[Any]:
    """SQLite knows capitals of ASCII alone: other letters are found as they are written."""
    lower = func.lower(column).contains(text.lower(), autoescape=True)
    return [lower, column.contains(text, autoescape=True)]


def _holds_tag(text: str) -> list[Any]:
    """JSON keeps letters beyond ASCII as \\uXXXX."""
    return _holds(cast(cases.c.tags, Text), json.dumps(text)[1:-1])


def _case(connection: Connection, actor: Actor, id_: str) -> Row[Any]:
    asked = select(cases).where(cases.c.id == id_)
    row = connection.execute(asked).one_or_none()
    if row is None or not actor.sees(row.owner):
        raise NotFoundError("There is no such case.")
    return row


def _item(id_: str, examination_id: str) -> tuple[Any, Any]:
    return case_items.c.case_id == id_, case_items.c.examination_id == examination_id


def _touch(connection: Connection, id_: str, **values: Any) -> None:
    wanted = update(cases).where(cases.c.id == id_).values(updated_at=now(), **values)
    connection.execute(wanted)


def _title(title: str) -> str:
    clean = " ".join(_storable(title).split())
    if not clean:
        raise UnprocessableError("A case has a title.")
    return _bounded(clean, MAX_TITLE, "title")


def _bounded(text: str, most: int, what: str) -> str:
    if len(text) > most:
        raise UnprocessableError(f"At most {most} characters of {what}, not {len(text)}.")
    return _storable(text)


def _storable(text: str) -> str:
    """PostgreSQL keeps no zero byte, and UTF-8 no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
