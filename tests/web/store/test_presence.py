from __future__ import annotations

import pytest

from assay.web.actor import LOCAL
from assay.web.store import examinations, presence, queue
from assay.web.store.database import Store
from tests.web.conftest import ENGINE, kept


def names(store: Store, within_s: float = 30.0) -> set[str]:
    return {facts["worker"] for facts in presence.seen(store, within_s)}


def test_a_worker_is_seen_from_its_sign_until_it_leaves(store_of_each: Store) -> None:
    store = store_of_each
    assert names(store) == set()
    presence.sign(store, "one", {"isolation": "", "at_least": 1})
    presence.sign(store, "two", {})
    presence.sign(store, "one", {"isolation": "none"})
    assert names(store) == {"one", "two"}
    assert [f["isolation"] for f in presence.seen(store, 30) if f["worker"] == "one"] == ["none"]
    presence.leave(store, "one")
    assert names(store) == {"two"}


def test_a_silent_worker_is_not_seen_and_forgotten_after_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = presence.now() + 60
    presence.sign(store, "x" * 300, {})
    monkeypatch.setattr(presence, "now", lambda: later)
    assert names(store) == set()
    assert names(store, 100) == {"x" * 300}
    presence.forget_gone(store)
    assert names(store, 100) == {"x" * 300}
    monkeypatch.setattr(presence, "now", lambda: later + presence.FORGOTTEN_S)
    presence.forget_gone(store)
    assert names(store, 10 * presence.FORGOTTEN_S) == set()


def test_a_worker_at_work_is_seen_by_its_heartbeat(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence.sign(store, "busy", {})
    presence.sign(store, "idle", {})
    later = presence.now() + 60
    examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    monkeypatch.setattr(queue, "now", lambda: later)
    assert queue.claim(store, "busy") is not None
    monkeypatch.setattr(presence, "now", lambda: later)
    assert names(store) == {"busy"}
