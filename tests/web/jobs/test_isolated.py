from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.web.jobs import isolated
from assay.web.jobs.isolated import Host, HostError
from tests.web.jobs.quick import EXAMINE
from tests.web.jobs.running import until


@pytest.fixture
def host() -> Iterator[Host]:
    held = Host(EXAMINE)
    yield held
    held.stop()


def job(tmp_path: Path, word: str) -> dict[str, Any]:
    folder = tmp_path / "result"
    folder.mkdir(exist_ok=True)
    (tmp_path / "file").write_text(word)
    return {
        "path": str(tmp_path / "file"),
        "name": "a.jpg",
        "sha256": "0" * 64,
        "folder": str(folder),
        "temp": str(tmp_path),
        "errors": str(tmp_path / "stderr.txt"),
        "time_limit_s": 60.0,
        "memory_limit_bytes": 2**32,
        "allow_network": False,
        "readable": [],
        "writable": [str(tmp_path)],
    }


def test_it_says_how_it_ended_and_what_it_took(host: Host, tmp_path: Path) -> None:
    said = []
    ended = host.run(job(tmp_path, "sleep 0.5"), 30, lambda one: said.append(one) or True)
    assert (ended.code, ended.because) == (0, "")
    assert ended.max_rss_bytes > 2**20
    assert ("read", 0, 1) in said
    assert host.about["engine"] == "quick"


@pytest.mark.parametrize(
    ("word", "code"), [("crash", -signal.SIGSEGV), ("abort", -signal.SIGABRT), ("memory", 71)]
)
def test_the_signal_is_told(host: Host, tmp_path: Path, word: str, code: int) -> None:
    wanted = job(tmp_path, word) | {"memory_limit_bytes": 2**30}
    assert host.run(wanted, 30, lambda _: True).code == code
    assert host.run(job(tmp_path, "ok"), 30, lambda _: True).code == 0


def test_the_hard_limit_kills(host: Host, tmp_path: Path) -> None:
    ended = host.run(job(tmp_path, "hang"), 0.5, lambda _: True)
    assert (ended.code, ended.because) == (-signal.SIGKILL, "time")


def test_it_stops_when_told_to(host: Host, tmp_path: Path) -> None:
    ended = host.run(job(tmp_path, "hang"), 30, lambda one: one is None)
    assert (ended.code, ended.because) == (-signal.SIGKILL, "stopped")


def test_a_host_that_is_killed_is_an_error_and_then_started_again(
    host: Host, tmp_path: Path
) -> None:
    host.start()
    first = host.pid
    assert first is not None

    def kill(_said: object) -> bool:
        os.kill(first, signal.SIGKILL)
        return True

    with pytest.raises(HostError):
        host.run(job(tmp_path, "hang"), 30, kill)
    assert host.run(job(tmp_path, "ok"), 30, lambda _: True).code == 0
    assert host.pid != first


def test_what_is_examined_dies_with_the_host(host: Host, tmp_path: Path) -> None:
    from tests.web.jobs.running import descendants

    found: list[int] = []

    def kill(said: object) -> bool:
        if said is not None and host.pid is not None:
            found.extend(descendants(host.pid))
            os.kill(host.pid, signal.SIGKILL)
        return True

    with pytest.raises(HostError):
        host.run(job(tmp_path, "hang"), 30, kill)
    assert found
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in found), 10)


def test_a_host_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostError):
        Host("no.such.module:examine").start()
    monkeypatch.setattr(isolated.sys, "executable", "/no/such/python")
    with pytest.raises(HostError):
        Host(EXAMINE).start()


@pytest.mark.parametrize(
    "data",
    [b"no json\n", b"[1, 2]\n", b'{"a": 1}\n', b'["a", "b", "c"]\n', b"\xff\n", b"x" * 70_000],
)
def test_what_cannot_be_understood_is_passed_over(host: Host, data: bytes) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    os.write(writing, data)
    host._progress = reading
    assert host._said() is None
    assert len(host._held["progress"]) <= isolated.MAX_LINE_BYTES
    os.write(writing, b'\n["faces", 1, 2]\n')
    said = [host._said() for _ in range(3)]
    assert ("faces", 1, 2) in said
    os.close(writing)
    os.close(reading)
