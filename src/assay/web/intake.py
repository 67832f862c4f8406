"""How a file comes in: a form streamed to disk, its fields checked, the examination accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from assay.errors import AssayError
from assay.options import parse_switch
from assay.report.sanitise import shortened
from assay.web import misuse
from assay.web.actor import Actor
from assay.web.api import access, csrf
from assay.web.form_stream import FormStream, boundary_of
from assay.web.option_fields import options_from, quoted
from assay.web.refusals import (
    BodyTooLargeError,
    SlowClientError,
    StorageFullError,
    UnprocessableError,
)
from assay.web.service import Service
from assay.web.store import examinations, media
from assay.web.store.examinations import Added, Wanted
from assay.web.store.media import Incoming, Kept
from assay.web.store.schema import BATCH, LIVE, PRIORITIES

FEED_BYTES = 256 * 1024  # handed to a thread at once: one switch for many small chunks
MAX_NAME = 255
OWN_FIELDS = ("priority", "batch", "purpose", "again", "name", "url")


@dataclass(frozen=True, slots=True)
class Sent:
    """One file as it was sent, whole and kept; `name` is told, never used as a path."""

    name: str
    kept: Kept
    source: str = "upload"


@dataclass(frozen=True, slots=True)
class Unkept:
    """A file of several that was not taken, at its `place` among them (from 0), and why."""

    name: str
    place: int
    error: AssayError


@dataclass(frozen=True, slots=True)
class Received:
    """A whole form. `unkept` is empty where one file alone was asked for: its error is raised."""

    files: list[Sent]
    fields: dict[str, str]
    reference: Sent | None = None
    unkept: list[Unkept] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the fields of a form ask for."""

    options: dict[str, Any]
    priority: int | None = None
    batch_id: str | None = None
    purpose: str | None = None
    again: bool = False


async def receive(request: Request, service: Service, actor: Actor, n_files: int = 1) -> Received:
    """Take a form with up to `n_files` files in `file` and at most one in `reference`.

    The bytes go to disk as they come. Fields that stand before the first file are checked before
    it is taken. Whatever is raised, nothing that was sent stays. Raises Refusal.
    """
    actor.require("examine")
    boundary = boundary_of(request.headers.get("content-type", ""))
    await run_in_threadpool(require_room, service)
    taking = _Taking(request, service, n_files)
    stream = FormStream(boundary, taking)
    try:
        await _pour(request, stream)
        return await run_in_threadpool(taking.received)
    except BaseException:
        # Not awaited: this may be the cancellation of the request itself.
        taking.let_go()
        raise


def require_room(service: Service) -> None:
    """Refuse while the queue is full, before bytes are taken. Raises QueueFullError."""
    examinations.require_room(service.store, service.settings.max_queue)


async def _pour(request: Request, stream: FormStream) -> None:
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) >= FEED_BYTES:
                await run_in_threadpool(stream.feed, bytes(held))
                held.clear()
    except ClientDisconnect:
        raise SlowClientError("The connection ended before the request was whole.") from None
    await run_in_threadpool(stream.feed, bytes(held))
    stream.end()


class _Taking:
    """The parts of one form on their way to disk; its methods run in threads, one at a time."""

    def __init__(self, request: Request, service: Service, n_files: int) -> None:
        self._request, self._service = request, service
        self._n_files = n_files
        self._fields: dict[str, str] = {}
        self._files: list[Sent] = []
        self._unkept: list[Unkept] = []
        self._reference: Sent | None = None
        self._is_settled = False
        self._part, self._name = "", ""
        self._incoming: Incoming | None = None

    def take_field(self, name: str, text: str) -> None:
        if name in ("file", "reference") and not text:
            return  # a form in which no file was chosen
        if name in self._fields:
            raise UnprocessableError(f"The field {quoted(name)!r} was sent twice.")
        if "\0" in text:
            raise UnprocessableError(f"The field {quoted(name)!r} holds a NUL character.")
        self._fields[name] = text

    def begin_file(self, name: str, file_name: str) -> None:
        if name not in ("file", "reference"):
            raise UnprocessableError(f"A file was sent in the field {quoted(name)!r}.")
        self._settle()
        self._part, self._name = name, told_name(file_name)
        if name == "reference" and self._reference is not None:
            raise UnprocessableError("One reference belongs to an examination, not several.")
        if name == "file" and len(self._files) + len(self._unkept) >= self._n_files:
            raise UnprocessableError(f"{self._n_files} files may be sent at once, no more.")
        with self._refusing():
            self._begin()

    def _begin(self) -> None:
        free = self._service.settings.min_free_bytes
        one = media.incoming(self._service.store, access.upload_limit(self._request), free)
        self._incoming = one.__enter__()

    def take_bytes(self, data: bytes) -> None:
        if self._incoming is not None:
            with self._refusing():
                self._incoming.write(data)

    def end_file(self) -> None:
        if self._incoming is None:
            return
        with self._refusing():
            sent = Sent(self._name, self._incoming.keep())
            if self._part == "reference":
                self._reference = sent
            else:
                self._files.append(sent)
        self._close()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """One file of several that is too large does not lose the others."""
        try:
            yield
        except (BodyTooLargeError, StorageFullError) as error:
            self._close()
            if self._n_files == 1 or self._part == "reference":
                raise
            place = len(self._files) + len(self._unkept)
            self._unkept.append(Unkept(self._name, place, error))

    def _close(self) -> None:
        held, self._incoming = self._incoming, None
        if held is not None:
            held.__exit__(None, None, None)

    def _settle(self) -> None:
        """What can be refused without the file is refused before it is taken."""
        if self._is_settled:
            return
        csrf.settle(self._request, self._fields.pop(csrf.FIELD, None))
        read_wishes(self._fields, self._service)
        self._is_settled = True

    def received(self) -> Received:
        """The whole form."""
        self._settle()  # where no file came
        read_wishes(self._fields, self._service)
        return Received(self._files, self._fields, self._reference, self._unkept)

    def let_go(self) -> None:
        """Nothing of it stays."""
        self._close()
        let_go(self._service, Received(self._files, {}, self._reference))


def let_go(service: Service, received: Received) -> None:
    """Keep nothing of what was sent, but what an examination uses."""
    for one in (*received.files, received.reference):
        if one is not None:
            media.release(service.store, one.kept)


@contextmanager
def used_or_let_go(service: Service, received: Received) -> Iterator[None]:
    """Where anything is raised within, no file stays that no examination asks for."""
    try:
        yield
    except BaseException:
        let_go(service, received)
        raise


def told_name(name: str) -> str:
    """The name of a file as it is told: without folders, not endless, never empty."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2].replace("\0", "\\x00")
    return shortened(last, MAX_NAME) if last.strip() else "unnamed"


def read_wishes(fields: Mapping[str, str], service: Service) -> Wishes:
    """What the fields ask for. Raises UnprocessableError, ForbiddenError."""
    own = {name: fields.get(name, "").strip() for name in OWN_FIELDS}
    if own["priority"] not in ("", *PRIORITIES):
        raise UnprocessableError(f"priority {quoted(own['priority'])!r} is none of live, batch.")
    again = _asked(own["again"])
    rest = {name: text for name, text in fields.items() if name not in OWN_FIELDS}
    return Wishes(
        options_from(rest, service.settings),
        PRIORITIES.get(own["priority"]),
        own["batch"] or None,
        own["purpose"] or None,
        again,
    )


def _asked(again: str) -> bool:
    try:
        return parse_switch(again) if again else False
    except ValueError:
        raise UnprocessableError("again is true or false.") from None


def accept(
    service: Service, actor: Actor, sent: Sent, fields: Mapping[str, str], *,
    reference: Sent | None = None, batch_id: str | None = None, previous_id: str | None = None,
) -> Added:  # fmt: skip
    """Accept one file that was received (or fetched): from here on it is examined.

    `batch_id` is of a batch at work; the field `batch` names one that a file is added to. What is
    refused is not kept. Raises Refusal.
    """
    with used_or_let_go(service, Received([sent], {}, reference)):
        wanted = _wanted(service, actor, sent, fields, reference, batch_id, previous_id)
        most = service.settings.max_queue
        return examinations.add(service.store, actor, wanted, service.engine, most)


def _wanted(
    service: Service, actor: Actor, sent: Sent, fields: Mapping[str, str],
    reference: Sent | None, batch_id: str | None, previous_id: str | None,
) -> Wanted:  # fmt: skip
    wishes = read_wishes(fields, service)
    batch_id = batch_id or wishes.batch_id
    purpose = misuse.stated_purpose(
        wishes.purpose, n_references=int(reference is not None), in_batch=batch_id is not None
    )
    if reference is not None:
        misuse.require_few(service.store, actor, reference.kept.sha256)
    priority = wishes.priority
    if priority is None:
        priority = LIVE if batch_id is None else BATCH
    return Wanted(
        sent.name,
        sent.kept.sha256,
        sent.kept.n_bytes,
        wishes.options,
        sent.source,
        priority,
        purpose,
        reference.kept.sha256 if reference else None,
        reference.name if reference else None,
        batch_id,
        previous_id,
        wishes.again,
    )
