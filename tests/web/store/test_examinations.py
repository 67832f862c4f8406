from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.web.actor import EXAMINE, LOCAL, READ, Actor
from assay.web.refusals import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    QueueFullError,
)
from assay.web.store import audit, examinations, queue
from assay.web.store.database import Store
from assay.web.store.examinations import Filters
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_queue import add, claim

ANNA = Actor("anna", "anna", frozenset([EXAMINE, READ]), "k1")
BEN = Actor("ben", "ben", frozenset([EXAMINE, READ]), "k2")


def add_as(actor: Actor, store: Store, data: bytes = b"bytes", **fields: Any) -> examinations.Added:
    return examinations.add(store, actor, kept(store, data, **fields), ENGINE, 1000)


def listed(store: Store, actor: Actor = LOCAL, **filters: Any) -> list[str]:
    return [row.id for row in examinations.page(store, actor, Filters(**filters)).rows]


def test_the_same_is_examined_once_and_every_name_is_kept(store_of_each: Store) -> None:
    store = store_of_each
    first = add_as(ANNA, store, name="a.jpg")
    for name in ("a.jpg", "b.jpg", "b.jpg"):
        assert add_as(ANNA, store, name=name) == examinations.Added(first.id, False)
    row = examinations.get(store, ANNA, first.id)
    assert (row.name, row.other_names) == ("a.jpg", ["b.jpg"])
    lines = audit.lines(store, audit.Sought(subject=first.id))
    assert [line.action for line in lines] == ["examine_again_answered"] * 3 + ["examine"]


@pytest.mark.parametrize(
    ("actor", "fields", "engine"),
    [
        (BEN, {}, ENGINE),
        (ANNA, {"options": {"seed": 1}}, ENGINE),
        (ANNA, {"again": True}, ENGINE),
        (ANNA, {}, "1" * 16),
    ],
)
def test_what_differs_is_examined_apart(
    store_of_each: Store, actor: Actor, fields: dict[str, Any], engine: str
) -> None:
    store = store_of_each
    first = add_as(ANNA, store)
    other = examinations.add(store, actor, kept(store, **fields), engine, 10)
    assert other.is_new
    assert other.id != first.id
    reference = kept(store, b"reference").sha256
    assert add_as(ANNA, store, reference_sha256=reference).is_new


def test_names_do_not_grow_without_end(store: Store) -> None:
    id_ = add_as(ANNA, store, name="a").id
    for number in range(examinations.MAX_OTHER_NAMES + 5):
        add_as(ANNA, store, name=f"{number}")
    names = examinations.get(store, ANNA, id_).other_names
    assert len(names) == examinations.MAX_OTHER_NAMES


def test_a_full_queue_refuses_what_is_new_and_answers_what_it_has(store_of_each: Store) -> None:
    store = store_of_each
    first = examinations.add(store, ANNA, kept(store, b"0"), ENGINE, 1)
    with pytest.raises(QueueFullError) as refused:
        examinations.add(store, ANNA, kept(store, b"1"), ENGINE, 1)
    assert refused.value.retry_after_s
    assert examinations.add(store, ANNA, kept(store, b"0"), ENGINE, 1).id == first.id
    claim(store)
    assert examinations.add(store, ANNA, kept(store, b"1"), ENGINE, 1).is_new
    assert examinations.n_waiting(store) == {"queued": 1, "running": 1}


def test_what_someone_else_has_is_not_there(store_of_each: Store) -> None:
    store = store_of_each
    mine, batch = add_as(ANNA, store).id, examinations.add_batch(store, ANNA, "b")
    asked: list[Any] = [examinations.get, examinations.result_of, examinations.cancel]
    for ask in (*asked, examinations.remove):
        with pytest.raises(NotFoundError):
            ask(store, BEN, mine)
    with pytest.raises(NotFoundError):
        examinations.batch(store, BEN, batch)
    with pytest.raises(NotFoundError):
        add_as(BEN, store, b"other", batch_id=batch)
    assert listed(store, BEN) == []
    assert listed(store, ANNA) == listed(store, LOCAL) == [mine]
    assert examinations.get(store, LOCAL, mine).owner == "anna"


@pytest.mark.parametrize("id_", ["", "\0", "\ud800", "a" * 31, "../../etc/passwd", "A" * 32])
def test_what_is_no_id_is_not_found(store_of_each: Store, id_: str) -> None:
    store = store_of_each
    for ask in (examinations.get, examinations.result_of, examinations.batch, examinations.cancel):
        with pytest.raises(NotFoundError):
            ask(store, LOCAL, id_)
    with pytest.raises(NotFoundError):
        add_as(LOCAL, store, batch_id=id_)
    assert listed(store) == []


def test_who_may_only_read_changes_nothing(store: Store) -> None:
    reader, id_ = replace(ANNA, scopes=frozenset([READ])), add_as(ANNA, store).id
    for change in (examinations.cancel, examinations.remove):
        with pytest.raises(ForbiddenError):
            change(store, reader, id_)
    assert examinations.get(store, reader, id_).status == "queued"


def test_a_batch_tells_how_far_it_is(store_of_each: Store) -> None:
    store = store_of_each
    batch = examinations.add_batch(store, LOCAL, "election night")
    ids = [add(store, b"%d" % number, batch_id=batch) for number in range(3)]
    assert add(store, b"0", batch_id=batch) == ids[0]
    claim(store)
    examinations.cancel(store, LOCAL, ids[2])
    row, counts = examinations.batch(store, LOCAL, batch)
    assert row.name == "election night"
    assert counts == {"queued": 1, "running": 1, "finished": 0, "set_aside": 0, "cancelled": 1}


def test_what_was_cancelled_may_be_sent_again(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    assert examinations.cancel(store, LOCAL, id_) == "cancelled"
    with pytest.raises(ConflictError, match="cancelled already"):
        examinations.cancel(store, LOCAL, id_)
    assert queue.claim(store, "w") is None
    assert add(store) != id_


def test_the_purpose_and_the_reference_stand_in_the_log(store: Store) -> None:
    reference = kept(store, b"reference").sha256
    id_ = add(store, purpose="identity\0 check", reference_sha256=reference, reference_name="r.jpg")
    line = audit.lines(store, audit.Sought(subject=id_))[0]
    assert line.detail["purpose"] == "identity\\x00 check"
    assert line.detail["reference_sha256"] == reference
    held = claim(store)
    assert (held.reference_sha256, held.reference_name) == (reference, "r.jpg")


def test_what_is_removed_leaves_its_lines(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    row = examinations.remove(store, LOCAL, id_)
    assert row.id == id_
    with pytest.raises(NotFoundError):
        examinations.get(store, LOCAL, id_)
    lines = audit.lines(store, audit.Sought(subject=id_))
    assert [(line.action, line.sha256) for line in lines] == [
        ("delete", row.sha256), ("examine", row.sha256),
    ]  # fmt: skip
    assert add(store) != id_
