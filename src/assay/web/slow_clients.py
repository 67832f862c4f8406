"""Connections that give nothing: closed, before many of them take every place there is.

uvicorn bounds how long a connection may be idle between requests. It does not bound how long the
first header may take, nor how long an answer may lie unread; both are done here.
"""

from __future__ import annotations

import asyncio
import fcntl
import resource
import struct
import termios
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from assay.web.api.problems import problem

HEADERS_S = 10.0  # from the first byte of a request (or the connection) to the end of its headers
UNREAD_S = 60.0  # an answer of which the client takes nothing
MAX_CONNECTIONS = 4000
SPARE_FILES = 256  # for the database, media and workers


def max_connections() -> int:
    """How many connections fit the files that this process may open; the limit is raised first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, soft - SPARE_FILES))


class _PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with bounds on silence: `headers_s`, `unread_s`, `most` connections."""

    headers_s: float = HEADERS_S
    unread_s: float = UNREAD_S
    most: int = MAX_CONNECTIONS
    _headers_due: asyncio.TimerHandle | None = None
    _reading_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self._headers_due = self.loop.call_later(self.headers_s, self._close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            _cancel(self._headers_due)
            self._headers_due = None
        elif self._headers_due is None and not self.transport.is_closing():
            self._headers_due = self.loop.call_later(self.headers_s, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._headers_due)
        self._headers_due = None
        _cancel(self._reading_due)
        self._reading_due = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reading_due is None:
            self._look_again(self._n_unread())

    def _look_again(self, n_unread: int) -> None:
        self._reading_due = self.loop.call_later(self.unread_s, self._close_unread, n_unread)

    def _close_unread(self, n_unread: int) -> None:
        """A slow line frees the buffers of the system late: what counts is that bytes arrive."""
        if self._n_unread() < n_unread:
            self._look_again(self._n_unread())
        else:
            self._close()

    def _n_unread(self) -> int:
        """Bytes of the answer that the other side has not confirmed."""
        held = self.transport.get_write_buffer_size()
        sock = self.transport.get_extra_info("socket")
        if sock is None:
            return held
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return held + int(struct.unpack("i", answer)[0])

    def resume_writing(self) -> None:
        _cancel(self._reading_due)
        self._reading_due = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self._close()  # an answer has begun: there is no place for another
            return
        told = problem(400, "wrong_request", "This is no HTTP request that can be read.")
        headers = [
            *told.raw_headers,
            (b"connection", b"close"),
            (b"x-content-type-options", b"nosniff"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(told.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def shutdown(self) -> None:
        # A stream of events would hold the end of the server up; who listens comes back.
        streams = self.scope is not None and self.scope["path"].endswith("/events")
        if streams and self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
        else:
            super().shutdown()

    def _close(self) -> None:
        self.transport.abort()


def protocol_class(
    headers_s: float = HEADERS_S, unread_s: float = UNREAD_S, most: int | None = None
) -> type[asyncio.Protocol]:
    """The protocol to give to uvicorn's Config as `http`.

    `most` connections are held at once (None: what `max_connections` says); further ones are
    closed unheard.
    """
    n_most = max_connections() if most is None else most
    bounds = {"headers_s": headers_s, "unread_s": unread_s, "most": n_most}
    return type("BoundedProtocol", (_PatientProtocol,), bounds)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
