from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from assay.web.actor import LOCAL
from assay.web.jobs.watch import MAX_STEPS, Watch
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.jobs.running import add


def watched(service: Service, ending: Any = lambda: False, **more: Any) -> Watch:
    add(service.store, b"ok")
    held = queue.claim(service.store, "w")
    assert held is not None
    return Watch(service.store, held, ending, lambda: None, **{"beat_s": 0.0, **more})


def row(service: Service) -> Any:
    return examinations.page(service.store, LOCAL, examinations.Filters()).rows[0]


def test_steps_are_written_in_the_order_they_came(service: Service) -> None:
    watch = watched(service)
    for said in [("faces", 0, 4), None, ("faces", 2, 4), ("decide", 1, 1)]:
        assert watch(said)
    progress = row(service).progress
    assert (progress["step"], progress["done"], progress["total"]) == ("decide", 1, 1)
    assert [one["name"] for one in progress["steps"]] == ["faces", "decide"]


def test_a_hostile_process_cannot_tell_without_end(service: Service) -> None:
    watch = watched(service)
    for number in range(3 * MAX_STEPS):
        watch._note(f"step {number}", 0, 1)
    watch(None)
    assert len(row(service).progress["steps"]) == MAX_STEPS


def test_the_row_is_not_written_more_often_than_needed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_beats = 0

    def beat(*_: object) -> str:
        nonlocal n_beats
        n_beats += 1
        return "go_on"

    monkeypatch.setattr(queue, "beat", beat)
    watch = watched(service, beat_s=0.2)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        watch(("faces", n_beats, 9))
        time.sleep(0.005)
    assert 2 <= n_beats <= 6


@pytest.mark.parametrize("answer", ["cancel", "lost"])
def test_it_stops_on_what_the_row_says(
    service: Service, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watched(service)
    monkeypatch.setattr(queue, "beat", lambda *_: answer)
    assert not watch(None)
    assert watch.verdict == answer


def test_a_database_that_is_away_for_a_moment_ends_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watched(service)

    def away(*_: object) -> str:
        raise OperationalError("beat", {}, Exception("gone"))

    monkeypatch.setattr(queue, "beat", away)
    assert watch(("faces", 0, 1))
    monkeypatch.undo()
    assert watch(None)
    assert row(service).progress["step"] == "faces"


def test_a_worker_that_is_to_end_gives_it_a_moment(service: Service) -> None:
    watch = watched(service, lambda: True, finish_s=0.2)
    assert watch(None)
    time.sleep(0.25)
    assert not watch(None)
    assert watch.verdict == "stop"
