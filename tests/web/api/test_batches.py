"""Batches over HTTP: each file accepted or told why not; results as lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.api.test_examinations import foreign, problem_of
from tests.web.examined import result

__all__ = ["foreign"]


def part(data: bytes, name: str) -> tuple[str, tuple[str, bytes]]:
    return ("file", (name, data))


def text(name: str, value: str) -> tuple[str, tuple[None, bytes]]:
    return (name, (None, value.encode()))


def finish_all(service: Service) -> None:
    while (held := queue.claim(service.store, "w")) is not None:
        assert queue.finish(service.store, held, queue.Outcome(result(), engine=service.engine))


def test_every_file_is_accepted_and_followed(client: TestClient, service: Service) -> None:
    parts = [text("name", "week 3"), text("frames", "8"), part(b"1", "a"), part(b"2", "b")]
    answer = client.post("/v1/batches", files=parts)
    assert answer.status_code == 202
    told = answer.json()
    assert answer.headers["location"] == told["links"]["self"]
    assert (told["name"], told["counts"]["queued"], told["is_over"]) == ("week 3", 2, False)
    assert [one["name"] for one in told["items"]] == ["a", "b"]
    assert {one["examination"]["priority"] for one in told["items"]} == {"batch"}
    assert {one["examination"]["options"]["frames"] for one in told["items"]} == {8}
    finish_all(service)
    over = client.get(told["links"]["self"]).json()
    assert (over["counts"]["finished"], over["is_over"]) == (2, True)
    lines = client.get(told["links"]["results"])
    assert lines.headers["content-type"] == "application/x-ndjson"
    found = [json.loads(line) for line in lines.text.splitlines()]
    assert {one["name"] for one in found} == {"a", "b"}
    assert all(one["result"] == result() for one in found)
    listed = client.get(told["links"]["examinations"]).json()["examinations"]
    assert len(listed) == 2


def test_what_was_examined_before_is_part_of_it(client: TestClient, service: Service) -> None:
    first = client.post("/v1/examinations", files=[part(b"1", "a")]).json()
    told = client.post("/v1/batches", files=[part(b"1", "b"), part(b"1", "c")]).json()
    assert [one["is_new"] for one in told["items"]] == [False, False]
    assert {one["examination"]["id"] for one in told["items"]} == {first["id"]}
    assert [one["name"] for one in told["items"]] == ["b", "c"]
    assert sum(told["counts"].values()) == 1


def test_one_that_is_refused_touches_no_other(make_service: Callable[..., Service]) -> None:
    service = make_service(max_upload_bytes=10, max_queue=2)
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as client:
        sizes = (1, 11, 2, 3)
        parts = [part(b"x" * size, str(size)) for size in sizes]
        told = client.post("/v1/batches", files=parts).json()
        codes = [one["problem"] and one["problem"]["code"] for one in told["items"]]
        assert codes == [None, "body_too_large", None, "queue_full"]
        assert [one["name"] for one in told["items"]] == ["1", "11", "2", "3"]
        media = [one for one in (service.store.folder / "media").rglob("*") if one.is_file()]
        assert len(media) == 2


def test_a_repeated_batch_is_one_batch(client: TestClient, service: Service) -> None:
    parts = [part(b"1", "a"), part(b"2", "b")]
    headers = {"Idempotency-Key": "k"}
    first = client.post("/v1/batches", files=parts, headers=headers).json()
    again = client.post("/v1/batches", files=parts, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first
    examinations.remove(service.store, LOCAL, first["items"][0]["examination"]["id"])
    third = client.post("/v1/batches", files=parts, headers=headers).json()
    assert [one["problem"] and one["problem"]["code"] for one in third["items"]] == [
        "not_found",
        None,
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [text("name", "empty")],
        [part(b"1", "a"), text("batch", "0" * 32)],
        [part(b"1", "a"), text("frames", "none")],
        [part(b"1", "a"), text("names", "x")],
    ],
)
def test_what_is_wrong_for_all_is_told_once(
    client: TestClient, service: Service, parts: list[tuple[str, tuple[str | None, bytes]]]
) -> None:
    problem_of(client.post("/v1/batches", files=parts), 422, "wrong_request")
    assert [one for one in (service.store.folder / "media").rglob("*") if one.is_file()] == []


def test_more_files_than_allowed_and_known_footage_are_refused(
    make_service: Callable[..., Service],
) -> None:
    service = make_service(max_batch_files=2)
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as client:
        three = [part(str(number).encode(), "a") for number in range(3)]
        problem_of(client.post("/v1/batches", files=three), 422, "wrong_request")
        known = ("reference", ("r", b"known"))
        parts = [part(b"1", "a"), known, text("purpose", "to check one report")]
        problem_of(client.post("/v1/batches", files=parts), 403, "not_allowed")


def test_others_see_no_batch(client: TestClient, foreign: TestClient) -> None:
    told = client.post("/v1/batches", files=[part(b"1", "a")]).json()
    for path in ("", "/results", "/examinations"):
        problem_of(foreign.get(f"/v1/batches/{told['id']}{path}"), 404, "not_found")
    theirs = foreign.post("/v1/examinations", files=[part(b"2", "b"), text("batch", told["id"])])
    problem_of(theirs, 404, "not_found")
    assert client.get(f"/v1/batches/{'0' * 32}").status_code == 404


def test_a_file_may_be_added_later(client: TestClient) -> None:
    told = client.post("/v1/batches", files=[part(b"1", "a")]).json()
    answer = client.post("/v1/examinations", files=[part(b"2", "b"), text("batch", told["id"])])
    assert answer.status_code == 202
    assert client.get(told["links"]["self"]).json()["counts"]["queued"] == 2


def test_many_results_come_in_pages(client: TestClient, service: Service) -> None:
    told = client.post(
        "/v1/batches", files=[part(str(number).encode(), f"{number}") for number in range(60)]
    ).json()
    lines = client.get(told["links"]["results"]).text.splitlines()
    assert {json.loads(line)["name"] for line in lines} == {str(number) for number in range(60)}
