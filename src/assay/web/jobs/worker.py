"""A worker: claims one file at a time, has it examined in a process of its own, keeps the result.

`python -m assay.web.jobs.worker` reads the settings as one line of JSON from standard input and
ends when that closes, on SIGTERM and on SIGINT: what it is at is finished within a few seconds or
handed back. Killed at any moment it loses nothing: its claim runs out and the file is examined by
another.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from assay.web.jobs import file_access, no_network
from assay.web.jobs.examination import examined, settled
from assay.web.jobs.isolated import REAL, Host
from assay.web.jobs.scratch import Scratch
from assay.web.settings import Settings
from assay.web.store import presence, queue
from assay.web.store.database import Store, open_store

SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.05, 0.5  # between two looks into an empty queue
FAULT_WAIT_S = 5.0
SIGN_S = 10.0
LACKS = {
    "The system has no seccomp filters: native code could open connections.": no_network.can_refuse,
    "The system has no Landlock: native code could read other files.": file_access.version,
}
log = logging.getLogger(__name__)


class Worker:
    """One worker; `serve` returns soon after `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        examine: str = REAL,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings, self.store = settings, store
        self.stop = stop or threading.Event()
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{threading.get_native_id()}"
        self.host = Host(examine)
        self.scratch = Scratch(store.folder)
        self._signed = -SIGN_S

    def serve(self) -> None:
        """Examine until `stop` is set. A fault of the database or the machine is waited out."""
        wait_s = SHORTEST_WAIT_S
        while not self.stop.is_set():
            try:
                self.host.start()
                self.sign()
                worked = self.step()
                wait_s = SHORTEST_WAIT_S if worked else min(2 * wait_s, LONGEST_WAIT_S)
            except Exception:
                log.exception("the worker %s waits after a fault", self.name)
                worked, wait_s = False, FAULT_WAIT_S
            if not worked:
                self.stop.wait(wait_s)

    def step(self) -> bool:
        """Claim one file and see it through; False where none waits."""
        held = queue.claim(self.store, self.name)
        if held is None:
            return False
        with self.scratch.fresh() as temp:
            found = examined(self, held, temp)
        folder = self.store.result_folder(held.id, held.claim)
        if not settled(self.store, held, found):
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def close(self) -> None:
        """End the host, remove the private folder, say that this worker is gone."""
        self.host.stop()
        self.scratch.close()
        try:
            presence.leave(self.store, self.name)
        except SQLAlchemyError as error:
            log.warning("the worker could not say that it ends: %s", error)

    def sign(self) -> None:
        """Say that this worker is there, every ten seconds at most. Raises SQLAlchemyError."""
        if time.monotonic() - self._signed < SIGN_S:
            return
        lacks = [what for what, is_there in LACKS.items() if not is_there()]
        facts = {"isolation": " ".join(lacks), "engine": self.host.about.get("engine", "")}
        presence.sign(self.store, self.name, facts)
        self._signed = time.monotonic()


def run(settings: Settings, examine: str = REAL, stop: threading.Event | None = None) -> None:
    """Work until `stop` is set; `examine` ("module:function") runs in the processes it makes.

    Raises ConfigError, InstallationError, OSError where it cannot begin.
    """
    store = open_store(settings)
    worker = Worker(settings, store, examine, stop)
    try:
        worker.serve()
    finally:
        worker.close()
        store.close()


def as_line(settings: Settings, examine: str = REAL) -> bytes:
    """The settings as a worker reads them."""
    told = {**asdict(settings), "data": str(settings.data.absolute()), "examine": examine}
    return json.dumps(told).encode() + b"\n"


def settings_of(told: Mapping[str, Any]) -> Settings:
    """The settings from what `as_line` wrote."""
    known = {field.name for field in fields(Settings)}
    values = {name: held for name, held in told.items() if name in known}
    values |= {name: tuple(held) for name, held in values.items() if isinstance(held, list)}
    return Settings(**{**values, "data": Path(told["data"])})


def main() -> int:
    """The program."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    told = sys.stdin.buffer.readline()
    if not told:
        return 0
    message = json.loads(told)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    no_network.hide_memory()
    threading.Thread(target=_until_closed, args=(stop,), daemon=True).start()
    run(settings_of(message), message["examine"], stop)
    return 0


def _until_closed(stop: threading.Event) -> None:
    """Who started this worker is gone when its end of the pipe is."""
    while os.read(0, 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
