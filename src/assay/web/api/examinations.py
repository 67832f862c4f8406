"""Examinations: sent, listed, followed, cancelled, deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from assay.web import intake
from assay.web.actor import Actor
from assay.web.api import repeats
from assay.web.api.access import Asking, Serving
from assay.web.api.models import Examination, ExaminationPage, Label, Status, as_examination
from assay.web.api.repeats import Done, Key
from assay.web.intake import Received
from assay.web.refusals import NotFoundError, UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations, media
from assay.web.store.examinations import MAX_PAGE, Filters

router = APIRouter(tags=["examinations"])
TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$"
HEX = frozenset("0123456789abcdef")
AN_ID = Path(description="As it was answered.", json_schema_extra={"pattern": "^[0-9a-f]{32}$"})


def known_form(id: Annotated[str, AN_ID]) -> str:
    """The id of a path. Raises NotFoundError on what can be none."""
    if len(id) != 32 or set(id) - HEX:
        raise NotFoundError("There is no such thing: an id has 32 hexadecimal digits.")
    return id


Id = Annotated[str, Depends(known_form)]
Time = Annotated[str | None, Query(pattern=TIME, description="ISO 8601; UTC without an offset.")]


@router.post("/v1/examinations", status_code=202, response_model=Examination)
async def send(
    request: Request, service: Serving, actor: Asking, idempotency_key: Key = None
) -> Response:
    """Send a file to examine: a form with the field `file`. The answer says where to look.

    202: it waits its turn. 200: the same content was sent before, with the same options, and
    examined by the same networks; `again` examines it once more. Other fields: the options,
    `priority`, `batch`, `again`; to compare with known footage of a person, the file `reference`
    and the `purpose`. Where the operator allows it, JSON with a `url` does instead of a file.
    """
    received = await intake.receive(request, service, actor)
    return await run_in_threadpool(answer_sent, service, actor, received, idempotency_key)


def answer_sent(
    service: Service, actor: Actor, received: Received, key: str | None
) -> JSONResponse:
    """Accept the one file of a form, or answer as before; nothing stays of what is refused."""

    def act() -> Done:
        added = intake.accept(
            service, actor, received.files[0], received.fields, reference=received.reference
        )
        return Done(202 if added.is_new else 200, {"id": added.id})

    with intake.used_or_let_go(service, received):
        if not received.files:
            raise UnprocessableError("The form has no file in the field `file`.")
        told = repeats.fingerprint("examinations", received)
        done = repeats.once(service, actor, key, told, act)
    if done.is_repeat:
        intake.let_go(service, received)
    return answered(service, actor, done)


def answered(service: Service, actor: Actor, done: Done) -> JSONResponse:
    """The examination of `done`, with its address."""
    row = examinations.get(service.store, actor, done.ids["id"])
    told = as_examination(row, service.engine)
    headers = {"Location": told.links.self, **done.headers}
    return JSONResponse(told.model_dump(), done.status, headers)


@router.get("/v1/examinations")
def listed(
    service: Serving,
    actor: Asking,
    status: Status | None = None,
    label: Label | None = None,
    text: Annotated[
        str | None, Query(max_length=200, description="Within names; begins hashes and ids.")
    ] = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-fA-F]{64}$")] = None,
    batch: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    since: Time = None,
    until: Time = None,
    outdated: Annotated[bool, Query(description="Examined by another engine.")] = False,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> ExaminationPage:
    """Examinations, newest first. `cursor` is the `next_cursor` of the page before."""
    filters = Filters(
        status, label, plain(text), sha256, batch, seconds(since), seconds(until),
        service.engine if outdated else None,
    )  # fmt: skip
    page = examinations.page(service.store, actor, filters, limit, cursor)
    return ExaminationPage(
        examinations=[as_examination(row, service.engine) for row in page.rows],
        next_cursor=page.next_cursor,
    )


@router.get("/v1/examinations/{id}")
def one(service: Serving, actor: Asking, id: Id) -> Examination:
    """One examination: its state, its progress, its verdict in short, and where the rest is."""
    return as_examination(examinations.get(service.store, actor, id), service.engine)


@router.delete("/v1/examinations/{id}", status_code=204)
def delete(service: Serving, actor: Asking, id: Id) -> None:
    """Delete it: result, report and media are gone; a line of the audit log says that it was."""
    media.forget(service.store, examinations.remove(service.store, actor, id))


@router.post("/v1/examinations/{id}/cancellation", status_code=202)
def cancel(service: Serving, actor: Asking, id: Id) -> Examination:
    """Cancel what waits at once; what runs stops within seconds. 409 where it is over."""
    examinations.cancel(service.store, actor, id)
    return as_examination(examinations.get(service.store, actor, id), service.engine)


def plain(text: str | None) -> str | None:
    """A text to look for. Raises UnprocessableError on one that no database takes."""
    if text is not None and "\0" in text:
        raise UnprocessableError("The text holds a NUL character.")
    return text


def seconds(text: str | None) -> float | None:
    """A time as seconds since 1970. Raises UnprocessableError on what is no time."""
    if text is None:
        return None
    try:
        found: Any = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnprocessableError(f"This is no time: {error}.") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return float((found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
