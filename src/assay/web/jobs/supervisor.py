"""The workers of one service: started, started again when they die, and ended."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from assay.web.jobs import limits
from assay.web.jobs.isolated import REAL
from assay.web.jobs.watch import FINISH_S
from assay.web.jobs.worker import as_line
from assay.web.settings import Settings

LOOK_S = 0.25
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
STEADY_S = 60.0  # one that lived so long is started again at once
LEAVE_S = FINISH_S + 7.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """Where one worker runs, or is to run again at `not_before`."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    n_deaths: int = 0


class Workers:
    """`settings.n_workers` processes; a thread looks after them between `start` and `stop`."""

    def __init__(self, settings: Settings, examine: str = REAL) -> None:
        self._line = as_line(settings, examine)
        self._places = [_Place() for _ in range(settings.n_workers)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="workers", daemon=True)

    def start(self) -> None:
        """Start all of them; returns at once."""
        for place in self._places:
            self._begin(place)
        self._thread.start()

    def n_alive(self) -> int:
        """How many run now."""
        return len(self.pids())

    def pids(self) -> list[int]:
        """The process ids of those that run now."""
        held = [place.process for place in self._places]
        return [one.pid for one in held if one is not None and one.poll() is None]

    def stop(self) -> None:
        """Ask all to end, wait until they have finished or handed back, and see that they did."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)
        held = [place.process for place in self._places if place.process is not None]
        for process in held:
            process.terminate()
            _shut(process)
        until = time.monotonic() + LEAVE_S
        for process in held:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("the worker %s did not end and is killed", process.pid)
                process.kill()
                process.wait()

    def _look_after(self) -> None:
        while not self._stop.wait(LOOK_S):
            for place in self._places:
                self._look_at(place)

    def _look_at(self, place: _Place) -> None:
        moment = time.monotonic()
        if place.process is not None and place.process.poll() is not None:
            _shut(place.process)
            code, place.process = place.process.returncode, None
            steady = moment - place.started > STEADY_S
            place.n_deaths = 1 if steady else place.n_deaths + 1
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (place.n_deaths - 1))
            place.not_before = moment + pause_s
            log.warning("a worker ended with %s; another starts in %.3g s", code, pause_s)
        if place.process is None and moment >= place.not_before:
            self._begin(place)

    def _begin(self, place: _Place) -> None:
        """Start one. Its settings go through a pipe, where no other process can read them."""
        place.started = time.monotonic()
        try:
            place.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "assay.web.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=limits.clean_environment(os.environ),
                start_new_session=True,
                bufsize=0,
            )
            assert place.process.stdin is not None
            place.process.stdin.write(self._line)
        except OSError as error:
            log.error("a worker cannot be started: %s", error)
            place.not_before = place.started + LONGEST_PAUSE_S / 4


def _shut(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        process.stdin.close()  # type: ignore[union-attr]
