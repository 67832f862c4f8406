"""Streams of events: the state now, each change, the end; resumed without loss or repetition."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.api import events
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_queue import outcome

Event = dict[str, str]


def waiting(service: Service) -> str:
    return examinations.add(service.store, LOCAL, kept(service.store), ENGINE, 10).id


async def ask(
    app: FastAPI, id_: str, last_id: str | None = None, stay_s: float | None = None,
    leave: asyncio.Event | None = None, begun: Callable[[], object] = lambda: None,
) -> tuple[int, bytes]:  # fmt: skip
    """The status and all that was told, until the stream ends, `leave` is set, or `stay_s` after
    its first bytes, of which `begun` is told.
    """
    leave = leave or asyncio.Event()
    headers = [(b"host", b"localhost")]
    if last_id is not None:
        headers.append((b"last-event-id", last_id.encode()))
    path = f"/v1/examinations/{id_}/events"
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip
    sent: list[Any] = []
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        request = next(requests, None)
        if request is None:
            await leave.wait()
        return request or {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == 2:
            begun()
            if stay_s is not None:
                asyncio.get_running_loop().call_later(stay_s, leave.set)

    await asyncio.wait_for(app(scope, receive, send), 20)
    told = b"".join(one.get("body", b"") for one in sent[1:])
    return sent[0]["status"], told


def parsed(told: bytes) -> list[Event]:
    blocks = [block.split("\n") for block in told.decode().split("\n\n") if block]
    lines = [dict(line.split(": ", 1) for line in block) for block in blocks]
    return [block for block in lines if "event" in block]


@pytest.fixture
def app(service: Service) -> FastAPI:
    return build_app(service, chores=False)


def work(service: Service) -> None:
    """Examine as a worker would, slowly enough to be seen."""
    held = queue.claim(service.store, "worker")
    assert held is not None
    for step in ("faces", "sound"):
        queue.beat(service.store, held, {"step": step, "done": 1, "total": 2, "steps": []})
        time.sleep(0.4)
    queue.finish(service.store, held, outcome())


def test_every_change_is_told_until_the_end(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    id_ = waiting(service)
    worker = threading.Timer(0.2, work, (service,))
    worker.start()
    status, told = asyncio.run(ask(app, id_))
    worker.join()
    assert status == 200
    assert told.startswith(b"retry: ")
    found = parsed(told)
    assert [one["event"] for one in found] == ["progress"] * (len(found) - 1) + ["finished"]
    states = [json.loads(one["data"]) for one in found]
    assert states[0]["status"] == "queued"
    assert [s["progress"]["step"] for s in states if s["status"] == "running"][-2:] == [
        "faces",
        "sound",
    ]
    assert states[-1]["verdict"]["label"] == "no_evidence_found"
    assert len({one["id"] for one in found}) == len(found)
    assert app.state.watch.n_streams == 0
    assert app.state.watch.queues == {}


def test_who_comes_back_is_told_only_what_is_new(app: FastAPI, service: Service) -> None:
    id_ = waiting(service)

    async def go() -> tuple[bytes, bytes]:
        _, first = await ask(app, id_, stay_s=0.3)
        _, again = await ask(app, id_, parsed(first)[-1]["id"], stay_s=0.3)
        return first, again

    first, again = asyncio.run(go())
    assert [one["event"] for one in parsed(first)] == ["progress"]
    assert parsed(again) == []
    work(service)
    _, last = asyncio.run(ask(app, id_, parsed(first)[-1]["id"]))
    assert [one["event"] for one in parsed(last)] == ["finished"]
    status, _ = asyncio.run(ask(app, id_, parsed(last)[-1]["id"]))
    assert status == 204


def test_what_is_deleted_meanwhile_is_gone(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    id_ = waiting(service)
    timer = threading.Timer(0.3, examinations.remove, (service.store, LOCAL, id_))
    timer.start()
    _, told = asyncio.run(ask(app, id_))
    timer.join()
    assert [one["event"] for one in parsed(told)] == ["progress", "gone"]


def test_a_silent_stream_shows_that_it_lives_and_ends_in_time(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(events, "LONGEST_S", 0.9)
    _, told = asyncio.run(ask(app, waiting(service)))
    assert told.count(events.HEARTBEAT) >= 2
    assert [one["event"] for one in parsed(told)] == ["progress"]


def test_a_database_that_fails_for_a_while_ends_no_stream(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    id_ = waiting(service)
    read, n_reads = events.Watch._read, 0

    def flaky(self: events.Watch, ids: list[str]) -> Any:
        nonlocal n_reads
        n_reads += 1
        if n_reads == 4:
            examinations.cancel(service.store, LOCAL, id_)
        if n_reads < 5:
            raise RuntimeError("the database is away")
        return read(self, ids)

    monkeypatch.setattr(events.Watch, "_read", flaky)
    _, told = asyncio.run(ask(app, id_))
    assert n_reads >= 5
    assert parsed(told)[-1]["event"] == "finished"


def test_streams_are_bounded(client: TestClient, service: Service) -> None:
    id_ = waiting(service)

    async def go() -> None:
        watch = events.Watch(service)
        client.app.state.watch = watch  # type: ignore[attr-defined]
        with ExitStack() as stack:
            for _ in range(events.MAX_STREAMS):
                stack.enter_context(watch.rows_of(id_))
            answer = await asyncio.to_thread(client.get, f"/v1/examinations/{id_}/events")
            assert answer.status_code == 503
            assert answer.json()["code"] == "too_many_streams"
            assert answer.headers["retry-after"] == "5"
        assert (watch.n_streams, watch.queues) == (0, {})

    asyncio.run(go())


def test_many_streams_cost_one_look(
    service: Service, monkeypatch: pytest.MonkeyPatch, make_service: Callable[..., Service]
) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.1)
    app, ids = build_app(service, chores=False), []
    for n in range(20):
        wanted = kept(service.store, bytes([n]))
        ids.append(examinations.add(service.store, LOCAL, wanted, ENGINE, 100).id)
    read, looks = events.Watch._read, []

    def counted(self: events.Watch, asked: list[str]) -> Any:
        looks.append(len(asked))
        return read(self, asked)

    monkeypatch.setattr(events.Watch, "_read", counted)

    async def go() -> None:
        leave, n_begun = asyncio.Event(), 0

        def begun() -> None:
            nonlocal n_begun
            n_begun += 1
            if n_begun == len(ids):
                looks.clear()
                asyncio.get_running_loop().call_later(0.8, leave.set)

        await asyncio.gather(*(ask(app, id_, leave=leave, begun=begun) for id_ in ids))

    asyncio.run(go())
    # The first look may have been asked for before all had come, the last after some had left.
    assert looks[1:-1] == [20] * (len(looks) - 2)
    assert 3 <= len(looks) <= 10


def test_a_stranger_follows_nothing(client: TestClient) -> None:
    assert client.get(f"/v1/examinations/{'0' * 32}/events").status_code == 404
    assert client.get("/v1/examinations/x/events").status_code == 404
