"""A real `assay serve` for the tests: a process of its own, a free port, ended afterwards.

with server(tmp_path, n_workers=1) as url:
    httpx.get(url + "/health", trust_env=False)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S, END_S = 90.0, 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server: its address without the last slash, its process, and what it says on stderr."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """kill -9 of the server's process and of nothing else."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(END_S)


@contextmanager
def server(folder: Path, **settings: Any) -> Iterator[str]:
    """Serve from `folder / "data"`; gives the base URL, such as http://127.0.0.1:41873.

    `settings` are fields of Settings; without `n_workers` nothing is examined.
    """
    with started(folder, **settings) as running:
        yield running.url


@contextmanager
def started(folder: Path, **settings: Any) -> Iterator[Running]:
    """The same, with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    told = {"data": folder / "data", "port": 0, "n_workers": 0, "min_free_bytes": 0, **settings}
    with log.open("ab") as stderr, (folder / "server.out").open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "assay", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=_environment(told),
            start_new_session=True,
        )
    try:
        yield Running(_address(process, folder / "server.out", log), process, log)
    finally:
        _end(process)


def _environment(settings: dict[str, Any]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ASSAY_")}
    for name, value in settings.items():
        if value is not None:
            kept[f"ASSAY_SERVE_{name.upper()}"] = _text(name, value)
    return {"OMP_NUM_THREADS": "1", **kept}


def _text(name: str, value: Any) -> str:
    if isinstance(value, tuple | list):
        return (os.pathsep if name == "bundles" else ",").join(map(str, value))
    return str(value)


def _address(process: subprocess.Popen[bytes], said: Path, log: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        found = re.search(r"assay serves (?:\S+ from )?(http://\S+)/\n", said.read_text())
        if found is not None:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    _end(process)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; what is left of its group after that, workers too, is killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(END_S)
