"""Chores: what a service does by itself from time to time, found by walking this room.

A module of `assay.web.jobs` that has `CHORE` is run. A chore that fails is logged and tried again;
none of them can stop another, nor the service.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import threading
from collections.abc import Callable
from dataclasses import dataclass

from assay.web.service import Service

log = logging.getLogger(__name__)
LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Chore:
    """`run(service)` is called every `every_s` seconds and is short; it may raise."""

    name: str
    every_s: float
    run: Callable[[Service], None]


def discover() -> list[Chore]:
    """Every chore of this room, by name."""
    package = importlib.import_module("assay.web.jobs")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    chores = [held for one in modules if isinstance(held := getattr(one, "CHORE", None), Chore)]
    return sorted(chores, key=lambda chore: chore.name)


class Chores:
    """The chores of one service, each in a thread of its own, until `stop`."""

    def __init__(self, service: Service, chores: list[Chore] | None = None) -> None:
        self._service = service
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(chore,), name=chore.name, daemon=True)
            for chore in (discover() if chores is None else chores)
        ]

    def start(self) -> None:
        """Begin; each chore runs once right away."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask all to end and wait a little for what is at work."""
        self._stop.set()
        for thread in self._threads:
            thread.join(LEAVE_S)

    def _repeat(self, chore: Chore) -> None:
        while not self._stop.is_set():
            try:
                chore.run(self._service)
            except Exception:
                log.exception("the chore %s failed", chore.name)
            self._stop.wait(chore.every_s)
