"""Requests under an idempotency key: done once, answered as often as they are sent."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL, Actor
from assay.web.api.repeats import Done, fingerprint, once
from assay.web.refusals import ConflictError, UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations

FILE = {"file": ("a.jpg", b"content")}


def test_done_once_and_answered_twice(service: Service) -> None:
    n_calls = []

    def act() -> Done:
        n_calls.append(1)
        return Done(202, {"id": "a"})

    first = once(service, LOCAL, "k", "print", act)
    second = once(service, LOCAL, "k", "print", act)
    assert (first.is_repeat, second.is_repeat, len(n_calls)) == (False, True, 1)
    assert (second.status, second.ids) == (202, {"id": "a"})
    once(service, LOCAL, None, "print", act)
    other = Actor("other", "other", LOCAL.scopes)
    assert not once(service, other, "k", "print", act).is_repeat
    assert len(n_calls) == 3


def test_what_came_to_nothing_may_be_sent_again(service: Service) -> None:
    def fail() -> Done:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        once(service, LOCAL, "k", "print", fail)
    assert not once(service, LOCAL, "k", "print", lambda: Done(200, {})).is_repeat


def test_another_request_under_the_same_key_is_refused(service: Service) -> None:
    once(service, LOCAL, "k", "print", lambda: Done(200, {}))
    with pytest.raises(UnprocessableError):
        once(service, LOCAL, "k", "other", lambda: Done(200, {}))


def test_a_second_one_while_the_first_is_at_work_waits(service: Service) -> None:
    def act() -> Done:
        with pytest.raises(ConflictError) as raised:
            once(service, LOCAL, "k", "print", lambda: Done(200, {}))
        assert raised.value.retry_after_s
        return Done(200, {})

    once(service, LOCAL, "k", "print", act)


def test_fingerprints_tell_requests_apart() -> None:
    told = {fingerprint("a", {}), fingerprint("b", {}), fingerprint("a", {"x": "1"})}
    assert len(told) == 3
    assert all(len(one) == 64 for one in told)


def test_an_upload_sent_twice_is_one_examination(client: TestClient, service: Service) -> None:
    told = {"files": FILE, "data": {"again": "true"}, "headers": {"Idempotency-Key": "one"}}
    first = client.post("/v1/examinations", **told)
    second = client.post("/v1/examinations", **told)
    third = client.post("/v1/examinations", files=FILE, data={"again": "true"})
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (second.status_code, third.status_code) == (202, 202)
    assert examinations.n_waiting(service.store)["queued"] == 2
    other = client.post("/v1/examinations", files={"file": ("b", b"2")}, headers=told["headers"])
    assert (other.status_code, other.json()["code"]) == (422, "wrong_request")


def test_what_is_deleted_is_gone_from_repeated_answers(
    client: TestClient, service: Service
) -> None:
    told = {"files": FILE, "headers": {"Idempotency-Key": "one"}}
    id_ = client.post("/v1/examinations", **told).json()["id"]
    assert client.delete(f"/v1/examinations/{id_}").status_code == 204
    assert client.post("/v1/examinations", **told).status_code == 404
    assert [one for one in (service.store.folder / "media").rglob("*") if one.is_file()] == []
