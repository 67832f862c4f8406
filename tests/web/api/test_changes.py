"""Examined anew, and what differs since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import update

from assay.web.actor import LOCAL, SCOPES, Actor
from assay.web.api.changes import anew
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import examinations, queue
from assay.web.store.schema import BATCH
from assay.web.store.schema import examinations as rows
from tests.web.api.test_examinations import problem_of
from tests.web.conftest import kept
from tests.web.examined import examined, result


def old(service: Service, name: str = "a.jpg") -> str:
    """The id of what another engine examined."""
    return examined(replace(service, engine="f" * 16), name)


def finish(service: Service, **changes: Any) -> None:
    held = queue.claim(service.store, "w")
    assert held is not None
    outcome = queue.Outcome({**result(), **changes}, engine=service.engine)
    assert queue.finish(service.store, held, outcome)


def test_a_file_is_examined_anew_by_a_new_engine(client: TestClient, service: Service) -> None:
    id_ = old(service)
    answer = client.post(f"/v1/examinations/{id_}/re-examination")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["previous_id"], told["status"]) == (id_, "queued")
    assert answer.headers["location"] == told["links"]["self"]
    again = client.post(f"/v1/examinations/{id_}/re-examination")
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    finish(service, verdict="strong_evidence", p_fake=0.99)
    compared = client.get(f"/v1/examinations/{told['id']}/differences")
    assert compared.status_code == 200
    found = compared.json()
    assert (found["against"], found["changed"], found["direction"]) == (id_, True, "stronger")
    assert found["p_fake"]["by"] == 0.28
    back = client.get(f"/v1/examinations/{id_}/differences", params={"against": told["id"]})
    assert back.json()["direction"] == "weaker"


def test_with_the_same_engine_nothing_is_done_unless_asked_for(
    client: TestClient, service: Service
) -> None:
    id_ = examined(service)
    same = client.post(f"/v1/examinations/{id_}/re-examination")
    assert (same.status_code, same.json()["id"]) == (200, id_)
    path = f"/v1/examinations/{id_}/re-examination"
    anew = client.post(path, json={"again": True, "priority": "batch"})
    assert (anew.status_code, anew.json()["priority"]) == (202, "batch")
    problem_of(client.post(path, json={"again": "perhaps"}), 422, "wrong_request")
    problem_of(client.post(path, json={"unheard": 1}), 422, "wrong_request")


def test_without_its_file_it_cannot_be_examined_anew(client: TestClient, service: Service) -> None:
    id_ = old(service)
    with service.store.writing() as connection:
        connection.execute(update(rows).values(media_deleted_at=1.0))
    problem_of(client.post(f"/v1/examinations/{id_}/re-examination"), 409, "conflict")
    lost = old(service, "b.jpg")
    service.store.media_path(client.get(f"/v1/examinations/{lost}").json()["sha256"]).unlink()
    problem_of(client.post(f"/v1/examinations/{lost}/re-examination"), 409, "conflict")


def test_all_that_is_outdated_is_examined_anew_as_one_batch(
    client: TestClient, service: Service
) -> None:
    ids = {old(service, f"{number}.jpg") for number in range(3)}
    examined(service, "new.jpg")
    gone = old(service, "gone.jpg")
    with service.store.writing() as connection:
        connection.execute(update(rows).where(rows.c.id == gone).values(media_deleted_at=1.0))
    told = client.post("/v1/re-examinations").json()
    assert (told["n_new"], told["n_same"], told["n_left_out"]) == (3, 0, 1)
    assert (told["is_complete"], told["next_cursor"]) == (True, None)
    batch = client.get(f"/v1/batches/{told['batch_id']}/examinations").json()["examinations"]
    assert {one["previous_id"] for one in batch} == ids
    assert {one["priority"] for one in batch} == {"batch"}
    again = client.post("/v1/re-examinations").json()
    assert (again["n_new"], again["n_same"]) == (0, 3)


def test_a_full_queue_is_gone_on_from_later(make_service: Callable[..., Service]) -> None:
    service = make_service(max_queue=2)
    for number in range(3):
        old(service, f"{number}.jpg")
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as client:
        told = client.post("/v1/re-examinations").json()
        assert (told["n_new"], told["is_complete"]) == (2, False)
        problem_of(client.post("/v1/re-examinations"), 503, "queue_full")
        finish(service)
        finish(service)
        told = client.post("/v1/re-examinations", params={"cursor": told["next_cursor"]}).json()
        assert (told["n_new"], told["n_same"], told["is_complete"]) == (1, 2, True)


def test_known_footage_is_compared_one_by_one(client: TestClient, service: Service) -> None:
    wanted = kept(service.store, b"x", purpose="to check one report")
    known = kept(service.store, b"known").sha256
    wanted = replace(wanted, reference_sha256=known, reference_name="k.jpg")
    id_ = examinations.add(service.store, LOCAL, wanted, "f" * 16, 9).id
    finish(replace(service, engine="f" * 16))
    assert client.post("/v1/re-examinations").json()["n_left_out"] == 1
    told = client.post(f"/v1/examinations/{id_}/re-examination").json()
    assert (told["purpose"], told["reference_sha256"]) == ("to check one report", known)


def test_it_stays_with_its_owner(service: Service) -> None:
    row = examinations.get(service.store, LOCAL, old(service))
    admin = Actor("chief", "chief", frozenset(SCOPES))
    added = anew(service, admin, row, again=False, priority=BATCH)
    found = examinations.get(service.store, LOCAL, added.id)
    assert (found.owner, found.actor) == (LOCAL.owner, "chief")


def test_a_comparison_needs_two_results(client: TestClient, service: Service) -> None:
    first = examined(service)
    path = f"/v1/examinations/{first}/differences"
    problem_of(client.get(path), 422, "wrong_request")
    problem_of(client.get(path, params={"against": "0" * 32}), 404, "not_found")
    problem_of(client.get(path, params={"against": "x"}), 422, "wrong_request")
    waits = client.post("/v1/examinations", files={"file": ("w", b"w")}).json()["id"]
    problem_of(client.get(path, params={"against": waits}), 409, "not_ready")
    other = examined_later(client, service)
    told = client.get(path, params={"against": other}).json()
    assert told["changed"] is False


def examined_later(client: TestClient, service: Service) -> str:
    finish(service)
    listed = client.get("/v1/examinations", params={"status": "finished", "text": "w"}).json()
    id_: str = listed["examinations"][0]["id"]
    return id_
