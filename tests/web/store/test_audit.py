from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from assay.web.actor import LOCAL, Actor
from assay.web.store import audit, schema
from assay.web.store.database import Store
from tests.web.store.test_media import run_together


def write(store: Store, action: str, **detail: Any) -> None:
    with store.writing() as connection:
        audit.write(connection, LOCAL, action, "subject", "0" * 64, detail)


def change(store: Store, statement: Any) -> None:
    with store.writing() as connection:
        connection.execute(statement)


@pytest.fixture
def log(store_of_each: Store) -> Store:
    """A log of five lines."""
    for number in range(5):
        write(store_of_each, "examine", name=f"naïve {number}\0\ud800", p_fake=0.1 + number)
    return store_of_each


def test_lines_follow_from_each_other(log: Store) -> None:
    assert audit.n_lines(log) == 5
    assert audit.check(log) is None


def test_an_empty_log_is_whole(store: Store) -> None:
    assert (audit.n_lines(store), audit.check(store)) == (0, None)


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "someone else"}, {"at": 1.0}, {"action": "delete"}, {"subject": "x"},
        {"sha256": None}, {"detail": {}}, {"owner": "x"}, {"line": "0" * 64},
        {"previous": "0" * 64},
    ],
)  # fmt: skip
def test_a_line_that_was_changed_shows(log: Store, values: dict[str, Any]) -> None:
    change(log, update(schema.audit).where(schema.audit.c.number == 3).values(**values))
    assert audit.check(log) == 3


@pytest.mark.parametrize("number", [1, 3])
def test_a_line_that_was_taken_out_shows(log: Store, number: int) -> None:
    change(log, delete(schema.audit).where(schema.audit.c.number == number))
    assert audit.check(log) == number


def test_a_line_that_was_put_in_shows(log: Store) -> None:
    with log.reading() as connection:
        asked = select(schema.audit).where(schema.audit.c.number == 5)
        held = dict(connection.execute(asked).one()._mapping)
    change(log, insert(schema.audit).values(**held | {"number": 6}))
    assert audit.check(log) == 6
    with pytest.raises(IntegrityError):
        change(log, insert(schema.audit).values(**held))


def test_a_line_is_kept_with_what_it_tells_of_or_not_at_all(store_of_each: Store) -> None:
    with pytest.raises(ZeroDivisionError), store_of_each.writing() as connection:  # noqa: PT012
        audit.write(connection, LOCAL, "delete", "x", None, {})
        raise ZeroDivisionError
    assert audit.n_lines(store_of_each) == 0


def test_many_who_write_at_once_make_one_chain(store_of_each: Store) -> None:
    run_together(lambda number: write(store_of_each, "read_report", number=number), 20)
    assert audit.n_lines(store_of_each) == 20
    assert audit.check(store_of_each) is None


def test_lines_are_found_by_what_they_say_the_newest_first(log: Store) -> None:
    other = Actor("someone", "them", frozenset())
    with log.writing() as connection:
        audit.write(connection, other, "export", "case", None, {})
    assert [one.number for one in audit.lines(log, audit.Sought(), limit=2)] == [6, 5]
    assert [one.number for one in audit.lines(log, audit.Sought(before=3))] == [2, 1]
    assert [one.number for one in audit.lines(log, audit.Sought(actor="someone"))] == [6]
    assert audit.lines(log, audit.Sought(action="export", actor="local")) == []
    assert len(audit.lines(log, audit.Sought(sha256="0" * 64, subject="subject"))) == 5
