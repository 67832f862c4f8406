from __future__ import annotations

import pytest
from sqlalchemy import update

from assay.web.actor import LOCAL
from assay.web.refusals import UnprocessableError
from assay.web.store import examinations, queue, schema
from assay.web.store.database import Store
from assay.web.store.listing import Filters
from tests.web.store.test_examinations import listed
from tests.web.store.test_queue import add, claim, outcome


def test_pages_hold_each_once_also_where_some_are_added_meanwhile(store_of_each: Store) -> None:
    store = store_of_each
    ids = [add(store, b"%d" % number) for number in range(7)]
    with store.writing() as connection:
        connection.execute(update(schema.examinations).values(created_at=1.5))
    ids.sort(reverse=True)
    found, cursor = [], None
    while True:
        page = examinations.page(store, LOCAL, Filters(), limit=3, cursor=cursor)
        found += [row.id for row in page.rows]
        add(store, b"new %d" % len(found))
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == ids


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "é", "e30=", "NQ==", "WzEsMl0=", "bnVsbA==", "W05hTiwieCJd", "A" * 10_000,
        "WzEuNSwiXHUwMDAwIl0=", "W" * 199,
    ],
)  # fmt: skip
def test_a_cursor_of_ones_own_making_is_refused(store_of_each: Store, cursor: str) -> None:
    with pytest.raises(UnprocessableError):
        examinations.page(store_of_each, LOCAL, Filters(), cursor=cursor)


def test_filters_narrow(store_of_each: Store) -> None:
    store = store_of_each
    done = add(store, b"done", name="Été 100%.jpg")
    assert queue.finish(store, claim(store), outcome())
    batch = examinations.add_batch(store, LOCAL, "b\0")
    waits = add(store, b"waits", name="winter_1.jpg", batch_id=batch)
    rows = {id_: examinations.get(store, LOCAL, id_) for id_ in (done, waits)}
    assert listed(store) == [waits, done]
    assert listed(store, status="finished") == [done]
    assert listed(store, label="no_evidence_found") == [done]
    assert listed(store, sha256=rows[waits].sha256.upper()) == [waits]
    assert listed(store, batch_id=batch) == [waits]
    assert listed(store, since=rows[waits].created_at) == [waits]
    assert listed(store, until=rows[waits].created_at) == [done]
    assert listed(store, outdated_of="1" * 16) == [done]
    assert listed(store, outdated_of="") == []
    assert listed(store, status="finished", sha256=rows[waits].sha256) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("été", True), ("ÉTÉ", True), ("100%", True), ("%", True), ("_", False), ("1%0", False),
        ("\0", False), ("\ud800", False), ("' OR 1=1 --", False), ("\\", False),
    ],
)  # fmt: skip
def test_text_is_sought_as_it_is(store_of_each: Store, text: str, found: bool) -> None:
    store = store_of_each
    id_ = add(store, b"done", name="Été 100%.jpg")
    assert listed(store, text=text) == ([id_] if found else [])
    assert listed(store, text=id_[:8]) == [id_]
    assert listed(store, text=examinations.get(store, LOCAL, id_).sha256[:12]) == [id_]


def test_what_no_filter_can_match_is_no_fault(store_of_each: Store) -> None:
    for name in ("status", "label", "sha256", "batch_id"):
        assert listed(store_of_each, **{name: "\0\ud800"}) == []


def test_a_page_is_never_larger_than_it_may_be(store: Store) -> None:
    for number in range(3):
        add(store, b"%d" % number)
    for limit in (-1, 0, 1):
        assert len(examinations.page(store, LOCAL, Filters(), limit).rows) == 1
    assert len(examinations.page(store, LOCAL, Filters(), 10**30).rows) == 3
