"""Run one examination in a process of its own, watched: how it went, and what it said meanwhile."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from assay.web.jobs import limits

READY_S = 120.0  # importing everything on a machine with much else to do
KILLED_S = 10.0
WAKE_S = 0.25
MAX_LINE_BYTES = 4096
REAL = "assay.web.jobs.examiner:examine_file"
log = logging.getLogger(__name__)
# Told what the process says now ((step, done, total), or None); the answer is whether to go on.
Tick = Callable[[tuple[str, int, int] | None], bool]


class HostError(Exception):
    """The process that forks examinations cannot be started or went away."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an examining process ended: `code` as `subprocess` tells it, negative for a signal.

    `because` is "" by itself, "time" for the hard limit, "stopped" where `tick` said so.
    """

    code: int
    because: str
    max_rss_bytes: int
    cpu_s: float


class Host:
    """The process that has everything imported, started when first needed and again when lost.

    To be used from one thread that lives as long as it: the host ends with that thread.
    """

    def __init__(self, examine: str = REAL) -> None:
        self._examine = examine
        self._process: subprocess.Popen[bytes] | None = None
        self._progress = -1
        self._held = {"answers": b"", "progress": b""}
        self.about: Mapping[str, Any] = {}

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it where it does not run. Raises HostError."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        reading, writing = os.pipe()
        command = [sys.executable, "-P", "-m", "assay.web.jobs.host"]
        try:
            self._process = subprocess.Popen(
                [*command, self._examine, str(writing), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=limits.clean_environment(os.environ),
                pass_fds=(writing,),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            os.close(reading)
            raise HostError(f"no process can be started: {error.strerror}") from error
        finally:
            os.close(writing)
        self._progress, self._held = reading, {"answers": b"", "progress": b""}
        os.set_blocking(reading, False)
        self.about = self._answer(time.monotonic() + READY_S)["ready"]

    def stop(self) -> None:
        """End it, and what it runs."""
        if self._process is not None:
            self._process.kill()  # its child ends with it
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            os.close(self._progress)
            self._process = None

    def run(self, job: Mapping[str, Any], limit_s: float, tick: Tick) -> Ended:
        """Examine; `tick` is called several times a second. Raises HostError where all is lost."""
        self.start()
        self._said()  # whatever an earlier one left
        self._send(job)
        until, because = time.monotonic() + limit_s, ""
        while True:
            ready = self._ready(WAKE_S)
            if self._answers() in ready:
                ended = self._answer(time.monotonic() + KILLED_S)
                return Ended(
                    ended["ended"],
                    because if ended["ended"] == -signal.SIGKILL else "",
                    ended["max_rss_bytes"],
                    ended["cpu_s"],
                )
            goes_on = tick(self._said())
            if because and time.monotonic() > until:
                self.stop()
                raise HostError("an examination did not end when it was killed")
            if not because and (not goes_on or time.monotonic() > until):
                because = "time" if goes_on else "stopped"
                until = time.monotonic() + KILLED_S
                self._send("end")

    def _answers(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def _ready(self, wait_s: float) -> list[int]:
        return select.select([self._answers(), self._progress], [], [], wait_s)[0]

    def _send(self, message: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError as error:
            self.stop()
            raise HostError("the process that forks examinations went away") from error

    def _answer(self, until: float) -> dict[str, Any]:
        """The next line of the host's own."""
        while b"\n" not in self._held["answers"]:
            wait_s = max(0.0, until - time.monotonic())
            ready = select.select([self._answers()], [], [], wait_s)[0]
            data = os.read(self._answers(), 65_536) if ready else b""
            if not data:
                self.stop()
                raise HostError("the process that forks examinations went away")
            self._held["answers"] += data
        line, _, self._held["answers"] = self._held["answers"].partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _said(self) -> tuple[str, int, int] | None:
        """The last thing that the examining process said since, if it can be understood."""
        try:
            data = os.read(self._progress, 65_536)
        except BlockingIOError:
            return None
        lines = (self._held["progress"] + data).split(b"\n")
        self._held["progress"] = lines[-1][:MAX_LINE_BYTES]
        for line in reversed(lines[:-1]):
            with contextlib.suppress(ValueError, TypeError):
                step, done, total = json.loads(line)
                if isinstance(step, str):
                    return step[:80], int(done), int(total)
        return None
