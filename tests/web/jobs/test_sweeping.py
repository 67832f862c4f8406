from __future__ import annotations

import os

import pytest

from assay.web.actor import LOCAL
from assay.web.jobs import chores, sweeping
from assay.web.service import Service
from assay.web.store import deliveries, examinations, presence
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_media import brought, files, make_old


def test_what_a_kill_left_behind_goes(service: Service) -> None:
    orphan = brought(service.store, b"orphan")
    sweeping.CHORE.run(service)
    assert len(files(service.store)) == 2
    make_old(*service.store.incoming.iterdir(), service.store.media_path(orphan.sha256))
    sweeping.CHORE.run(service)
    assert files(service.store) == []


def test_what_was_told_long_ago_and_workers_long_gone_go(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = service.store
    deliveries.add_webhook(store, LOCAL, "https://example.org/", deliveries.EVENTS)
    id_ = examinations.add(store, LOCAL, kept(store), ENGINE, 10).id
    examinations.cancel(store, LOCAL, id_)
    (told,) = deliveries.due(store)
    deliveries.settle(store, told, True, "status 200")
    presence.sign(store, "one", {})
    sweeping.CHORE.run(service)
    assert deliveries.counts(store) == {"delivered": 1}
    later = deliveries.now() + deliveries.KEPT_S + 60
    for module in (deliveries, presence):
        monkeypatch.setattr(module, "now", lambda: later)
    sweeping.CHORE.run(service)
    assert deliveries.counts(store) == {}
    assert presence.seen(store, 2 * deliveries.KEPT_S) == []


def test_a_folder_that_cannot_be_read_harms_nothing_else(service: Service) -> None:
    strange = service.store.folder / "results" / "strange"
    strange.symlink_to(service.store.folder)
    os.mkfifo(service.store.folder / "media" / "fifo")
    sweeping.CHORE.run(service)
    assert strange.is_symlink()


def test_the_chores_are_found() -> None:
    names = {chore.name for chore in chores.discover()}
    assert {"recovery", "retention", "sweeping"} <= names
