from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
import time

import pytest

from assay.web import jobs
from assay.web.jobs import chores
from assay.web.jobs.chores import Chore, Chores
from assay.web.service import Service

SOON_S = 5.0


def test_every_chore_of_the_room_is_found() -> None:
    held = [
        getattr(importlib.import_module(f"assay.web.jobs.{found.name}"), "CHORE", None)
        for found in pkgutil.iter_modules(jobs.__path__)
    ]
    expected = sorted(one.name for one in held if isinstance(one, Chore))
    assert [one.name for one in chores.discover()] == expected
    assert len(set(expected)) == len(expected) >= 2
    assert all(one.every_s > 0 for one in chores.discover())


def test_each_runs_at_once_and_again_until_it_is_stopped(service: Service) -> None:
    thrice, n_runs = threading.Event(), 0

    def run(held: Service) -> None:
        nonlocal n_runs
        assert held is service
        n_runs += 1
        if n_runs == 3:
            thrice.set()

    running = Chores(service, [Chore("counting", 0.01, run)])
    running.start()
    assert thrice.wait(SOON_S)
    running.stop()
    stopped_at = n_runs
    time.sleep(0.1)
    assert n_runs == stopped_at


def test_one_that_fails_goes_on_and_stops_no_other(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    twice, other = threading.Event(), threading.Event()
    n_failed = 0

    def fail(_service: Service) -> None:
        nonlocal n_failed
        n_failed += 1
        if n_failed == 2:
            twice.set()
        raise RuntimeError("no")

    pair = [Chore("bad", 0.01, fail), Chore("good", 60.0, lambda _service: other.set())]
    with caplog.at_level(logging.ERROR):
        running = Chores(service, pair)
        running.start()
        assert twice.wait(SOON_S)
        assert other.wait(SOON_S)
        running.stop()
    assert "the chore bad failed" in caplog.text


def test_one_that_hangs_does_not_hold_up_the_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "LEAVE_S", 0.1)
    began, end = threading.Event(), threading.Event()

    def hang(_service: Service) -> None:
        began.set()
        end.wait(30)

    running = Chores(service, [Chore("hanging", 1.0, hang)])
    running.start()
    assert began.wait(SOON_S)
    started = time.monotonic()
    running.stop()
    assert time.monotonic() - started < 2.0
    end.set()
