"""Examinations: sent, listed, followed, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from assay.web import fetching, intake
from assay.web.actor import EXAMINE, Actor
from assay.web.api import repeats
from assay.web.api.access import Asking, Serving, upload_limit
from assay.web.api.models import Examination, ExaminationPage, Label, Status, as_examination
from assay.web.api.repeats import Done, Key
from assay.web.intake import Received
from assay.web.option_fields import quoted
from assay.web.refusals import (
    BodyTooLargeError,
    ForbiddenError,
    NotFoundError,
    SlowClientError,
    UnprocessableError,
)
from assay.web.service import Service
from assay.web.store import examinations, media
from assay.web.store.examinations import MAX_PAGE, Filters

router = APIRouter(tags=["examinations"])
TIME = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$"
MAX_URL = 2000
MAX_JSON_BYTES = 64 * 1024
HEX = frozenset("0123456789abcdef")
AN_ID = Path(description="As it was answered.", json_schema_extra={"pattern": "^[0-9a-f]{32}$"})


def known_form(id: Annotated[str, AN_ID]) -> str:
    """The id of a path. Raises NotFoundError on what can be none."""
    if len(id) != 32 or set(id) - HEX:
        raise NotFoundError("There is no such thing: an id has 32 hexadecimal digits.")
    return id


Id = Annotated[str, Depends(known_form)]
Time = Annotated[str | None, Query(pattern=TIME, description="ISO 8601; UTC without an offset.")]


class Address(BaseModel):
    """A file to fetch, and the fields of the form: `{"url": …, "frames": 16}`."""

    model_config = ConfigDict(extra="allow")
    url: str = Field(min_length=1, max_length=MAX_URL)


@router.post(
    "/v1/examinations",
    status_code=202,
    response_model=Examination,
    responses={200: {"model": Examination, "description": "It was examined before."}},
)
async def send(
    request: Request, service: Serving, actor: Asking, idempotency_key: Key = None
) -> Response:
    """Send a file to examine: a form with the field `file`. The answer says where to look.

    202: it waits its turn. 200: the same content was sent before, with the same options, and
    examined by the same networks; `again` examines it once more. Other fields: the options,
    `priority`, `batch`, `again`; to compare with known footage of a person, the file `reference`
    and the `purpose`. Where the operator allows it, JSON with a `url` does instead of a file.
    """
    if _kind(request) == "application/json":
        asked = _read_address(await _small_body(request))
        most = upload_limit(request)
        return await run_in_threadpool(
            _answer_address, service, actor, asked, idempotency_key, most
        )
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
        if received.fields.get("url"):
            raise UnprocessableError(
                "A form brings the file itself.", remedy='Send a url as JSON: {"url": …}.'
            )
        told = repeats.fingerprint("examinations", received)
        done = repeats.once(service, actor, key, told, act)
    if done.is_repeat:
        intake.let_go(service, received)
    return answered(service, actor, done)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _small_body(request: Request) -> bytes:
    """A body that is no file: this route takes large ones, and this one is held in memory."""
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) > MAX_JSON_BYTES:
                raise BodyTooLargeError(f"JSON of more than {MAX_JSON_BYTES} bytes was sent.")
    except ClientDisconnect:
        raise SlowClientError("The connection ended before the request was whole.") from None
    return bytes(held)


def _read_address(body: bytes) -> Address:
    try:
        return Address.model_validate_json(body)
    except ValidationError as error:
        said = "; ".join(str(one["msg"]) for one in error.errors()[:5])
        raise UnprocessableError(f"The body asks for no address: {quoted(said)}.") from None


def _answer_address(
    service: Service, actor: Actor, asked: Address, key: str | None, max_bytes: int
) -> JSONResponse:
    actor.require(EXAMINE)
    if not service.settings.allow_urls:
        raise ForbiddenError("This service fetches no files.", remedy="Send the file itself.")
    fields = texts_of(asked.model_extra or {})
    intake.read_wishes(fields, service)
    intake.require_room(service)

    def act() -> Done:
        sent = fetching.fetched(service, asked.url, max_bytes)
        added = intake.accept(service, actor, sent, fields)
        return Done(202 if added.is_new else 200, {"id": added.id})

    told = repeats.fingerprint("examinations", {"url": asked.url, "fields": fields})
    return answered(service, actor, repeats.once(service, actor, key, told, act))


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """JSON values as a form would bring them. Raises UnprocessableError on what no field holds."""
    return {name: _text_of(name, value) for name, value in values.items() if value is not None}


def _text_of(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
        return ":".join(map(str, value))
    raise UnprocessableError(f"{quoted(name)!r} holds what no field does.")


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
    page = examinations.page(service.store, actor, filters, limit, cursor or None)
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
