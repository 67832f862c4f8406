"""Examinations over HTTP: sent, listed, followed, cancelled, deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import EXAMINE, READ, Actor
from assay.web.api import access
from assay.web.api import examinations as routes
from assay.web.api.examinations import seconds, texts_of
from assay.web.app import build_app
from assay.web.intake import Sent
from assay.web.refusals import UnprocessableError
from assay.web.service import Service
from assay.web.store import queue
from assay.web.store.media import incoming
from tests.web.examined import examined, waiting

OTHER = Actor("other", "other", frozenset({READ, EXAMINE}))


def send(client: TestClient, data: bytes = b"x", name: str = "a.jpg", **fields: str) -> Any:
    return client.post("/v1/examinations", files={"file": (name, data)}, data=fields)


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem, in the one shape that all have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= set(told)
    assert (told["status"], told["code"]) == (status, code)
    return told


@pytest.fixture
def foreign(service: Service) -> Iterator[TestClient]:
    """A client of someone else."""
    app = build_app(service, chores=False)
    app.dependency_overrides[access.actor_of] = lambda: OTHER
    with TestClient(app, base_url="http://127.0.0.1:8080") as held:
        yield held


def test_a_file_is_accepted_and_found_again(client: TestClient, service: Service) -> None:
    answer = send(client, b"bytes", "<b>ä.jpg", frames="8", priority="batch")
    assert answer.status_code == 202
    told = answer.json()
    assert told["sha256"] == hashlib.sha256(b"bytes").hexdigest()
    assert (told["status"], told["name"], told["n_bytes"]) == ("queued", "<b>ä.jpg", 5)
    assert (told["options"], told["priority"]) == ({"frames": 8}, "batch")
    assert answer.headers["location"] == told["links"]["self"]
    assert client.get(told["links"]["self"]).json() == told
    assert service.store.media_path(told["sha256"]).read_bytes() == b"bytes"


def test_the_same_again_is_answered_by_the_first(client: TestClient) -> None:
    first = send(client).json()
    again = send(client, name="b.jpg")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert again.json()["other_names"] == ["b.jpg"]
    assert send(client, frames="4").json()["id"] != first["id"]
    anew = send(client, again="true")
    assert (anew.status_code, anew.json()["id"] != first["id"]) == (202, True)


def test_what_is_sent_wrongly_is_told(client: TestClient) -> None:
    problem_of(send(client, frames="many"), 422, "wrong_request")
    problem_of(send(client, reference="/etc/passwd"), 403, "not_allowed")
    problem_of(send(client, url="http://example.org/"), 422, "wrong_request")
    problem_of(client.post("/v1/examinations", data={"frames": "8"}), 422, "wrong_request")
    problem_of(client.post("/v1/examinations"), 422, "wrong_request")
    several = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    problem_of(client.post("/v1/examinations", files=several), 422, "wrong_request")
    assert client.get("/v1/examinations").json()["examinations"] == []


def test_a_full_queue_says_when_to_come_again(make_service: Callable[..., Service]) -> None:
    app = build_app(make_service(max_queue=1, max_upload_bytes=10), chores=False)
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        problem_of(send(client, b"x" * 11), 413, "body_too_large")
        assert send(client).status_code == 202
        answer = send(client, b"y")
        problem_of(answer, 503, "queue_full")
        assert int(answer.headers["retry-after"]) > 0


def test_the_list_narrows_and_turns_pages(client: TestClient, service: Service) -> None:
    finished = examined(service, "finished.jpg")
    ids = [waiting(service, f"{number}%.jpg") for number in range(5)]
    listed = client.get("/v1/examinations").json()
    assert [one["id"] for one in listed["examinations"]] == [*reversed(ids), finished]
    assert listed["next_cursor"] is None

    def found(**query: Any) -> list[str]:
        answer = client.get("/v1/examinations", params=query)
        assert answer.status_code == 200
        return [one["id"] for one in answer.json()["examinations"]]

    assert found(status="finished") == found(label="some_evidence") == [finished]
    assert found(text="3%") == [ids[3]]
    assert found(text=ids[2][:12]) == [ids[2]]
    sha256 = hashlib.sha256(b"1%.jpg").hexdigest()
    assert found(sha256=sha256.upper()) == found(text=sha256[:9]) == [ids[1]]
    assert found(since="2020-01-01", until="2020-01-02T00:00:00Z") == []
    assert len(found(since="2020-01-01T00:00:00+02:00")) == 6
    assert found(outdated=True) == []
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = client.get("/v1/examinations", params=query).json()
        seen += [one["id"] for one in page["examinations"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [*reversed(ids), finished]


def test_what_another_engine_examined_is_outdated(client: TestClient, service: Service) -> None:
    id_ = examined(replace(service, engine="f" * 16))
    [found] = client.get("/v1/examinations", params={"outdated": "true"}).json()["examinations"]
    assert (found["id"], found["outdated"]) == (id_, True)


@pytest.mark.parametrize(
    "query",
    ["status=gone", "label=fake", "limit=0", "limit=201", "cursor=x", "since=yesterday",
     "since=2020-13-45", "sha256=abc", "batch=x", "outdated=perhaps"],
)  # fmt: skip
def test_a_wrong_filter_is_told(client: TestClient, query: str) -> None:
    problem_of(client.get(f"/v1/examinations?{query}"), 422, "wrong_request")


def test_what_waits_is_cancelled_and_what_is_over_is_not(
    client: TestClient, service: Service
) -> None:
    id_ = waiting(service)
    answer = client.post(f"/v1/examinations/{id_}/cancellation")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    problem_of(client.post(f"/v1/examinations/{id_}/cancellation"), 409, "conflict")
    running = waiting(service, "b.jpg")
    assert queue.claim(service.store, "w") is not None
    told = client.post(f"/v1/examinations/{running}/cancellation").json()
    assert (told["status"], told["cancel_asked"]) == ("running", True)


def test_what_is_deleted_is_gone_with_its_files(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    row = client.get(f"/v1/examinations/{id_}").json()
    assert client.delete(f"/v1/examinations/{id_}").status_code == 204
    for path in ("", "/result", "/report", "/artifacts", "/media"):
        problem_of(client.get(f"/v1/examinations/{id_}{path}"), 404, "not_found")
    problem_of(client.delete(f"/v1/examinations/{id_}"), 404, "not_found")
    assert not service.store.media_path(row["sha256"]).exists()
    assert not (service.store.folder / "results" / id_).exists()


@pytest.mark.parametrize("id_", ["x", "0" * 32, "../../etc/passwd", "%00", "A" * 32, "é"])
def test_an_id_that_is_none_is_not_found(client: TestClient, id_: str) -> None:
    assert client.get(f"/v1/examinations/{id_}").status_code in (404, 422)


def test_others_see_none_of_it(foreign: TestClient, service: Service) -> None:
    id_ = examined(service)
    assert foreign.get("/v1/examinations").json()["examinations"] == []
    for path in ("", "/result", "/report", "/artifacts", "/artifacts/1", "/media", "/differences"):
        problem_of(foreign.get(f"/v1/examinations/{id_}{path}"), 404, "not_found")
    for path in ("/cancellation", "/re-examination"):
        problem_of(foreign.post(f"/v1/examinations/{id_}{path}"), 404, "not_found")
    problem_of(foreign.delete(f"/v1/examinations/{id_}"), 404, "not_found")
    # The same bytes of someone else are an examination of their own.
    assert send(foreign, b"a.jpg").status_code == 202


def test_addresses_are_fetched_only_where_the_operator_allows_it(
    make_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch, client: TestClient
) -> None:
    asked = {"url": "https://example.org/a.jpg", "frames": 8, "stability": False}
    problem_of(client.post("/v1/examinations", json=asked), 403, "not_allowed")
    service = make_service(allow_urls=True)

    def fetched(service: Service, url: str, max_bytes: int | None = None) -> Sent:
        assert max_bytes == service.settings.max_upload_bytes
        with incoming(service.store, 100, 0) as one:
            one.write(url.encode())
            return Sent("a.jpg", one.keep(), url)

    monkeypatch.setattr(routes.fetching, "fetched", fetched)
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as opened:
        answer = opened.post("/v1/examinations", json=asked, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 202
        told = answer.json()
        assert (told["source"], told["name"]) == (asked["url"], "a.jpg")
        assert told["options"] == {"frames": 8, "stability": False}
        again = opened.post("/v1/examinations", json=asked, headers={"Idempotency-Key": "k"})
        assert again.headers["Idempotency-Replayed"] == "true"
        for wrong in (
            {},
            {"url": ""},
            {"url": 1},
            {**asked, "frames": {}},
            [],
            {"url": "x" * 3000},
        ):
            problem_of(opened.post("/v1/examinations", json=wrong), 422, "wrong_request")
        broken = opened.post(
            "/v1/examinations", content=b"{", headers={"content-type": "application/json"}
        )
        problem_of(broken, 422, "wrong_request")


def test_json_is_never_held_without_a_bound(client: TestClient) -> None:
    large = b'{"url": "' + b"x" * 70_000 + b'"}'
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/examinations", content=large, headers=headers)
    problem_of(answer, 413, "body_too_large")


def test_json_values_become_texts_of_a_form() -> None:
    given = {"a": True, "b": 1.5, "c": ["x", "y"], "d": [1, 2.5], "e": None, "f": "g"}
    told = {"a": "true", "b": "1.5", "c": "x,y", "d": "1:2.5", "f": "g"}
    assert texts_of(given) == told
    with pytest.raises(UnprocessableError):
        texts_of({"a": {"b": 1}})


def test_times_are_utc_where_they_say_nothing() -> None:
    assert seconds("1970-01-02") == 86_400
    assert seconds("1970-01-01T01:00:00+01:00") == 0
    assert seconds("0001-01-01T00:00:00+14:00") is not None
    assert seconds(None) is None


def test_the_same_on_postgresql(postgres_url: str, make_service: Callable[..., Service]) -> None:
    service = make_service(database=postgres_url)
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as client:
        id_ = examined(service, "b.jpg")
        headers = {"Idempotency-Key": "k"}
        sent = {"files": {"file": ("a%\n.jpg", b"x")}, "data": {"frames": "8"}}
        first = client.post("/v1/examinations", **sent, headers=headers)
        assert first.status_code == 202
        assert client.post("/v1/examinations", **sent, headers=headers).json() == first.json()
        assert client.post("/v1/examinations", **sent).status_code == 200
        for query in ({"text": "a%"}, {"status": "queued"}, {"limit": "1", "since": "2020-01-01"}):
            answer = client.get("/v1/examinations", params=query)
            assert len(answer.json()["examinations"]) == 1
        cursor = client.get("/v1/examinations", params={"limit": 1}).json()["next_cursor"]
        page = client.get("/v1/examinations", params={"limit": 1, "cursor": cursor}).json()
        assert [one["id"] for one in page["examinations"]] == [id_]
        assert client.get(f"/v1/examinations/{id_}/report").status_code == 200
        several = [("file", ("c", b"1")), ("file", ("d", b"2"))]
        batch = client.post("/v1/batches", files=several).json()
        assert batch["counts"]["queued"] == 2
        assert client.delete(f"/v1/examinations/{id_}").status_code == 204
        nul = client.get("/v1/examinations", params={"text": "a\0"})
        problem_of(nul, 422, "wrong_request")
