"""What comes of files that crash, hang, take memory, or whose process lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from assay.report.as_json import schema
from assay.web.actor import LOCAL
from assay.web.jobs import examination, isolated, limits, watch
from assay.web.service import Service
from assay.web.store import examinations, queue
from assay.web.store.schema import audit
from tests.web.jobs.running import add, are_over, examine_all, until, working

MakeService = Callable[..., Service]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(limits, "GRACE_S", 0.5)
    monkeypatch.setattr(isolated, "WAKE_S", 0.05)


def came_of(service: Service, data: bytes, **more: Any) -> tuple[Any, Any]:
    """The rows of an examination and of its result, once it is over."""
    store = service.store
    id_ = add(store, data, **more)
    examine_all(service.settings, store, [id_])
    return examinations.get(store, LOCAL, id_), examinations.result_of(store, LOCAL, id_)


def test_a_result_is_kept_with_its_report(service: Service) -> None:
    row, result = came_of(service, b"ok", name="holiday.jpg")
    assert (row.status, row.n_attempts, row.engine) == ("finished", 1, "quick")
    jsonschema.validate(result.result, schema())
    folder = service.store.result_folder(row.id, result.claim)
    assert (folder / result.report).read_text() == "<p>quick</p>"
    assert not (folder / "result.json").exists()
    assert [one.name for one in folder.parent.iterdir()] == [result.claim]


@pytest.mark.parametrize("how", ["crash", "abort", "exit", "lie", "link soft", "link hard"])
def test_a_file_that_ends_its_process_is_tried_again_and_set_aside(
    make_service: MakeService, how: str
) -> None:
    service = make_service(max_attempts=2)
    row, result = came_of(service, how.encode())
    assert (row.status, row.n_attempts) == ("set_aside", 2)
    assert len(row.faults) == 1
    assert row.dedupe_key is None  # it may be sent again
    held = result.result
    jsonschema.validate(held, schema())
    assert held["status"] == "failed"
    assert held["input"]["sha256"] == row.sha256
    assert [one["code"] for one in held["reasons"]] == ["examiner_crashed"]
    assert "tried 2 times" in held["reasons"][0]["text"]
    folder = service.store.result_folder(row.id, result.claim)
    assert "tried 2 times" in (folder / result.report).read_text()
    assert [one.name for one in folder.iterdir()] == ["report.html"]


def test_the_signal_is_named(make_service: MakeService) -> None:
    row, result = came_of(make_service(max_attempts=1), b"crash")
    assert "SIGSEGV" in result.result["reasons"][0]["text"]
    assert row.status == "set_aside"


def test_too_much_memory_is_a_reason_and_not_tried_again(make_service: MakeService) -> None:
    row, result = came_of(make_service(memory_limit_bytes=2**30), b"memory")
    assert (row.status, row.n_attempts) == ("finished", 1)
    assert [one["code"] for one in result.result["reasons"]] == ["memory_limit"]
    assert "1 GiB" in result.result["reasons"][0]["text"]


def test_a_hang_is_ended(service: Service) -> None:
    row, result = came_of(service, b"hang", options={"time_limit_s": 0.5})
    assert row.status == "finished"
    assert [one["code"] for one in result.result["reasons"]] == ["time_limit"]
    assert row.finished_at - row.started_at < 10


def test_no_more_than_the_operators_time(make_service: MakeService) -> None:
    row, result = came_of(make_service(time_limit_s=0.5), b"hang")
    assert result.result["reasons"][0]["code"] == "time_limit"
    assert row.finished_at - row.started_at < 10


def test_a_large_file_is_not_written(make_service: MakeService) -> None:
    row, _ = came_of(make_service(max_attempts=1), b"much")
    assert row.status == "set_aside"


def test_unknown_options_are_a_reason(service: Service) -> None:
    row, result = came_of(service, b"ok", options={"no_such": 1})
    assert row.status == "finished"
    assert result.result["reasons"][0]["code"] == "wrong_configuration"


def test_the_next_file_is_examined_after_every_fault(make_service: MakeService) -> None:
    service = make_service(max_attempts=1)
    ids = [add(service.store, how) for how in (b"crash", b"exit", b"ok", b"abort", b"ok 2")]
    examine_all(service.settings, service.store, ids)
    found = [examinations.get(service.store, LOCAL, id_).status for id_ in ids]
    assert found == ["set_aside", "set_aside", "finished", "set_aside", "finished"]
    assert list((service.store.folder / "work").iterdir()) == []


def test_a_running_one_is_cancelled_within_seconds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BEAT_S", 0.2)
    monkeypatch.setattr(examination, "BEAT_S", 0.2)
    store = service.store
    id_ = add(store, b"hang")
    with working(service.settings):
        until(lambda: examinations.get(store, LOCAL, id_).progress)
        assert examinations.cancel(store, LOCAL, id_) == "running"
        until(lambda: are_over(store, [id_]), 10)
    row = examinations.get(store, LOCAL, id_)
    assert row.status == "cancelled"
    assert examinations.result_of(store, LOCAL, id_) is None
    assert list(store.result_folder(id_, "x").parent.glob("*")) == []


def test_a_worker_that_is_to_end_hands_back_without_counting(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.Watch.__init__, "__defaults__", (0.2, 0.2))
    store = service.store
    id_ = add(store, b"hang")
    with working(service.settings) as stop:
        until(lambda: examinations.get(store, LOCAL, id_).progress)
        stop.set()
        until(lambda: examinations.get(store, LOCAL, id_).status == "queued", 10)
    row = examinations.get(store, LOCAL, id_)
    assert (row.n_attempts, row.faults) == (0, [])


def test_a_worker_that_is_to_end_finishes_what_takes_a_moment(service: Service) -> None:
    store = service.store
    id_ = add(store, b"sleep 1")
    with working(service.settings) as stop:
        until(lambda: examinations.get(store, LOCAL, id_).progress)
        stop.set()
    assert examinations.get(store, LOCAL, id_).status == "finished"


def test_a_claim_that_was_lost_keeps_nothing(service: Service) -> None:
    store = service.store
    id_ = add(store, b"sleep 1.5")
    with working(service.settings) as stop:
        until(lambda: examinations.get(store, LOCAL, id_).progress)
        stop.set()
        held = queue.lost(store, -60)[0]
        assert queue.hand_back(store, held, "given up for lost")
    row = examinations.get(store, LOCAL, id_)
    assert row.status == "queued"
    assert examinations.result_of(store, LOCAL, id_) is None
    assert not store.result_folder(id_, held.claim).exists()


def test_the_audit_log_has_one_line_for_a_result(service: Service) -> None:
    row, _ = came_of(service, b"ok")
    with service.store.reading() as connection:
        lines = connection.execute(audit.select().where(audit.c.subject == row.id)).all()
    assert [line.action for line in lines] == ["examine", "finish"]
    assert lines[1].detail["engine"] == "quick"
    assert lines[1].actor == "service"
