"""What happens to an examination, as it happens: server-sent events.

Each event carries the whole examination, so nothing is lost with a connection: whoever comes back
is told the present state, unless its id is that of the last event they had.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row, select
from starlette.concurrency import run_in_threadpool

from assay.web.api.access import Asking, Serving
from assay.web.api.examinations import Id
from assay.web.api.models import as_examination
from assay.web.refusals import Refusal
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.schema import OVER
from assay.web.store.schema import examinations as rows

router = APIRouter(tags=["examinations"])

MAX_STREAMS = 100
LOOK_EVERY_S = 0.5
HEARTBEAT_S = 15.0
LONGEST_S = 600.0  # then the client comes back, and is asked again who it is
RETRY_MS = 2000
FIRST = f"retry: {RETRY_MS}\n\n".encode()
HEARTBEAT = b": still here\n\n"
GONE = b"event: gone\ndata: {}\n\n"


class TooManyStreamsError(Refusal):
    """As many streams are open as are held."""

    code, http_status = "too_many_streams", 503
    remedy = "Ask for the examination itself every few seconds instead."


@dataclass(slots=True)
class Watch:
    """Who waits for which examination: one look at the database serves them all."""

    service: Service
    queues: dict[str, set[asyncio.Queue[Row[Any] | None]]] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    n_streams: int = 0

    @contextlib.contextmanager
    def rows_of(self, id_: str) -> Iterator[asyncio.Queue[Row[Any] | None]]:
        """A queue of one examination's rows, each newer than the last; None once it is gone."""
        if self.n_streams >= MAX_STREAMS:
            told = f"{MAX_STREAMS} streams are open already."
            raise TooManyStreamsError(told, retry_after_s=5)
        queue: asyncio.Queue[Row[Any] | None] = asyncio.Queue()
        self.n_streams += 1
        self.queues.setdefault(id_, set()).add(queue)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._look())
        try:
            yield queue
        finally:
            self.n_streams -= 1
            self.queues[id_].discard(queue)
            if not self.queues[id_]:
                del self.queues[id_]

    async def _look(self) -> None:
        while self.queues:
            asked = list(self.queues)
            # A database that fails now is asked again: the streams stay open meanwhile.
            with contextlib.suppress(Exception):
                found = await run_in_threadpool(self._read, asked)
                for id_ in asked:
                    for queue in self.queues.get(id_, ()):
                        queue.put_nowait(found.get(id_))
            await asyncio.sleep(LOOK_EVERY_S)

    def _read(self, ids: list[str]) -> dict[str, Row[Any]]:
        with self.service.store.reading() as connection:
            asked = select(rows).where(rows.c.id.in_(ids))
            return {row.id: row for row in connection.execute(asked)}


def watch_of(request: Request) -> Watch:
    """The one watch of an application."""
    state = request.app.state
    if not hasattr(state, "watch"):
        state.watch = Watch(state.service)
    found: Watch = state.watch
    return found


@router.get(
    "/v1/examinations/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `progress` while it waits or runs, then one `finished`, or "
            "`gone` where it was deleted. The data of the first two is the examination.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "It is over, and the last event was told before."},
    },
)
async def events(
    request: Request, service: Serving, actor: Asking, id: Id,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:  # fmt: skip
    """Follow an examination. A stream ends after ten minutes at the latest; come back then."""
    row = await run_in_threadpool(examinations.get, service.store, actor, id)
    name, event_id, event = told(row, service.engine)
    if name == "finished" and event_id == last_event_id:
        return Response(status_code=204)  # which tells a browser not to come back
    watch = watch_of(request)
    stack = contextlib.ExitStack()
    queue = stack.enter_context(watch.rows_of(id))
    stream = _stream(stack, queue, service.engine, last_event_id, (name, event_id, event))
    return _Followed(stack, stream)


class _Followed(StreamingResponse):
    """The stream, and what is let go whether or not it ever began."""

    def __init__(self, stack: contextlib.ExitStack, stream: AsyncIterator[bytes]) -> None:
        super().__init__(stream, media_type="text/event-stream")
        self.headers["X-Accel-Buffering"] = "no"  # a proxy is to pass each event on at once
        self._stack = stack

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stack.close()


async def _stream(
    stack: contextlib.ExitStack, queue: asyncio.Queue[Row[Any] | None], engine: str,
    last_id: str | None, first: tuple[str, str, bytes],
) -> AsyncIterator[bytes]:  # fmt: skip
    loop = asyncio.get_running_loop()
    until, spoke_at = loop.time() + LONGEST_S, loop.time()
    yield FIRST
    name, event_id, event = first
    while loop.time() < until:
        if event_id != last_id:
            yield event
            last_id, spoke_at = event_id, loop.time()
        if name == "finished":
            return
        if loop.time() - spoke_at >= HEARTBEAT_S:
            yield HEARTBEAT
            spoke_at = loop.time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):
                row = await queue.get()
                if row is None:
                    yield GONE
                    return
                name, event_id, event = told(row, engine)


def told(row: Row[Any], engine: str) -> tuple[str, str, bytes]:
    """The name, the id and the bytes of the event that tells a row: its id changes with it."""
    data = as_examination(row, engine).model_dump_json()
    name = "finished" if row.status in OVER else "progress"
    event_id = hashlib.sha256(data.encode()).hexdigest()[:16]
    return name, event_id, f"event: {name}\nid: {event_id}\ndata: {data}\n\n".encode()
