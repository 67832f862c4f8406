"""Batches: many files in one request, each accepted or told why not, and their results as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from assay.errors import AssayError
from assay.report.sanitise import encodable
from assay.web import intake
from assay.web.actor import Actor
from assay.web.api import repeats
from assay.web.api.access import Asking, Serving
from assay.web.api.examinations import Id
from assay.web.api.models import (
    Examination,
    ExaminationPage,
    Model,
    Problem,
    as_examination,
    iso,
)
from assay.web.api.problems import problem
from assay.web.api.repeats import Done, Key
from assay.web.intake import Received, Sent
from assay.web.refusals import ForbiddenError, NotFoundError, UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.examinations import MAX_PAGE, Filters

router = APIRouter(prefix="/v1/batches", tags=["batches"])
MAX_TITLE = 200
LINES_AT_ONCE = 50


class Counts(Model):
    """How many files of a batch are where."""

    queued: int
    running: int
    finished: int
    set_aside: int
    cancelled: int


class BatchLinks(Model):
    """Where the rest is."""

    self: str
    examinations: str
    results: str


class Batch(Model):
    """A batch of files. `is_over`: nothing of it waits or runs."""

    id: str
    name: str
    created_at: str
    counts: Counts
    is_over: bool
    links: BatchLinks


class BatchItem(Model):
    """One file of the request, in its order: either its examination or the problem."""

    name: str
    is_new: bool
    examination: Examination | None
    problem: Problem | None


class NewBatch(Batch):
    """A batch as it was accepted."""

    items: list[BatchItem]


@router.post("", status_code=202, response_model=NewBatch)
async def send(
    request: Request, service: Serving, actor: Asking, idempotency_key: Key = None
) -> Response:
    """Send several files in the field `file`; each is accepted, or told why not.

    The other fields are those of one examination and hold for all of them, and `name` is the
    batch's own. Batches wait behind what someone is waiting for, unless `priority` is live.
    """
    most = service.settings.max_batch_files
    received = await intake.receive(request, service, actor, most)
    return await run_in_threadpool(_answer, service, actor, received, idempotency_key)


def _answer(service: Service, actor: Actor, received: Received, key: str | None) -> JSONResponse:
    with intake.used_or_let_go(service, received):
        _require_plain(received)
        told = repeats.fingerprint("batches", received)
        done = repeats.once(service, actor, key, told, lambda: _accept(service, actor, received))
    if done.is_repeat:
        intake.let_go(service, received)
    batch = _batch(service, actor, done.ids["batch_id"])
    items = [
        _item(service, actor, name, one)
        for name, one in zip(_names(received), done.ids["items"], strict=True)
    ]
    answer = NewBatch(**batch.model_dump(), items=items)
    headers = {"Location": batch.links.self, **done.headers}
    return JSONResponse(answer.model_dump(), done.status, headers)


def _names(received: Received) -> list[str]:
    """What the files were called, in their order; a repeated request brings the same again."""
    names = [one.name for one in received.files]
    for one in received.unkept:
        names.insert(one.place, one.name)
    return names


def _require_plain(received: Received) -> None:
    if received.reference is not None:
        raise ForbiddenError("Known footage of a person is not compared with files in a batch.")
    if received.fields.get("batch"):
        raise UnprocessableError("This opens a batch of its own; leave the field `batch` out.")
    if not received.files and not received.unkept:
        raise UnprocessableError("The form has no file in the field `file`.")


def _accept(service: Service, actor: Actor, received: Received) -> Done:
    """Open the batch and put every file into it; what one is refused for touches no other."""
    title = received.fields.get("name", "").strip()[:MAX_TITLE]
    fields = {name: text for name, text in received.fields.items() if name != "name"}
    batch_id = examinations.add_batch(service.store, actor, title)
    items = [_accepted(service, actor, sent, fields, batch_id) for sent in received.files]
    for one in received.unkept:
        items.insert(one.place, _refused(one.error))
    return Done(202, {"batch_id": batch_id, "items": items})


def _accepted(
    service: Service, actor: Actor, sent: Sent, fields: dict[str, str], batch_id: str
) -> dict[str, Any]:
    try:
        added = intake.accept(service, actor, sent, fields, batch_id=batch_id)
    except AssayError as error:
        return _refused(error)
    return {"id": added.id, "is_new": added.is_new}


def _refused(error: AssayError) -> dict[str, Any]:
    told = problem(error.http_status, error.code, str(error), remedy=error.remedy)
    return {"problem": json.loads(bytes(told.body))}


def _item(service: Service, actor: Actor, name: str, held: dict[str, Any]) -> BatchItem:
    name = encodable(name)
    if "problem" in held:
        told = Problem(**held["problem"])
        return BatchItem(name=name, is_new=False, examination=None, problem=told)
    try:
        row = examinations.get(service.store, actor, held["id"])
    except NotFoundError as error:  # deleted before the request was repeated
        return _item(service, actor, name, _refused(error))
    found = as_examination(row, service.engine)
    return BatchItem(name=name, is_new=held["is_new"], examination=found, problem=None)


@router.get("/{id}")
def one(service: Serving, actor: Asking, id: Id) -> Batch:
    """A batch, and how many of its files are where."""
    return _batch(service, actor, id)


def _batch(service: Service, actor: Actor, id_: str) -> Batch:
    row, counts = examinations.batch(service.store, actor, id_)
    own = f"/v1/batches/{id_}"
    return Batch(
        id=row.id,
        name=encodable(row.name),
        created_at=str(iso(row.created_at)),
        counts=Counts(**counts),
        is_over=counts["queued"] + counts["running"] == 0,
        links=BatchLinks(self=own, examinations=f"{own}/examinations", results=f"{own}/results"),
    )


@router.get("/{id}/examinations")
def items(
    service: Serving,
    actor: Asking,
    id: Id,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> ExaminationPage:
    """The examinations of a batch, newest first."""
    examinations.batch(service.store, actor, id)
    page = examinations.page(service.store, actor, Filters(batch_id=id), limit, cursor or None)
    return ExaminationPage(
        examinations=[as_examination(row, service.engine) for row in page.rows],
        next_cursor=page.next_cursor,
    )


LINES: dict[int | str, dict[str, Any]] = {
    200: {"description": "JSON Lines", "content": {"application/x-ndjson": {"schema": {}}}}
}


@router.get("/{id}/results", response_class=StreamingResponse, responses=LINES)
def results(service: Serving, actor: Asking, id: Id) -> StreamingResponse:
    """One line of JSON a file: `id`, `name`, `sha256`, `status`, and `result`, null without one."""
    examinations.batch(service.store, actor, id)
    return StreamingResponse(_lines(service, actor, id), media_type="application/x-ndjson")


def _lines(service: Service, actor: Actor, id_: str) -> Iterator[bytes]:
    filters, cursor = Filters(batch_id=id_), None
    while True:
        page = examinations.page(service.store, actor, filters, LINES_AT_ONCE, cursor)
        for row in page.rows:
            yield _line(service, actor, row)
        cursor = page.next_cursor
        if cursor is None:
            return


def _line(service: Service, actor: Actor, row: Row[Any]) -> bytes:
    try:
        held = examinations.result_of(service.store, actor, row.id)
    except NotFoundError:  # deleted while the lines were being read
        held = None
    told = {
        "id": row.id,
        "name": encodable(row.name),
        "sha256": row.sha256,
        "status": row.status,
        "result": held.result if held is not None else None,
    }
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"
