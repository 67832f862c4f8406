"""Ask an address that someone else chose: never one from inside, never for long, never for much.

A file or a stranger decides the address, so the request must not become a way to make this
machine call its neighbours: only http and https, only addresses of the public network (checked
after the name was looked up, and the connection goes to exactly the address that was checked), at
each redirect anew, few redirects, a bounded answer, bounded time. No proxy, no cookies, no
credentials.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from assay.errors import AssayError

if TYPE_CHECKING:
    import http.client

MAX_ADDRESS_CHARS = 2000
MAX_REDIRECTS = 3
CHUNK_BYTES = 65_536
ANSWER_BYTES = 65_536  # of a POST: read, so that the other side sees us take it, and dropped
PORTS = {"http": 80, "https": 443}
REDIRECTS = (301, 302, 303, 307, 308)
Allowed = Callable[[str], bool]
Sink = Callable[[bytes], object]


class FetchError(Exception):
    """The request came to nothing: `code` is stable, the text says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the address that gave it in the end, and how many bytes came."""

    status: int
    address: str
    n_bytes: int


def is_public(address: str) -> bool:
    """Whether a numeric address belongs to the public network, tunnels to a private one excluded.

    Source: the registries of RFC 6890, as the standard library keeps them.
    """
    import ipaddress

    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in ipaddress.ip_network("64:ff9b::/96"):  # RFC 6052: IPv4 behind a translator
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if found.teredo or (inner is not None and not is_public(str(inner))):
            return False
    return found.is_global and not found.is_multicast


def is_public_or_own(address: str) -> bool:
    """`is_public`, or of the operator's own network: private or loopback, never link-local.

    Link-local is where clouds keep their machines' credentials.
    """
    import ipaddress

    if is_public(address):
        return True
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_loopback:
        return True
    never = found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved
    return found.is_private and not never and found.packed[0] != 0


def allowed_by(own_too: bool) -> Allowed:
    """Which addresses a request may go to: the public ones, with `own_too` the operator's also."""
    return is_public_or_own if own_too else is_public


@dataclass(slots=True)
class _Errand:
    """One request under way; `sock` is closed from outside when its time is up."""

    until: float
    allowed: Allowed
    sink: Sink
    max_bytes: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sock: socket.socket | None = None
    given_up: bool = False
    answer: list[Answer | Exception] = field(default_factory=list)
    # Held while the sink is called: once the errand is given up, the sink is not called again.
    pouring: threading.Lock = field(default_factory=threading.Lock)

    def left_s(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0 or self.given_up:
            raise FetchError("timeout", "the server took too long")
        return left


def get(
    address: str, sink: Sink, *, max_bytes: int, until: float, allowed: Allowed = is_public
) -> Answer:
    """Hand what lies at `address` to `sink`, piece by piece; raises FetchError with the reason.

    `until` is a time.monotonic(). `allowed` says of a numeric address whether it may be called.
    `sink` is called in another thread; an AssayError that it raises ends the request and is
    raised here.
    """
    return _asked(_Errand(until, allowed, sink, max_bytes), address)


def post(
    address: str, body: bytes, headers: Mapping[str, str], *, until: float,
    allowed: Allowed = is_public,
) -> Answer:  # fmt: skip
    """Send a small body; whatever status comes is the answer, redirects are not followed.

    What the server says beside its status is dropped. Raises FetchError.
    """
    errand = _Errand(until, allowed, len, ANSWER_BYTES, body, dict(headers))
    return _asked(errand, address)


def require_address(address: str) -> SplitResult:
    """The parts of an address that may be called, as far as its text tells. Raises FetchError."""
    if len(address) > MAX_ADDRESS_CHARS or any(ord(letter) <= 32 for letter in address):
        raise FetchError("address", "the address is malformed")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FetchError("address", "the address is malformed") from None
    if parts.scheme not in PORTS:
        raise FetchError("scheme", "only http and https addresses are fetched")
    if not host or parts.username is not None or parts.password is not None:
        raise FetchError("address", "the address names no host, or carries a password")
    if port is not None and port < 1024 and port not in PORTS.values():
        raise FetchError("address", "the port is that of another kind of service")
    return parts


def _asked(errand: _Errand, address: str) -> Answer:
    # In a thread of its own: looking a name up cannot be given a time limit.
    thread = threading.Thread(target=_run, args=(errand, address), daemon=True)
    thread.start()
    thread.join(max(0.0, errand.until - time.monotonic()) + 0.2)
    if not errand.answer:
        errand.given_up = True
        if errand.sock is not None:
            _close(errand.sock)
        with errand.pouring:
            pass
        raise FetchError("timeout", "the server took too long")
    answer = errand.answer[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _run(errand: _Errand, address: str) -> None:
    try:
        errand.answer.append(_follow(errand, address))
    except (FetchError, AssayError) as problem:
        errand.answer.append(problem)
    except Exception as problem:  # whatever a hostile server provokes in the libraries
        errand.answer.append(_named(problem))


def _named(problem: Exception) -> FetchError:
    import ssl

    if isinstance(problem, TimeoutError):
        return FetchError("timeout", "the server took too long")
    if isinstance(problem, ssl.SSLError):
        return FetchError("tls", "no secure connection came about")
    if isinstance(problem, OSError):
        return FetchError("connection", "no connection came about, or it broke")
    return FetchError("malformed", "what the server sent is no answer that can be read")


def _follow(errand: _Errand, address: str) -> Answer:
    for _ in range(MAX_REDIRECTS + 1):
        parts = require_address(address)
        found = _request(errand, parts)
        if not isinstance(found, str):
            return Answer(found[0], address, found[1])
        next_address = urljoin(address, found)
        if parts.scheme == "https" and urlsplit(next_address).scheme == "http":
            raise FetchError("downgrade", "the server leads from https to http")
        address = next_address
    raise FetchError("redirects", f"more than {MAX_REDIRECTS} redirects")


def _request(errand: _Errand, parts: SplitResult) -> tuple[int, int] | str:
    """The status and the number of bytes, or the address that the server redirects to."""
    import http.client

    from assay import __version__

    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port or PORTS[parts.scheme])
    errand.sock = connection.sock = _connected(errand, parts, host)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept-Encoding": "identity", "User-Agent": f"assay/{__version__}"}
        method = "GET" if errand.body is None else "POST"
        address = quote(path, safe="/%?:@!$&'()*+,;=~[]")
        connection.request(method, address, errand.body, headers={**headers, **errand.headers})
        response = connection.getresponse()
        if errand.body is None and response.status in REDIRECTS:
            place = response.getheader("Location")
            if not place:
                raise FetchError("malformed", "the server redirects to nowhere")
            return place
        if errand.body is None and response.status != 200:
            raise FetchError("status", f"the server answers with status {response.status}")
        return response.status, _pour(errand, response)
    finally:
        connection.close()


def _connected(errand: _Errand, parts: SplitResult, host: str) -> socket.socket:
    port = parts.port or PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError("unresolved", "the host's name cannot be looked up") from None
    places = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not places or not all(errand.allowed(place) for place in places):
        raise FetchError("private_address", "the host is not on the public network")
    # The address that was checked, not the name again: a second look-up could answer otherwise.
    sock = _first_that_answers(errand, places, port)
    if parts.scheme == "http":
        return sock
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except Exception:
        sock.close()
        raise


def _first_that_answers(errand: _Errand, places: list[str], port: int) -> socket.socket:
    for place in places[:-1]:
        try:
            return socket.create_connection((place, port), timeout=errand.left_s() / 2)
        except OSError:
            continue
    return socket.create_connection((places[-1], port), timeout=errand.left_s())


def _pour(errand: _Errand, response: http.client.HTTPResponse) -> int:
    n_bytes = 0
    while piece := response.read1(CHUNK_BYTES):
        n_bytes += len(piece)
        if n_bytes > errand.max_bytes:
            if errand.body is not None:
                return n_bytes
            raise FetchError("too_large", f"more than {errand.max_bytes >> 20} MB came")
        with errand.pouring:
            errand.left_s()
            errand.sink(piece)
    if errand.body is None and response.length:  # what the server promised and did not send
        raise FetchError("connection", "the answer broke off")
    return n_bytes
