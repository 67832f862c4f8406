"""Events and webhooks of a real server with a real worker, killed in the middle."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.jobs.test_deliveries import Receiver
from tests.web.running import started

PATIENCE_S = 60.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    held = Receiver()
    yield held
    held.server.shutdown()
    held.server.server_close()


def until_heard(receiver: Receiver, n: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while len(receiver.heard) < n and time.monotonic() < until:
        time.sleep(0.1)
    assert len(receiver.heard) >= n


def test_what_is_over_is_told_though_the_server_is_killed(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.status = 503
    with started(tmp_path, n_workers=1, allow_private_addresses=True) as running:
        with httpx.Client(base_url=running.url, trust_env=False, timeout=PATIENCE_S) as client:
            hook = client.post("/v1/webhooks", json={"url": receiver.url}).json()
            sent = client.post("/v1/examinations", files={"file": ("a.txt", b"no picture")})
            events = heard_events(client, sent.json()["links"]["events"])
        until_heard(receiver, 1)
        running.kill()
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    name, last = events[-1]
    assert (name, last["status"], last["verdict"]["status"]) == ("finished", "finished", "failed")
    receiver.status = 200
    with started(tmp_path, allow_private_addresses=True) as running:
        until_heard(receiver, 2)
        path = f"/v1/webhooks/{hook['id']}/deliveries"
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            (told,) = httpx.get(running.url + path, trust_env=False).json()["deliveries"]
            if told["state"] == "delivered":
                break
            time.sleep(0.2)
        assert (told["state"], told["last_answer"]) == ("delivered", "status 200")
    first, second = receiver.heard[0], receiver.heard[-1]
    assert first[0]["Assay-Delivery"] == second[0]["Assay-Delivery"] == told["id"]
    assert json.loads(first[1]) == json.loads(second[1])
    assert json.loads(first[1])["id"] == sent.json()["id"]


def heard_events(client: httpx.Client, path: str) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
    """Every event until the stream ends."""
    found, name = [], ""
    with client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found
