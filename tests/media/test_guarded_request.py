"""Asking a stranger's address: what is refused before a byte is sent, how failures are told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from assay.errors import UsageError
from assay.media import guarded_request
from assay.media.guarded_request import FetchError, is_public, is_public_or_own, post

Serve = Callable[[socket.socket], None]


@dataclass
class Fetched:
    data: bytes
    address: str


def soon() -> float:
    return time.monotonic() + 5


def fetch(address: str, until: float, allowed: Callable[[str], bool] = is_public) -> Fetched:
    pieces: list[bytes] = []
    answer = guarded_request.get(
        address, pieces.append, max_bytes=2**20, until=until, allowed=allowed
    )
    assert (answer.status, answer.n_bytes) == (200, len(b"".join(pieces)))
    return Fetched(b"".join(pieces), answer.address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "ff02::1", "localhost", "",
    ],
)  # fmt: skip
def test_addresses_that_are_never_called(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_addresses_of_the_public_network(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.com/a", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("manifest.c2pa", "scheme"),
        ("", "scheme"),
        ("http://", "address"),
        ("http://user:word@example.com/", "address"),
        ("http://example.com/a b", "address"),
        ("http://example.com/\r\nX: y", "address"),
        ("http://[::1", "address"),
        ("http://example.com:99999/", "address"),
        ("http://example.com/" + "a" * 3000, "address"),
        ("http://example.com:25/", "address"),
        ("https://example.com:22/", "address"),
        ("http://127.0.0.1/", "private_address"),
        ("http://127.1/", "private_address"),
        ("http://0x7f000001/", "private_address"),
        ("http://0177.0.0.1/", "private_address"),
        ("http://[::ffff:127.0.0.1]/", "private_address"),
        ("http://[::ffff:a9fe:a9fe]/", "private_address"),
        ("http://0/", "private_address"),
        ("http://localhost/", "private_address"),
        ("https://[::1]/", "private_address"),
        ("http://2130706433/", "private_address"),
        ("http://169.254.169.254/latest/meta-data", "private_address"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, address: str, code: str
) -> None:
    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(FetchError) as caught:
        fetch(address, soon())
    assert caught.value.code == code


@pytest.fixture
def server() -> Iterator[Callable[[Serve], str]]:
    listeners: list[socket.socket] = []

    def start(serve: Serve) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65_536)
                        serve(connection)
                    except OSError:
                        pass

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/m.c2pa"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def loopback(address: str) -> bool:
    return address == "127.0.0.1"


def answering(data: bytes) -> Serve:
    return lambda connection: connection.sendall(data)


def test_a_plain_answer_comes_whole(server: Callable[[Serve], str]) -> None:
    address = server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"))
    found = fetch(address, soon(), loopback)
    assert (found.data, found.address) == (b"abcde", address)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(65_536))


def _dripping(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:  # one letter of a header at a time: no single read ever runs out of time
        connection.sendall(b"x")
        time.sleep(0.05)


def _silent(_connection: socket.socket) -> None:
    time.sleep(3)


@pytest.mark.parametrize(
    ("serve", "code"),
    [
        (answering(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "status"),
        (answering(b"HTTP/1.1 302 Go\r\n\r\n"), "malformed"),
        (answering(b"what is this\r\n\r\n"), "malformed"),
        (answering(b""), "connection"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "connection"),
        (answering(b"HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\n\r\n"), "scheme"),
        (answering(b"HTTP/1.1 302 Go\r\nLocation: http://10.0.0.1/\r\n\r\n"), "private_address"),
        (answering(b"HTTP/1.1 302 Go\r\nLocation: /again\r\n\r\n"), "redirects"),
        (_endless, "too_large"),
    ],
)
def test_failures_are_told_apart(server: Callable[[Serve], str], serve: Serve, code: str) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(server(serve), soon(), loopback)
    assert caught.value.code == code
    assert str(caught.value)


@pytest.mark.parametrize("serve", [_silent, _dripping])
def test_a_slow_server_is_left(server: Callable[[Serve], str], serve: Serve) -> None:
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        fetch(server(serve), started + 0.6, loopback)
    assert caught.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_named: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError) as caught:
        fetch("https://nobody.invalid/", soon())
    assert caught.value.code == "unresolved"


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", (place, 80)) for place in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_n: answers)
    with pytest.raises(FetchError) as caught:
        fetch("http://two.example/", soon())
    assert caught.value.code == "private_address"


def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []

    def connect(place: tuple[str, int], timeout: float) -> None:
        called.append(place)
        raise ConnectionRefusedError

    answers = [(2, 1, 6, "", ("93.184.216.34", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_n: answers)
    monkeypatch.setattr(guarded_request.socket, "create_connection", connect)
    with pytest.raises(FetchError) as caught:
        fetch("http://rebinding.example/", soon())
    assert caught.value.code == "connection"
    assert called == [("93.184.216.34", 80)]


def test_from_https_there_is_no_way_back_to_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_request, "_request", lambda *_: "http://example.com/")
    with pytest.raises(FetchError) as caught:
        fetch("https://example.com/", soon())
    assert caught.value.code == "downgrade"


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("192.168.1.1", True),
        ("fc00::1", True), ("93.184.216.34", True), ("::ffff:10.0.0.1", True),
        ("169.254.169.254", False), ("fe80::1", False), ("::ffff:169.254.169.254", False),
        ("0.0.0.0", False), ("0.1.2.3", False), ("::", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("ff02::1", False), ("localhost", False),
    ],
)  # fmt: skip
def test_the_operators_own_network(address: str, held: bool) -> None:
    assert is_public_or_own(address) is held


def test_what_the_sink_refuses_ends_the_request(server: Callable[[Serve], str]) -> None:
    def refuse(_piece: bytes) -> None:
        raise UsageError("no more")

    with pytest.raises(UsageError, match="no more"):
        guarded_request.get(
            server(_endless), refuse, max_bytes=2**30, until=soon(), allowed=loopback
        )


def test_a_body_is_posted_and_any_status_is_the_answer() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while b"the body" not in b"".join(heard):
                heard.append(connection.recv(65_536))
            connection.sendall(b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    answer = post(address, b"the body", {"X-Sign": "abc"}, until=soon(), allowed=loopback)
    thread.join(5)
    listener.close()
    assert (answer.status, answer.address) == (302, address)
    sent = b"".join(heard)
    assert sent.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"X-Sign: abc\r\n" in sent
    assert b"Content-Length: 8\r\n" in sent


def test_a_post_goes_to_no_neighbour() -> None:
    with pytest.raises(FetchError) as caught:
        post("http://127.0.0.1:9999/", b"", {}, until=soon())
    assert caught.value.code == "private_address"


def test_an_endless_answer_to_a_post_is_left(server: Callable[[Serve], str]) -> None:
    answer = post(server(_endless), b"x", {}, until=soon(), allowed=loopback)
    assert answer.status == 200
