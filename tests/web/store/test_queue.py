from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from assay.web.actor import LOCAL
from assay.web.refusals import ConflictError
from assay.web.store import audit, examinations, queue, schema
from assay.web.store.database import Store, now
from assay.web.store.schema import BATCH
from tests.web.conftest import ENGINE, kept


def outcome(**more: object) -> queue.Outcome:
    result = {"status": "completed", "verdict": "no_evidence_found", "p_fake": 0.1}
    return queue.Outcome({**result, "input": {"media_type": "image/jpeg"}, **more})


def add(store: Store, data: bytes = b"bytes", **fields: Any) -> str:
    return examinations.add(store, LOCAL, kept(store, data, **fields), ENGINE, 1000).id


def claim(store: Store, worker: str = "w") -> queue.Claimed:
    held = queue.claim(store, worker)
    assert held is not None
    return held


def change(store: Store, id_: str, **values: Any) -> None:
    mine = update(schema.examinations).where(schema.examinations.c.id == id_)
    with store.writing() as connection:
        connection.execute(mine.values(**values))


def test_a_claim_is_one_workers_alone(store_of_each: Store) -> None:
    store = store_of_each
    added = examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    held = queue.claim(store, "one")
    assert held is not None
    assert held.id == added.id
    assert queue.claim(store, "two") is None
    assert queue.finish(store, held, outcome())
    assert not queue.finish(store, held, outcome())
    assert examinations.get(store, LOCAL, added.id).status == "finished"


def test_live_files_go_first_then_older_ones_and_an_aged_batch_file_waits_no_more(
    store_of_each: Store,
) -> None:
    store = store_of_each
    batch = [add(store, b"batch %d" % number, priority=BATCH) for number in range(2)]
    live = [add(store, b"live %d" % number) for number in range(2)]
    assert claim(store).id == live[0]
    change(store, batch[0], created_at=now() - queue.AGED_S - 1)
    assert [claim(store).id for _ in range(3)] == [batch[0], live[1], batch[1]]


def test_what_is_kept_of_a_result(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store, options={"seed": 3}, name="naïve\0\ud800.jpg")
    held = claim(store, "w" * 500)
    assert (held.options, held.n_attempts, held.name) == ({"seed": 3}, 1, "naïve\\x00\\ud800.jpg")
    networks = [{"name": "blending", "bundle_sha256": "ab"}, {"name": "x", "bundle_sha256": None}]
    artifacts = ({"kind": "picture", "path": "a.jpg", "caption": "é"},)
    given = outcome(detectors=networks, reasons=[{"code": "c", "text": "\0"}])
    given = queue.Outcome(given.result, "report.html", artifacts, "e" * 16)
    assert queue.finish(store, held, given)
    row = examinations.get(store, LOCAL, id_)
    assert (row.label, row.p_fake, row.media_type) == ("no_evidence_found", 0.1, "image/jpeg")
    assert (row.engine, row.claim, row.result_status) == ("e" * 16, None, "completed")
    held_result = examinations.result_of(store, LOCAL, id_)
    assert held_result is not None
    assert held_result.result == given.result
    assert (held_result.claim, held_result.artifacts) == (held.claim, list(artifacts))
    line = audit.lines(store, audit.Sought(action="finish"))[0]
    assert line.detail["bundles"] == {"blending": "ab"}
    assert line.detail["engine"] == "e" * 16
    assert (line.sha256, line.owner) == (row.sha256, row.owner)


def test_the_database_itself_refuses_a_second_result(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    first = claim(store)
    assert queue.finish(store, first, outcome())
    change(store, id_, status="running", claim=first.claim)
    with pytest.raises(IntegrityError):
        queue.finish(store, first, outcome())


def test_progress_is_seen_and_a_wish_to_stop_reaches_the_worker(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    held = claim(store)
    assert queue.beat(store, held, {"step": "decode", "done": 1, "total": 3}) == "go_on"
    assert examinations.get(store, LOCAL, id_).progress["step"] == "decode"
    assert queue.beat(store, held) == "go_on"
    assert examinations.get(store, LOCAL, id_).progress["step"] == "decode"
    assert examinations.cancel(store, LOCAL, id_) == "running"
    assert queue.beat(store, held) == "cancel"
    assert queue.give_up_cancelled(store, held)
    assert not queue.give_up_cancelled(store, held)
    assert queue.beat(store, held) == "lost"
    assert examinations.get(store, LOCAL, id_).status == "cancelled"
    with pytest.raises(ConflictError):
        examinations.cancel(store, LOCAL, id_)


def test_what_is_handed_back_waits_longer_each_time(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    pauses = []
    for _ in range(3):
        held = claim(store)
        assert queue.hand_back(store, held, "out of memory\0")
        assert not queue.hand_back(store, held, "again")
        assert queue.claim(store, "w") is None
        pauses.append(examinations.get(store, LOCAL, id_).not_before - now())
        change(store, id_, not_before=0.0)
    assert pauses == pytest.approx([2, 4, 8], abs=1.5)
    row = examinations.get(store, LOCAL, id_)
    assert row.n_attempts == 3
    assert [one["fault"] for one in row.faults] == ["out of memory\\x00"] * 3


def test_a_worker_that_was_asked_to_end_is_no_fault_of_the_file(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    for _ in range(5):
        assert queue.hand_back(store, claim(store), "the service ends", counts=False)
    row = examinations.get(store, LOCAL, id_)
    assert (row.n_attempts, row.faults, row.status) == (0, [], "queued")


def test_what_is_handed_back_and_was_to_be_cancelled_is_cancelled(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    held = claim(store)
    examinations.cancel(store, LOCAL, id_)
    assert queue.hand_back(store, held, "x")
    assert examinations.get(store, LOCAL, id_).status == "cancelled"


def test_one_that_was_deleted_while_it_ran_leaves_nothing(store_of_each: Store) -> None:
    store = store_of_each
    id_ = add(store)
    held = claim(store)
    examinations.remove(store, LOCAL, id_)
    assert queue.beat(store, held) == "lost"
    assert not queue.finish(store, held, outcome())
    assert not queue.hand_back(store, held, "x")
    with store.reading() as connection:
        assert connection.execute(select(schema.results)).all() == []


def test_lost_are_those_that_gave_no_sign(store_of_each: Store) -> None:
    store = store_of_each
    ids = [add(store, b"%d" % number) for number in range(3)]
    held = [claim(store) for _ in ids]
    change(store, ids[0], heartbeat_at=now() - 100)
    change(store, ids[1], heartbeat_at=now() - 100)
    assert queue.beat(store, held[1]) == "go_on"
    assert queue.lost(store, 30) == [held[0]]
