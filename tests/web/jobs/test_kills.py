"""kill -9 at random moments: nothing that was accepted is lost, nothing is examined to two results.

The processes are real: a supervisor, its workers, the host that forks, the examining process.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from assay.web.actor import LOCAL
from assay.web.jobs import recovery
from assay.web.service import Service
from assay.web.store import audit, examinations
from assay.web.store.database import Store
from assay.web.store.schema import audit as lines
from assay.web.store.schema import examinations as rows
from assay.web.store.schema import results
from tests.web.jobs.running import add, are_over, descendants, supervise

N_FILES = 30
LONGEST_S = 50.0


def kill_some(supervisor: subprocess.Popen[str], chance: random.Random) -> None:
    """Kill one of the supervisor's workers, hosts or examining processes."""
    below = descendants(supervisor.pid)
    if below:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(below), signal.SIGKILL)


def see_through(service: Service, ids: list[str], chance: random.Random, kill_top: bool) -> int:
    """Kill while they are examined, until all are over; how often was killed."""
    n_kills, began = 0, time.monotonic()
    supervisor = supervise(service.settings)
    try:
        while not are_over(service.store, ids):
            assert time.monotonic() - began < LONGEST_S
            time.sleep(chance.uniform(0.05, 0.5))
            kills = time.monotonic() - began < 6.0  # then let it come to an end
            if kills and kill_top and chance.random() < 0.15:
                supervisor.kill()
                supervisor.communicate()
                supervisor = supervise(service.settings)
                n_kills += 1
            elif kills and chance.random() < 0.7:
                kill_some(supervisor, chance)
                n_kills += 1
            recovery.recover(service)
            _let_none_wait(service.store)
    finally:
        below = descendants(supervisor.pid)
        supervisor.kill()
        supervisor.communicate()
        _await_end(below)
    return n_kills


def _let_none_wait(store: Store) -> None:
    """What is to be tried again later is tried now: the pauses are not the point here."""
    with store.writing() as connection:
        connection.execute(update(rows).where(rows.c.status == "queued").values(not_before=0.0))


def _await_end(pids: list[int]) -> None:
    """Everything ends by itself when the supervisor is gone."""
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < end, "a process outlived its supervisor"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("database", "kill_top"), [("sqlite", True), ("postgresql", False)], indirect=["database"]
)
def test_nothing_is_lost_or_doubled(
    make_service: Callable[..., Service], database: str | None, kill_top: bool
) -> None:
    wanted = {"n_workers": 2, "lost_after_s": 1.5, "max_attempts": 1000}
    service, seed = make_service(database=database, **wanted), int(kill_top)
    store, chance = service.store, random.Random(seed)
    ids = [add(store, f"sleep {chance.uniform(0, 0.3):.2f} {i}".encode()) for i in range(N_FILES)]
    n_kills = see_through(service, ids, chance, kill_top)
    assert n_kills >= 5
    assert {examinations.get(store, LOCAL, id_).status for id_ in ids} == {"finished"}
    finished = _finished(store)
    assert finished == dict.fromkeys(ids, 1)
    assert audit.check(store) is None
    for id_ in ids:
        result = examinations.result_of(store, LOCAL, id_)
        assert result is not None
        assert (store.result_folder(id_, result.claim) / result.report).is_file()
    with store.reading() as connection:
        n_results = connection.execute(select(func.count()).select_from(results)).scalar_one()
    assert n_results == N_FILES


def _finished(store: Store) -> dict[str, int]:
    asked = select(lines.c.subject).where(lines.c.action == "finish")
    with store.reading() as connection:
        return dict(Counter(connection.execute(asked).scalars()))


def test_one_that_crashes_each_time_is_set_aside_and_the_rest_goes_on(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(n_workers=1, max_attempts=2)
    bad, good = add(service.store, b"crash"), add(service.store, b"ok")
    supervisor = supervise(service.settings)
    try:
        end = time.monotonic() + 30
        while not are_over(service.store, [bad, good]):
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        below = descendants(supervisor.pid)
        supervisor.kill()
        supervisor.communicate()
        _await_end(below)
    assert examinations.get(service.store, LOCAL, bad).status == "set_aside"
    assert examinations.get(service.store, LOCAL, good).status == "finished"
