"""Many at the same moment, in threads and in processes, on both databases."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from assay.web.actor import LOCAL
from assay.web.refusals import ConflictError, QueueFullError
from assay.web.settings import Settings
from assay.web.store import audit, examinations, queue, schema
from assay.web.store.database import Store, open_store
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_media import add, brought, run_together
from tests.web.store.test_queue import outcome

TOGETHER = multiprocessing.get_context("forkserver")
TOGETHER.set_forkserver_preload(["tests.web.store.test_media", "tests.web.store.test_queue"])


def test_twenty_claim_and_none_gets_what_another_has(store_of_each: Store) -> None:
    store = store_of_each
    ids = {add(store, brought(store, b"%d" % number)) for number in range(30)}
    claimed: list[queue.Claimed] = []

    def work(number: int) -> None:
        while (held := queue.claim(store, f"w{number}")) is not None:
            claimed.append(held)
            assert queue.beat(store, held) == "go_on"
            assert queue.finish(store, held, outcome())

    run_together(work, 20)
    # One who looks while another has the only free row locked may find nothing and stop.
    work(99)
    assert Counter(held.id for held in claimed) == Counter(ids)
    assert {held.n_attempts for held in claimed} == {1}
    assert audit.check(store) is None
    assert audit.n_lines(store) == 60


def test_twenty_bring_the_same_file_and_it_is_examined_once(store_of_each: Store) -> None:
    store, added = store_of_each, []

    def work(number: int) -> None:
        wanted = kept(store, b"same", name=f"{number}.jpg")
        added.append(examinations.add(store, LOCAL, wanted, ENGINE, 100))

    run_together(work, 20)
    assert len({one.id for one in added}) == 1
    assert sum(one.is_new for one in added) == 1
    row = examinations.get(store, LOCAL, added[0].id)
    assert {row.name, *row.other_names} == {f"{number}.jpg" for number in range(20)}
    assert audit.check(store) is None


def test_the_queue_has_no_more_than_its_places(store_of_each: Store) -> None:
    store, accepted, refused = store_of_each, [], []

    def work(number: int) -> None:
        try:
            wanted = kept(store, b"%d" % number)
            accepted.append(examinations.add(store, LOCAL, wanted, ENGINE, 7))
        except QueueFullError:
            refused.append(number)

    run_together(work, 20)
    assert (len(accepted), len(refused)) == (7, 13)
    assert examinations.n_waiting(store)["queued"] == 7


def test_one_is_cancelled_or_finished_but_never_both(store_of_each: Store) -> None:
    store, told = store_of_each, Counter[str]()
    for number in range(10):
        id_ = add(store, brought(store, b"%d" % number))

        def work(which: int, id_: str = id_) -> None:
            if which:
                with suppress(ConflictError):  # it was over already
                    examinations.cancel(store, LOCAL, id_)
            elif (held := queue.claim(store, "w")) is not None:
                if queue.beat(store, held) == "cancel":
                    queue.give_up_cancelled(store, held)
                else:
                    queue.finish(store, held, outcome())

        run_together(work, 2)
        row, result = examinations.get(store, LOCAL, id_), examinations.result_of(store, LOCAL, id_)
        assert row.status in ("cancelled", "finished")
        assert (result is not None) == (row.status == "finished")
        told[row.status] += 1
    assert sum(told.values()) == 10


def claim_all(settings: Settings, worker: str, taken: Any) -> None:
    """A process of its own: claim and finish until nothing waits."""
    store = open_store(settings)
    while (held := queue.claim(store, worker)) is not None:
        assert queue.finish(store, held, outcome())
        taken.put(held.id)
    store.close()


def test_processes_share_the_queue(tmp_path: Path, database: str | None) -> None:
    settings = Settings(tmp_path / "data", database=database)
    store = open_store(settings)
    ids = {add(store, brought(store, b"%d" % number)) for number in range(24)}
    taken = TOGETHER.Queue()
    workers = [
        TOGETHER.Process(target=claim_all, args=(settings, f"w{number}", taken))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    found = [taken.get(timeout=60) for _ in ids]
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    assert Counter(found) == Counter(ids)
    assert audit.check(store) is None
    store.close()


def open_and_close(settings: Settings, gate: Any, opened: Any) -> None:
    """A process of its own: open the store at the same moment as the others."""
    gate.wait(60)
    try:
        store = open_store(settings)
        add(store, brought(store, str(gate).encode()), again=True)
        store.close()
        opened.put("")
    except Exception as error:
        opened.put(f"{type(error).__name__}: {error}")


def test_servers_that_start_at_one_moment_make_one_store(
    tmp_path: Path, database: str | None
) -> None:
    for attempt in range(1 if database else 3):  # PostgreSQL's database is new but once
        settings = Settings(tmp_path / f"data{attempt}", database=database)
        gate, opened = TOGETHER.Barrier(4), TOGETHER.Queue()
        servers = [
            TOGETHER.Process(target=open_and_close, args=(settings, gate, opened)) for _ in range(4)
        ]
        for server in servers:
            server.start()
        assert [opened.get(timeout=60) for _ in servers] == [""] * 4
        for server in servers:
            server.join(30)
        store = open_store(settings)
        with store.reading() as connection:
            counted = select(func.count()).select_from(schema.meta)
            assert connection.execute(counted).scalar_one() == 2
        assert audit.n_lines(store) == 4
        store.close()
