from __future__ import annotations

import os
import signal
import time

import pytest

from assay.web.actor import LOCAL
from assay.web.jobs import supervisor
from assay.web.jobs.supervisor import Workers
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store import examinations, presence
from tests.web.jobs.quick import EXAMINE
from tests.web.jobs.running import add, are_over, descendants, until


def test_workers_start_examine_and_end(service: Service) -> None:
    workers = Workers(service.settings, EXAMINE)
    workers.start()
    try:
        assert workers.n_alive() == 1
        id_ = add(service.store, b"ok")
        until(lambda: are_over(service.store, [id_]))
        until(lambda: presence.seen(service.store, 60))
        below = [pid for one in workers.pids() for pid in (one, *descendants(one))]
        assert len(below) >= 2  # a worker and what forks its examinations
    finally:
        workers.stop()
    assert workers.n_alive() == 0
    assert not set(below) & set(descendants(os.getpid()))
    assert presence.seen(service.store, 60) == []
    assert examinations.get(service.store, LOCAL, id_).status == "finished"


def test_one_that_dies_is_started_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.05)
    workers = Workers(service.settings, EXAMINE)
    workers.start()
    try:
        first = workers.pids()[0]
        os.kill(first, signal.SIGKILL)
        until(lambda: workers.pids() not in ([], [first]))
        id_ = add(service.store, b"ok")
        until(lambda: are_over(service.store, [id_]))
    finally:
        workers.stop()


def test_one_that_keeps_dying_is_not_started_ever_faster(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pause is twice the last one, and one that lived long starts the count anew."""
    monkeypatch.setattr(supervisor, "STEADY_S", 1e9)
    workers = Workers(service.settings)
    place = workers._places[0]
    pauses = []
    for _ in range(9):
        place.process, place.not_before = _Dead(), 0.0  # type: ignore[assignment]
        workers._look_at(place)
        pauses.append(place.not_before - time.monotonic())
    expected = [0.5 * 2**n for n in range(7)] + [60.0, 60.0]
    assert pauses == pytest.approx(expected, abs=0.2)
    monkeypatch.setattr(supervisor, "STEADY_S", -1.0)
    place.process = _Dead()  # type: ignore[assignment]
    workers._look_at(place)
    assert place.not_before - time.monotonic() < 0.6


class _Dead:
    stdin = open(os.devnull, "wb")  # noqa: SIM115
    returncode = 1

    def poll(self) -> int:
        return 1


def test_no_secret_is_in_a_workers_environment_or_arguments(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret-word")
    data = service.settings.data
    database = f"sqlite:///{data / 'assay.sqlite'}?timeout=31"
    workers = Workers(Settings(data, database=database), EXAMINE)
    workers.start()
    try:
        until(lambda: presence.seen(service.store, 60))
        for pid in [*workers.pids(), *descendants(workers.pids()[0])]:
            for what in ("environ", "cmdline"):
                with open(f"/proc/{pid}/{what}", "rb") as file:
                    text = file.read()
                assert b"secret-word" not in text
                assert b"timeout=31" not in text
    finally:
        workers.stop()


def test_no_workers_is_a_number_too(service: Service) -> None:
    workers = Workers(Settings(service.settings.data, n_workers=0))
    workers.start()
    assert workers.n_alive() == 0
    workers.stop()
