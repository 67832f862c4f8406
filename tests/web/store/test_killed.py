"""A process that is killed in the middle of writing, at random moments, on both databases.

What it said it had accepted is there with its file, what it said it had finished has one result,
and what it was at is taken up by another.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from assay.web.actor import LOCAL
from assay.web.settings import Settings
from assay.web.store import audit, examinations, media, queue, schema
from assay.web.store.database import Store, open_store
from assay.web.store.sweep import sweep
from tests.web.store.test_media import add, brought, make_old
from tests.web.store.test_queue import outcome
from tests.web.store.test_races import TOGETHER

N_KILLS = 10
SEED = 8


def serve_and_work(settings: Settings, log: Path, seed: int) -> None:
    """A process of its own that takes files and examines them until it is killed.

    It tells what it did by a line written at once: `a` accepted, `f` finished, `d` deleted.
    """
    told = os.open(log, os.O_WRONLY | os.O_APPEND)
    store, chance = open_store(settings), random.Random(seed)
    while True:
        data = b"%d" % chance.randrange(10**9)
        id_ = add(store, brought(store, data))
        os.write(told, f"a {id_} {hashlib.sha256(data).hexdigest()}\n".encode())
        if (held := queue.claim(store, f"w{seed}")) is None:
            continue
        queue.beat(store, held, {"step": "decode", "done": 1, "total": 2})
        folder = store.result_folder(held.id, held.claim)
        folder.mkdir(parents=True)
        (folder / "report.html").write_text(held.id)
        given = queue.Outcome(outcome().result, "report.html")
        if queue.finish(store, held, given):
            os.write(told, f"f {held.id} -\n".encode())
        if chance.random() < 0.2:
            media.forget(store, examinations.remove(store, LOCAL, held.id))
            os.write(told, f"d {held.id} -\n".encode())


def run_and_kill(settings: Settings, log: Path, seed: int, chance: random.Random) -> None:
    """Kill it a moment after it told of some more; how slow the machine is does not matter."""
    log.touch()
    running = TOGETHER.Process(target=serve_and_work, args=(settings, log, seed))
    until, deadline = n_told(log) + chance.randrange(1, 12), time.monotonic() + 60
    running.start()
    while n_told(log) < until and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(chance.uniform(0.0, 0.03))
    assert running.is_alive(), "it works until it is killed"
    os.kill(running.pid or 0, signal.SIGKILL)
    running.join(30)


def n_told(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def told_in(log: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"a": {}, "f": {}, "d": {}}
    for line in log.read_text().splitlines():
        what, id_, sha256 = line.split()
        assert id_ not in found[what], f"{what} was told twice of {id_}"
        found[what][id_] = sha256
    return found


def finish_rest(store: Store) -> None:
    """Another worker takes up what was left."""
    for held in queue.lost(store, -60):
        assert queue.hand_back(store, held, "killed", counts=False)
    while (held := queue.claim(store, "after")) is not None:
        assert queue.finish(store, held, outcome())


def rows(store: Store, table: Any) -> Any:
    with store.reading() as connection:
        return connection.execute(select(table)).all()


def test_nothing_accepted_is_lost_and_nothing_is_doubled(
    tmp_path: Path, database: str | None
) -> None:
    settings, log = Settings(tmp_path / "data", database=database), tmp_path / "log"
    store, chance = open_store(settings), random.Random(SEED)
    for number in range(N_KILLS):
        run_and_kill(settings, log, number, chance)
    told = told_in(log)
    assert len(told["a"]) > N_KILLS
    examined = {row.id: row for row in rows(store, schema.examinations)}
    gone = {line.subject for line in rows(store, schema.audit) if line.action == "delete"}
    check_accepted(store, told, examined, gone)
    finish_rest(store)
    check_results(store, told, gone)
    check_files(store)
    assert audit.check(store) is None
    store.close()


def check_accepted(store: Store, told: Any, examined: Any, gone: set[str]) -> None:
    assert set(told["a"]) <= set(examined) | gone
    assert set(told["d"]) <= gone
    for id_, sha256 in told["a"].items():
        if id_ in examined:
            assert examined[id_].sha256 == sha256
            data = store.media_path(sha256).read_bytes()
            assert hashlib.sha256(data).hexdigest() == sha256


def check_results(store: Store, told: Any, gone: set[str]) -> None:
    results = {row.examination_id: row for row in rows(store, schema.results)}
    examined = {row.id: row for row in rows(store, schema.examinations)}
    assert set(told["f"]) <= set(results) | gone
    assert set(results) == set(examined)
    assert {row.status for row in examined.values()} == {"finished"}
    for id_, row in results.items():
        if row.report is not None:
            assert (store.result_folder(id_, row.claim) / row.report).read_text() == id_
    finished = Counter(
        line.subject for line in rows(store, schema.audit) if line.action == "finish"
    )
    assert set(finished.values()) == {1}
    assert set(finished) >= set(examined)


def check_files(store: Store) -> None:
    """After a sweep the folder holds the media of the rows, and nothing else."""
    for folder in ("incoming", "media", "results"):
        make_old(*(store.folder / folder).rglob("*"))
    with store.writing() as connection:  # of a file that went just before a kill, the row is left
        connection.execute(update(schema.media).values(created_at=schema.media.c.created_at - 9e9))
    sweep(store, 60)
    held = {row.sha256 for row in rows(store, schema.examinations)}
    found = {path.name for path in (store.folder / "media").rglob("*") if path.is_file()}
    assert found == held == {row.sha256 for row in rows(store, schema.media)}
    assert list(store.incoming.iterdir()) == []
