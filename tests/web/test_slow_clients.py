"""Connections that give nothing, against uvicorn itself."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs the web extra")

import uvicorn

from assay.web import slow_clients

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = 64 * 2**20


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/events":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await receive()
        await receive()
        return
    if scope["path"] == "/large":
        headers = [(b"content-length", str(LARGE).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(LARGE // 2**16):
            await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


class Serving:
    def __init__(self, **bounds: Any) -> None:
        config = uvicorn.Config(
            answer, port=0, http=slow_clients.protocol_class(**bounds), lifespan="off",
            log_level="critical", ws="none", timeout_keep_alive=5, timeout_graceful_shutdown=5,
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=asyncio.run, args=(self.server.serve(),))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.place = self.server.servers[0].sockets[0].getsockname()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.place, timeout=5)

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    held: list[Serving] = []

    def start(**bounds: Any) -> Serving:
        held.append(Serving(**{"most": 100, **bounds}))
        return held[-1]

    yield start
    for one in held:
        one.end()


def heard(connection: socket.socket) -> bytes:
    """All until the other side ends."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def is_answered(connection: socket.socket) -> bool:
    told = b""
    while not told.endswith(b"0\r\n\r\n"):
        piece = connection.recv(65_536)
        if not piece:
            return False
        told += piece
    return told.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_plain_request_is_answered_and_the_connection_kept(
    serve: Callable[..., Serving],
) -> None:
    with serve(headers_s=2).connect() as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert is_answered(connection)
            time.sleep(0.3)


@pytest.mark.parametrize("first", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_headers_that_do_not_come_end_the_connection(
    serve: Callable[..., Serving], first: bytes
) -> None:
    with serve(headers_s=0.4).connect() as connection:
        began = time.monotonic()
        connection.sendall(first)
        assert b"200" not in heard(connection)
        assert 0.2 < time.monotonic() - began < 5


def test_headers_that_drip_end_the_connection(serve: Callable[..., Serving]) -> None:
    with serve(headers_s=0.5).connect() as connection:
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        ended = False
        while not ended and time.monotonic() - began < 4:
            try:
                connection.sendall(b"X-A: b\r\n")
            except OSError:
                ended = True
            time.sleep(0.05)
        assert ended


def test_the_second_request_of_a_connection_is_no_slower(serve: Callable[..., Serving]) -> None:
    with serve(headers_s=0.5).connect() as connection:
        connection.sendall(GET)
        assert is_answered(connection)
        began = time.monotonic()
        connection.sendall(b"GET /")
        heard(connection)
        assert time.monotonic() - began < 4


def test_an_answer_that_nobody_reads_is_given_up(serve: Callable[..., Serving]) -> None:
    with serve(unread_s=0.5).connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2)
        assert 0 < len(heard(connection)) < LARGE


def test_an_answer_that_is_read_slowly_comes_whole(serve: Callable[..., Serving]) -> None:
    with serve(unread_s=1.5).connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        n_bytes = 0
        for _ in range(8):
            n_bytes += len(connection.recv(2**18))
            time.sleep(0.3)
        assert n_bytes + len(heard(connection)) > LARGE


def test_connections_are_bounded(serve: Callable[..., Serving]) -> None:
    serving = serve(most=5, headers_s=5)
    held = [serving.connect() for _ in range(5)]
    time.sleep(0.2)
    with serving.connect() as extra:
        assert heard(extra) == b""
    for one in held:
        one.sendall(GET)
        assert is_answered(one)
        one.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 3 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA: \x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000,
    ],
)
def test_what_is_no_request_is_a_problem_too(serve: Callable[..., Serving], sent: bytes) -> None:
    with serve().connect() as connection:
        connection.sendall(sent)
        head, _, body = heard(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["code"] == "wrong_request"


def test_a_broken_body_ends_the_connection_and_nothing_else(
    serve: Callable[..., Serving],
) -> None:
    serving = serve()
    with serving.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"zz\r\nno chunk\r\n")
        assert heard(connection).startswith(b"HTTP/1.1 400 ")
    with serving.connect() as connection:
        connection.sendall(GET)
        assert is_answered(connection)


def test_a_stream_of_events_does_not_hold_up_the_end(serve: Callable[..., Serving]) -> None:
    serving = serve()
    with serving.connect() as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" in connection.recv(65_536)
        began = time.monotonic()
        serving.end()
        assert time.monotonic() - began < 3


def test_the_limit_of_files_gives_the_number_of_connections() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = slow_clients.max_connections()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert 16 <= n <= slow_clients.MAX_CONNECTIONS
    assert soft == resource.RLIM_INFINITY or n <= max(16, soft - slow_clients.SPARE_FILES)
