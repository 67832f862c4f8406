from __future__ import annotations

from collections.abc import Callable

import jsonschema
from sqlalchemy import update

from assay.report.as_json import schema as result_schema
from assay.web.actor import LOCAL
from assay.web.jobs import recovery
from assay.web.service import Service
from assay.web.store import audit, examinations, queue
from assay.web.store import schema as tables
from assay.web.store.database import Store
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_queue import outcome


def silence(store: Store) -> None:
    """As if every worker had been quiet for ten minutes, and every pause were over."""
    c = tables.examinations.c
    with store.writing() as connection:
        quiet = update(tables.examinations).where(c.status == "running")
        connection.execute(quiet.values(heartbeat_at=c.heartbeat_at - 600))
        connection.execute(update(tables.examinations).values(not_before=0.0))


def test_a_lost_one_is_tried_again_and_its_old_worker_changes_nothing(service: Service) -> None:
    store = service.store
    id_ = examinations.add(store, LOCAL, kept(store), ENGINE, 10).id
    first = queue.claim(store, "one")
    assert first is not None
    assert recovery.recover(service) == 0, "it gave a sign of life just now"
    silence(store)
    assert recovery.recover(service) == 1
    row = examinations.get(store, LOCAL, id_)
    assert (row.status, row.n_attempts) == ("queued", 1)
    assert "no sign of life for 30 s" in row.faults[0]["fault"]
    assert row.not_before > row.created_at
    assert queue.beat(store, first) == "lost"
    assert not queue.finish(store, first, outcome())
    silence(store)
    second = queue.claim(store, "two")
    assert second is not None
    assert queue.finish(store, second, outcome())


def test_a_file_that_kills_its_workers_is_set_aside_with_a_whole_result(service: Service) -> None:
    store = service.store
    id_ = examinations.add(store, LOCAL, kept(store, name="<poison>.jpg"), ENGINE, 10).id
    for _ in range(service.settings.max_attempts):
        silence(store)
        held = queue.claim(store, "w")
        assert held is not None
        silence(store)
        assert recovery.recover(service) == 1
    row = examinations.get(store, LOCAL, id_)
    assert (row.status, row.n_attempts, row.label) == ("set_aside", 3, "not_analysable")
    assert len(row.faults) == 2
    kept_result = examinations.result_of(store, LOCAL, id_)
    assert kept_result is not None
    told = kept_result.result
    jsonschema.Draft202012Validator(result_schema()).validate(told)
    assert (told["status"], told["p_fake"], told["input"]["sha256"]) == ("failed", None, row.sha256)
    assert told["reasons"][0]["code"] == "worker_lost"
    assert "3 times" in told["reasons"][0]["text"]
    report = store.result_folder(id_, held.claim) / kept_result.report
    assert "was lost 3 times" in report.read_text()
    assert "<poison>" not in report.read_text()
    assert queue.claim(store, "w") is None
    again = examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    assert again.is_new, "a person may ask for it again"
    assert audit.check(store) is None


def test_one_that_was_to_be_cancelled_is_cancelled_when_its_worker_is_lost(
    make_service: Callable[..., Service],
) -> None:
    for attempts in (1, 3):
        service = make_service(max_attempts=attempts)
        wanted = kept(service.store, again=True)
        id_ = examinations.add(service.store, LOCAL, wanted, ENGINE, 10).id
        assert queue.claim(service.store, "w") is not None
        assert examinations.cancel(service.store, LOCAL, id_) == "running"
        silence(service.store)
        assert recovery.recover(service) == 1
        assert examinations.get(service.store, LOCAL, id_).status == "cancelled"
        assert examinations.result_of(service.store, LOCAL, id_) is None


def test_a_sign_of_life_that_comes_in_between_is_heeded(service: Service) -> None:
    store = service.store
    examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    held = queue.claim(store, "w")
    assert held is not None
    silence(store)
    assert len(queue.lost(store, 30)) == 1
    assert queue.beat(store, held) == "go_on"
    assert not recovery._hand_back(service, held)
    assert not recovery._set_aside(service, held)
    assert queue.finish(store, held, outcome())
