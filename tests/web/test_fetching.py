"""Files fetched from addresses: only where allowed, never from a neighbour, bounded as uploads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assay.web import fetching
from assay.web.fetching import NotFetchedError, fetched
from assay.web.refusals import BodyTooLargeError, ForbiddenError, QueueFullError
from assay.web.service import Service

DATA = b"a picture of 100 bytes".ljust(100, b".")


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/inside":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/latest/meta-data")
                self.end_headers()
                return
            data = {"/empty": b"", "/large": bytes(20_000)}.get(self.path, DATA)
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def own(make_service: Callable[..., Service]) -> Service:
    return make_service(allow_urls=True, allow_private_addresses=True, max_upload_bytes=10_000)


def incoming(service: Service) -> list[str]:
    return [path.name for path in service.store.incoming.glob("*.part")]


def test_a_file_is_fetched_and_kept(own: Service, site: str) -> None:
    sent = fetched(own, f"{site}/folder/face%20one.jpg?size=large")
    assert (sent.name, sent.kept.n_bytes) == ("face one.jpg", 100)
    assert sent.source == f"{site}/folder/face%20one.jpg?size=large"
    assert own.store.media_path(sent.kept.sha256).read_bytes() == DATA
    assert incoming(own) == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "unnamed"), ("", "unnamed"), ("/a/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("/%3Cscript%3E.jpg", "<script>.jpg"), ("/a%00b.jpg", "a\\x00b.jpg"), ("/..", ".."),
    ],
)  # fmt: skip
def test_names_come_from_the_address_and_are_no_paths(path: str, name: str) -> None:
    assert fetching.name_in("http://a.example" + path) == name


def test_nothing_is_fetched_unless_the_operator_allows_it(service: Service, site: str) -> None:
    with pytest.raises(ForbiddenError):
        fetched(service, site)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x", "http://127.1:{port}/", "http://2130706433:{port}/",
        "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/", "http://localhost:{port}/",
        "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/",
        "http://0:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://169.254.169.254/latest",
        "http://[64:ff9b::7f00:1]:{port}/", "http://[fe80::1]:{port}/", "http://10.0.0.1/",
    ],
)  # fmt: skip
def test_no_neighbour_is_asked(
    make_service: Callable[..., Service], site: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a connection was opened")

    service = make_service(allow_urls=True)
    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(NotFetchedError, match="not on the public network"):
        fetched(service, url.format(port=site.rpartition(":")[2]))
    assert incoming(service) == []


def test_a_name_that_leads_inside_is_not_asked(
    make_service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [(2, 1, 6, "", (place, 80)) for place in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_n: answers)
    with pytest.raises(NotFetchedError, match="not on the public network"):
        fetched(make_service(allow_urls=True), "http://rebinding.example/a.jpg")


def test_a_redirect_to_the_inside_is_not_followed(own: Service, site: str) -> None:
    with pytest.raises(NotFetchedError, match="not on the public network"):
        fetched(own, f"{site}/inside")


@pytest.mark.parametrize(("path", "told"), [("/missing", "status 404"), ("/empty", "empty file")])
def test_what_is_no_file(own: Service, site: str, path: str, told: str) -> None:
    with pytest.raises(NotFetchedError, match=told):
        fetched(own, site + path)
    assert incoming(own) == []


def test_it_is_bounded_as_an_upload_is(own: Service, site: str) -> None:
    for most in (None, 50):
        with pytest.raises(BodyTooLargeError):
            fetched(own, f"{site}/large" if most is None else f"{site}/a.jpg", most)
    assert incoming(own) == []


def test_a_silent_site_is_left(own: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LIMIT_S", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg"
        with pytest.raises(NotFetchedError, match="too long"):
            fetched(own, url)
        assert incoming(own) == []


def test_few_are_fetched_at_once(own: Service, site: str) -> None:
    places = fetching._places
    for _ in range(fetching.AT_ONCE):
        assert places.acquire(blocking=False)
    try:
        with pytest.raises(QueueFullError):
            fetched(own, site)
    finally:
        for _ in range(fetching.AT_ONCE):
            places.release()
    assert fetched(own, f"{site}/a.jpg").kept.n_bytes == 100
