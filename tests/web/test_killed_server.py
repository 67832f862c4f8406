"""kill -9 of a whole server in the middle of uploads and examinations, again and again.

Clients send until their file is accepted, as real ones do: one that was accepted while its answer
was lost is answered again by its content. In the end every file that was accepted
has one result, no file has two, and the audit log tells of each once.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from assay.web.settings import Settings
from assay.web.store import audit
from assay.web.store.database import Store, open_store
from assay.web.store.schema import audit as audit_lines
from assay.web.store.schema import examinations, results
from tests.web.running import Running, started

N_FILES, N_CLIENTS, N_KILLS = 40, 4, 4
PATIENCE_S = 120.0


def content(number: int) -> bytes:
    """No media, so that it is examined quickly; large enough to be killed within an upload."""
    return f"no media {number}".encode() * 60_000


class Killed:
    """A server that is killed and started again on the same data; `url` is where it is now."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self._stack = ExitStack()
        self._folder, self._n_starts = folder, 0
        self._told = {"n_workers": 2, "database": database, "lost_after_s": 3}
        self.running = self._start()

    def _start(self) -> Running:
        self._n_starts += 1
        folder = self._folder / f"start-{self._n_starts}"
        told = {**self._told, "data": self._folder / "data"}
        return self._stack.enter_context(started(folder, **told))

    def kill(self) -> None:
        self.running.kill()
        self.running = self._start()

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def killed(tmp_path: Path, database: str | None) -> Iterator[Killed]:
    held = Killed(tmp_path, database)
    yield held
    held.close()


def send(killed: Killed, number: int) -> str:
    """Send one file until somebody says that it is accepted; its id."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            answer = httpx.post(
                killed.running.url + "/v1/examinations",
                files={"file": (f"{number}.bin", content(number))},
                trust_env=False,
                timeout=20,
            )
        except httpx.HTTPError:
            time.sleep(0.05)
            continue
        if answer.status_code in (200, 202):
            id_: str = answer.json()["id"]
            return id_
        assert answer.status_code == 503, answer.text
        time.sleep(0.2)
    raise AssertionError(f"file {number} was never accepted")


def wait_for_all(killed: Killed, ids: list[str]) -> list[dict[str, Any]]:
    until = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=killed.running.url, trust_env=False, timeout=20) as client:
        while time.monotonic() < until:
            told = [client.get(f"/v1/examinations/{id_}").json() for id_ in ids]
            if all(one["status"] not in ("queued", "running") for one in told):
                return told
            time.sleep(0.3)
    raise AssertionError(Counter(one["status"] for one in told))


def test_nothing_is_lost_and_nothing_is_doubled(
    killed: Killed, tmp_path: Path, database: str | None
) -> None:
    chance = random.Random(8)
    done = threading.Event()

    def kill_now_and_then() -> None:
        for _ in range(N_KILLS):
            done.wait(chance.uniform(0.1, 1.5))
            killed.kill()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    with ThreadPoolExecutor(N_CLIENTS) as clients:
        sent = list(clients.map(lambda number: send(killed, number), range(N_FILES)))
    killer.join(PATIENCE_S)
    told = wait_for_all(killed, sent)

    assert len(set(sent)) == N_FILES
    assert Counter(one["status"] for one in told) == {"finished": N_FILES}
    expected = [hashlib.sha256(content(number)).hexdigest() for number in range(N_FILES)]
    assert [one["sha256"] for one in told] == expected
    killed.close()
    store = open_store(Settings(tmp_path / "data", database=database))
    try:
        check_store(store, sent)
    finally:
        store.close()


def check_store(store: Store, sent: list[str]) -> None:
    with store.reading() as connection:
        ids = [row.id for row in connection.execute(select(examinations.c.id))]
        told = connection.execute(select(results.c.examination_id, results.c.result)).all()
        actions = Counter(
            (row.action, row.subject)
            for row in connection.execute(select(audit_lines.c.action, audit_lines.c.subject))
        )
    assert sorted(ids) == sorted(sent)
    assert sorted(row.examination_id for row in told) == sorted(sent)
    assert {row.result["reasons"][0]["code"] for row in told} == {"media_unsupported"}
    assert all(actions[("examine", id_)] == 1 for id_ in sent)
    assert all(actions[("finish", id_)] == 1 for id_ in sent)
    assert audit.check(store) is None
    for number in range(N_FILES):
        sha256 = hashlib.sha256(content(number)).hexdigest()
        assert store.media_path(sha256).read_bytes() == content(number)


def test_the_workers_of_a_killed_server_end(tmp_path: Path) -> None:
    with started(tmp_path, n_workers=2) as running:
        until = time.monotonic() + 30
        while len(workers_of(running.process.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        held = workers_of(running.process.pid)
        assert len(held) == 2
        running.kill()
        while any(map(alive, held)) and time.monotonic() < until:
            time.sleep(0.1)
        assert [pid for pid in held if alive(pid)] == []


def workers_of(pid: int) -> list[int]:
    """Its children that are workers, by what the system says."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    children = [int(word) for word in text.split()]
    return [one for one in children if b"jobs.worker" in command_of(one)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b"jobs.worker" in command_of(pid)  # one that waits for its parent has no command
