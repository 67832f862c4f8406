from __future__ import annotations

import os
import signal
import socket
import stat
import time
from pathlib import Path

import httpx
import pytest

from assay.errors import ConfigError
from assay.web.server import address, require_safe, run
from assay.web.settings import Settings
from tests.web.running import server, started

PUBLIC = "https://assay.example.org"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"host": "localhost"},
        {"host": "::1"},
        {"host": "0.0.0.0", "auth": True},
        {"host": "0.0.0.0", "open_to_all": True},
        {"public_url": "http://localhost:8080"},
        {"public_url": PUBLIC, "auth": True},
    ],
)
def test_these_are_safe(fields: dict[str, object], tmp_path: Path) -> None:
    require_safe(Settings(tmp_path, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "192.168.1.5"}, {"public_url": PUBLIC}],
)
def test_strangers_are_not_let_in_by_mistake(fields: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ask nobody"):
        run(Settings(tmp_path / "data", **fields))  # type: ignore[arg-type]
    assert not (tmp_path / "data").exists()


def test_addresses(tmp_path: Path) -> None:
    assert address(Settings(tmp_path, port=81)) == "http://127.0.0.1:81/"
    assert address(Settings(tmp_path, host="::1")) == "http://[::1]:8080/"
    proxied = address(Settings(tmp_path, public_url=PUBLIC))
    assert proxied == f"{PUBLIC}/ from http://127.0.0.1:8080/"


def test_a_port_in_use_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="in use"):
            run(Settings(tmp_path / "data", port=taken.getsockname()[1]))
    assert not (tmp_path / "data").exists()


def test_it_answers_keeps_its_files_private_and_ends_when_asked(tmp_path: Path) -> None:
    with started(tmp_path) as running:
        answer = httpx.get(running.url + "/v1/openapi.json", trust_env=False)
        assert answer.status_code == 200
        assert "uvicorn" not in str(answer.headers).lower()
        for path in (tmp_path / "data").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        running.process.terminate()
        assert running.process.wait(20) == 0
    assert "Traceback" not in running.log.read_text()


def test_an_open_connection_does_not_hold_the_end_up(tmp_path: Path) -> None:
    with started(tmp_path) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as silent:
            silent.sendall(b"POST /v1/examinations HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            before = time.monotonic()
            os.kill(running.process.pid, signal.SIGINT)
            assert running.process.wait(20) == 0
            assert time.monotonic() - before < 15


def test_a_stream_of_events_does_not_hold_the_end_up(tmp_path: Path) -> None:
    with (
        started(tmp_path) as running,
        httpx.Client(base_url=running.url, trust_env=False, timeout=30) as client,
    ):
        files = {"file": ("a.txt", b"it waits: nobody examines")}
        sent = client.post("/v1/examinations", files=files).json()
        with client.stream("GET", sent["links"]["events"]) as stream:
            assert "event: progress" in stream.iter_lines()
            before = time.monotonic()
            running.process.terminate()
            assert running.process.wait(25) == 0
            assert time.monotonic() - before < 20


def test_two_servers_share_one_folder(tmp_path: Path) -> None:
    with server(tmp_path) as one, server(tmp_path) as other:
        assert one != other
        for url in (one, other):
            assert httpx.get(url + "/v1/openapi.json", trust_env=False).status_code == 200
