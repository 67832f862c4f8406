"""The edge of the service: what no request may do, and what every answer carries.

It stands around everything, the answers to faults too: the Host is one of ours (a page of another
site that points its name at this machine is not served), bodies are bounded in size and in time,
requests are bounded in number, and browsers are told to trust nothing but our own files.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from assay.errors import AssayError
from assay.web.api import problems
from assay.web.page import report_policy
from assay.web.refusals import BodyTooLargeError, Refusal, SlowClientError, UnprocessableError
from assay.web.settings import LOOPBACK, Settings

log = logging.getLogger(__name__)

MAX_AT_ONCE, MAX_UPLOADS = 256, 128
FORM_BYTES = 2**20  # any body that is no upload, and what an upload's other fields may take
SILENT_S = 20.0  # between two pieces of a body
GRACE_S = 20.0
SLOWEST_BYTES_PER_S = 1024  # on the average of a body, after GRACE_S
LINGER_S, LINGER_BYTES = 2.0, 32 * 2**20
SMALL_BYTES = 65_536  # of an unread body: read to its end, so that the connection can stay
ALWAYS_ANSWERED = ("/health", "/health/live")

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
FILE_POLICY = f"{NOTHING}; sandbox"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class WrongHostError(Refusal):
    """The request is for a name that this service does not go by."""

    code, http_status = "wrong_host", 421
    remedy = "Ask by the address that the service prints, or set public_url to the one you use."


class BusyError(Refusal):
    """As many requests are at work as are served at once."""

    code, http_status = "busy", 503
    remedy = "Try again in a moment."


def install_middleware(app: FastAPI) -> None:
    """Stand around the whole application, what answers to faults included."""
    inner = app.build_middleware_stack

    def build() -> App:
        app.state.edges = Edges(inner(), app.state.service.settings)
        edges: Edges = app.state.edges
        return edges

    app.build_middleware_stack = build  # type: ignore[assignment, method-assign]


class Edges:
    """The outermost ASGI application.

    `n_at_once` requests are at work, `n_uploads` of them take files: those may come slowly, so
    they leave places for the others. `refused` counts what was refused here, by code.
    """

    def __init__(
        self, app: App, settings: Settings, max_at_once: int = MAX_AT_ONCE,
        max_uploads: int = MAX_UPLOADS,
    ) -> None:  # fmt: skip
        self._app, self._settings = app, settings
        self._most, self._most_uploads = max_at_once, max_uploads
        self._hosts = own_names(settings)
        self.n_at_once = self.n_uploads = 0
        self.refused: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._admit(scope, _Exchange(scope, receive, send, self._settings))

    async def _admit(self, scope: Any, exchange: _Exchange) -> None:
        full = self.n_at_once >= self._most or (
            exchange.is_upload and self.n_uploads >= self._most_uploads
        )
        if scope["path"] in ALWAYS_ANSWERED:
            await self._serve(scope, exchange)
        elif full:  # and what is refused takes no place while it ends
            await self._refuse(exchange, BusyError("Too many are at work.", retry_after_s=1))
        else:
            self.n_at_once += 1
            self.n_uploads += exchange.is_upload
            try:
                await self._serve(scope, exchange)
            finally:
                self.n_at_once -= 1
                self.n_uploads -= exchange.is_upload

    async def _serve(self, scope: Any, exchange: _Exchange) -> None:
        try:
            self._check(scope, exchange)
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if not exchange.is_over:  # else it was answered and logged on its way here
                await self._refuse(exchange, exchange.refusal or error)
        else:
            if exchange.refusal is not None:
                await self._refuse(exchange, exchange.refusal)

    async def _refuse(self, exchange: _Exchange, error: Exception) -> None:
        self.refused[getattr(error, "code", "internal_error")] += 1
        await exchange.answer(error)

    def _check(self, scope: Any, exchange: _Exchange) -> None:
        require_own_name(scope, self._hosts)
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope.get("query_string", b""):
            raise UnprocessableError("The address holds a NUL character.")
        exchange.require_room()


def own_names(settings: Settings) -> frozenset[str]:
    """The names under which the service may be asked for; numeric addresses need no list."""
    names = {*LOOPBACK, settings.host.lower()}
    if settings.public_url:
        names.add((urlsplit(settings.public_url).hostname or "").lower())
    if not settings.on_loopback:
        names.add(socket.gethostname().lower())
    return frozenset(names - {""})


def require_own_name(scope: Any, names: frozenset[str]) -> None:
    """Raise WrongHostError unless the Host is one of `names` or a numeric address.

    A browser that was led here by another site's name sends that name; no site can make it send
    a number without asking for that number.
    """
    sent = [value for name, value in scope["headers"] if name == b"host"]
    try:
        if len(sent) != 1:
            raise ValueError
        parts = urlsplit("//" + sent[0].decode("ascii"))
        host, _port = (parts.hostname or "").rstrip("."), parts.port
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError
    except ValueError:
        raise UnprocessableError("The request needs one Host header that names us.") from None
    if host not in names and not _is_numeric(host):
        raise WrongHostError("The request is for another host.")


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def body_limit(settings: Settings, method: str, path: str) -> int:
    """The most bytes of a request's body. Files are measured one by one where they are taken."""
    n_files = 0
    if method == "POST" and path.rstrip("/") in ("/v1/examinations", "/examinations"):
        n_files = 2  # the file and a reference
    if method == "POST" and path.rstrip("/") in ("/v1/batches", "/examinations"):
        n_files = max(2, settings.max_batch_files)
    return n_files * (settings.max_upload_bytes + SMALL_BYTES) + FORM_BYTES


class _Exchange:
    """One request and its answer, each piece looked at on its way."""

    def __init__(self, scope: Any, receive: Receive, send: Send, settings: Settings) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._settings = settings
        headers = dict(scope["headers"])
        self._announced = _number(headers.get(b"content-length"))
        chunked = b"transfer-encoding" in headers
        self._unread = chunked or bool(self._announced)  # whether more of the body is to come
        self._most = body_limit(settings, scope["method"], scope["path"])
        self.is_upload = self._unread and self._most > FORM_BYTES
        self._n_bytes, self._waited_s = 0, 0.0
        self._started = self._closing = self.is_over = False
        self.refusal: Exception | None = None

    def require_room(self) -> None:
        """Raise BodyTooLargeError where the body is announced as too large."""
        if self._announced is not None and self._announced > self._most:
            raise self._too_large()

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"The body is larger than {self._most} bytes.")

    async def receive(self) -> Message:
        """The next piece of the body; once it is whole, the wait for the client to leave."""
        if self.refusal is not None:
            raise self.refusal
        if not self._unread:
            found: Message = await self._receive()
            return found
        try:
            message = await self._piece()
        except (SlowClientError, BodyTooLargeError) as refusal:
            self.refusal = refusal  # whatever is made of the exception, this is the answer
            raise
        return message

    async def _piece(self) -> Message:
        began = time.monotonic()
        try:
            async with asyncio.timeout(SILENT_S):
                message: Message = await self._receive()
        except TimeoutError:
            raise SlowClientError("Nothing more of the body came.") from None
        self._waited_s += time.monotonic() - began
        self._n_bytes += len(message.get("body", b""))
        self._unread = bool(message.get("more_body"))
        if self._n_bytes > self._most:
            raise self._too_large()
        if self._waited_s > GRACE_S + self._n_bytes / SLOWEST_BYTES_PER_S:
            raise SlowClientError("The body came too slowly.")
        return message

    async def answer(self, error: Exception) -> None:
        """Tell a problem, unless an answer has begun: then it breaks off."""
        if self._started:
            raise error
        self.refusal = None
        if isinstance(error, AssayError):
            response = problems.of_refusal(error)
        else:
            log.error("a request failed", exc_info=error)
            response = problems.of_fault()
        await response(self._scope, self._receive, self.send)

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on; a refused body is answered by `answer` alone."""
        if self.refusal is not None and not self._started:
            return
        if message["type"] == "http.response.start":
            self._started = True
            await self._settle_body()
            message = {**message, "headers": self._headers(message)}
            await self._send(message)
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            if self._closing and self._unread:
                await self._send({**message, "more_body": True})
                await self._drain(LINGER_S, LINGER_BYTES)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            self.is_over = True
            await self._send(message)
        else:
            await self._send(message)

    async def _settle_body(self) -> None:
        """A small body that nobody read is read here; after a large one the connection ends."""
        if self._unread and self._announced is not None and self._announced <= SMALL_BYTES:
            await self._drain(LINGER_S, SMALL_BYTES)
        self._closing = self._unread

    async def _drain(self, limit_s: float, limit_bytes: int) -> None:
        """Take what still comes for a moment: an answer sent into a full pipe would be lost."""
        n_bytes = 0
        try:
            async with asyncio.timeout(limit_s):
                while self._unread and n_bytes < limit_bytes:
                    message = await self._receive()
                    n_bytes += len(message.get("body", b""))
                    self._unread = bool(message.get("more_body"))
        except TimeoutError:
            pass

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        sent = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", [])]
        held = {name for name, _ in sent}
        wanted = HEADERS | {"content-security-policy": self._policy(dict(sent))}
        if self._settings.public_url.startswith("https://"):
            wanted["strict-transport-security"] = "max-age=31536000"
        if self._closing:
            sent = [one for one in sent if one[0] != b"connection"]
            wanted["connection"] = "close"
        added = [(name.encode(), value.encode()) for name, value in wanted.items()]
        return sent + [one for one in added if one[0] not in held or one[0] == b"connection"]

    def _policy(self, sent: dict[bytes, bytes]) -> str:
        if not sent.get(b"content-type", b"").startswith(b"text/html"):
            return FILE_POLICY
        if self._scope["path"].rstrip("/").endswith("/report"):
            return report_policy.policy()
        return PAGE_POLICY


def _number(value: bytes | None) -> int | None:
    try:
        return int(value) if value is not None else None
    except ValueError:
        return None
