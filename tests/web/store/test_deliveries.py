"""What webhooks are told: written with what it tells of, handed out once, tried for a day."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from assay.web.actor import LOCAL, Actor
from assay.web.refusals import ConflictError, NotFoundError
from assay.web.store import deliveries, examinations, queue
from assay.web.store.database import Store
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_queue import outcome

URL = "https://receiver.example/hook"
OTHER = Actor("other", "other", frozenset({"examine", "read"}))


def finished(store: Store, data: bytes = b"bytes", actor: Actor = LOCAL) -> str:
    examinations.add(store, actor, kept(store, data), ENGINE, 1000)
    held = queue.claim(store, "worker")
    assert held is not None
    assert queue.finish(store, held, outcome())
    return held.id


def test_what_ends_is_told_to_the_webhooks_that_asked_for_it(store_of_each: Store) -> None:
    store = store_of_each
    wants = deliveries.add_webhook(store, LOCAL, URL, ["examination.finished"])
    deliveries.add_webhook(store, LOCAL, URL, ["examination.cancelled"])
    deliveries.add_webhook(store, OTHER, URL, deliveries.EVENTS)
    id_ = finished(store)
    (one,) = deliveries.due(store)
    assert (one.event, one.url, one.secret) == ("examination.finished", URL, wants.secret)
    assert one.body["id"] == id_
    assert one.body["verdict"]["label"] == "no_evidence_found"
    assert deliveries.due(store) == []
    assert deliveries.settle(store, one, True, "status 200") == "delivered"
    assert deliveries.counts(store) == {"delivered": 1}
    (row,) = deliveries.deliveries_of(store, LOCAL, wants.id, 10)
    assert (row.state, row.last_answer, row.n_attempts) == ("delivered", "status 200", 1)


def test_every_way_to_be_over_is_told(store: Store) -> None:
    deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    waiting = examinations.add(store, LOCAL, kept(store, b"1"), ENGINE, 10)
    examinations.cancel(store, LOCAL, waiting.id)
    running = examinations.add(store, LOCAL, kept(store, b"2"), ENGINE, 10)
    held = queue.claim(store, "worker")
    assert held is not None
    examinations.cancel(store, LOCAL, running.id)
    assert queue.give_up_cancelled(store, held)
    aside = examinations.add(store, LOCAL, kept(store, b"3"), ENGINE, 10)
    held = queue.claim(store, "worker")
    assert held is not None
    assert queue.finish(store, held, outcome(), "set_aside")
    assert not queue.finish(store, held, outcome(), "set_aside")
    told = {(one.body["id"], one.event) for one in deliveries.due(store)}
    assert told == {
        (waiting.id, "examination.cancelled"),
        (running.id, "examination.cancelled"),
        (aside.id, "examination.set_aside"),
    }


def test_a_result_that_is_not_kept_is_not_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    held = queue.claim(store, "worker")
    assert held is not None
    tell = deliveries.tell

    def then_fail(*arguments: object) -> None:
        tell(*arguments)  # type: ignore[arg-type]
        raise RuntimeError

    monkeypatch.setattr(deliveries, "tell", then_fail)
    with pytest.raises(RuntimeError):
        queue.finish(store, held, outcome())
    assert examinations.get(store, LOCAL, held.id).status == "running"
    assert deliveries.due(store) == []


def test_failures_are_tried_again_later_each_time_and_given_up_after_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    finished(store)
    clock = [deliveries.now()]
    began = clock[0]
    monkeypatch.setattr(deliveries, "now", lambda: clock[0])
    states, n = [], 0
    while n < 50 and (found := deliveries.due(store)):
        states.append(deliveries.settle(store, found[0], False, "status 500"))
        assert deliveries.due(store) == []
        n += 1
        if states[-1] == "waiting":
            clock[0] += 1.11 * deliveries.PAUSES_S[n - 1]
    assert states == ["waiting"] * len(deliveries.PAUSES_S) + ["given_up"]
    assert 20 * 3600 < clock[0] - began < 30 * 3600
    clock[0] += 8 * 86_400
    assert deliveries.forget_told(store) == 1
    assert deliveries.forget_told(store) == 0


def test_who_takes_one_and_dies_only_delays_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    finished(store)
    (dead,) = deliveries.due(store)
    later = deliveries.now() + deliveries.LEASE_S + 1
    monkeypatch.setattr(deliveries, "now", lambda: later)
    (alive,) = deliveries.due(store)
    assert (alive.id, alive.n_attempts) == (dead.id, 2)
    deliveries.settle(store, dead, True, "too late")
    assert deliveries.counts(store) == {"waiting": 1}
    deliveries.settle(store, alive, True, "in time")
    assert deliveries.counts(store) == {"delivered": 1}


def test_each_is_handed_to_one_of_many(store_of_each: Store) -> None:
    store = store_of_each
    for _ in range(5):
        deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    for n in range(3):
        finished(store, bytes([n]))
    taken: list[str] = []

    def take() -> None:
        taken.extend(one.id for one in deliveries.due(store))

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == len(set(taken)) == 15


def test_a_webhook_with_many_waiting_holds_up_no_other(store: Store) -> None:
    loud = deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    for n in range(40):
        finished(store, bytes([n]))
    quiet = deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    finished(store, b"last")
    found = deliveries.due(store)
    assert len(found) == deliveries.OF_ONE_WEBHOOK + 1
    secrets = [one.secret for one in found]
    assert secrets.count(quiet.secret) == 1
    assert secrets.count(loud.secret) == deliveries.OF_ONE_WEBHOOK


def test_what_is_deleted_takes_what_was_to_be_told_with_it(store_of_each: Store) -> None:
    store = store_of_each
    hook = deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    first = finished(store, b"1")
    finished(store, b"2")
    examinations.remove(store, LOCAL, first)
    assert deliveries.counts(store) == {"waiting": 1}
    deliveries.remove_webhook(store, LOCAL, hook.id)
    assert deliveries.counts(store) == {}


def test_webhooks_are_their_owners(store: Store) -> None:
    mine = deliveries.add_webhook(store, replace(OTHER, owner="one"), URL, deliveries.EVENTS)
    for call in (deliveries.webhook, deliveries.remove_webhook):
        with pytest.raises(NotFoundError):
            call(store, OTHER, mine.id)
    with pytest.raises(NotFoundError):
        deliveries.deliveries_of(store, OTHER, mine.id, 10)
    assert deliveries.listed(store, OTHER) == []
    assert [row.id for row in deliveries.listed(store, LOCAL)] == [mine.id]


def test_there_is_a_most_of_webhooks(store: Store) -> None:
    for _ in range(deliveries.MAX_WEBHOOKS):
        deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
    with pytest.raises(ConflictError):
        deliveries.add_webhook(store, LOCAL, URL, deliveries.EVENTS)
