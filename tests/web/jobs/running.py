"""Workers for tests: one in a thread until everything is over, or all of them as processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assay.web.actor import LOCAL
from assay.web.jobs import worker
from assay.web.settings import Settings
from assay.web.store import examinations
from assay.web.store.database import Store
from assay.web.store.schema import OVER
from tests.web.conftest import ENGINE, kept
from tests.web.jobs.quick import EXAMINE

ROOT = Path(__file__).resolve().parents[3]


def add(store: Store, data: bytes, name: str = "a.jpg", **more: Any) -> str:
    wanted = kept(store, data, name, **more)
    return examinations.add(store, LOCAL, wanted, ENGINE, 10_000).id


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition; fail where it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def are_over(store: Store, ids: list[str]) -> bool:
    return all(examinations.get(store, LOCAL, id_).status in OVER for id_ in ids)


def examine_all(
    settings: Settings, store: Store, ids: list[str], examine: str = EXAMINE, seconds: float = 60.0
) -> None:
    """Run one worker in a thread until all of `ids` are over."""
    with working(settings, examine):
        until(lambda: are_over(store, ids), seconds)


@contextmanager
def working(settings: Settings, examine: str = EXAMINE) -> Iterator[threading.Event]:
    """A worker in a thread of its own; setting the event asks it to end."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(settings, examine, stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(40)
    assert not thread.is_alive()


SUPERVISE = """
import sys, time
from assay.web.jobs.supervisor import Workers
from assay.web.jobs.worker import settings_of
import json
workers = Workers(settings_of(json.loads(sys.argv[1])), sys.argv[2])
workers.start()
print("started", flush=True)
while True:
    time.sleep(0.1)
    print(*workers.pids(), flush=True)
"""


def supervise(settings: Settings) -> subprocess.Popen[str]:
    """A process that looks after workers; it tells their ids on standard output."""
    told = worker.as_line(settings).decode()
    command = [sys.executable, "-c", SUPERVISE, told, EXAMINE]
    out, quiet = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdout=out, stderr=quiet, text=True, cwd=ROOT)


def descendants(pid: int) -> list[int]:
    """The processes below one, by /proc."""
    found: list[int] = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                after = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(after[1]) == pid:
                found += [int(place.name), *descendants(int(place.name))]
    return found
