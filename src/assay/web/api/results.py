"""What an examination gave: the result, the report, the pictures made for it, the file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Row

from assay.errors import AssayError
from assay.media.files import open_file
from assay.media.sniff import sniff
from assay.web.actor import Actor
from assay.web.api.access import Asking, Serving
from assay.web.api.examinations import Id
from assay.web.api.file_answers import BYTES, SHOWN, begins, file_answer
from assay.web.api.models import Model
from assay.web.refusals import ConflictError, NotFoundError, NotReadyError
from assay.web.service import Service
from assay.web.store import audit, examinations

router = APIRouter(prefix="/v1/examinations/{id}", tags=["results"])
POLL_S = 1
# What workers write; a name with another ending is given as bytes.
WRITTEN = {".jpg": "image/jpeg", ".png": "image/png", ".json": "application/json"}

RangeAsked = Annotated[str | None, Header(alias="Range", description="One range of bytes.")]
IfRange = Annotated[str | None, Header(alias="If-Range")]
Download = Annotated[bool, Query(description="To save rather than to show.")]


class Artifact(Model):
    """A file that was made for the report. `number` counts from 1."""

    number: int
    kind: str
    caption: str
    name: str
    media_type: str
    link: str


class Artifacts(Model):
    """The files that were made for one report."""

    artifacts: list[Artifact]


def require_result(service: Service, actor: Actor, id_: str) -> tuple[Row[Any], Row[Any]]:
    """The row of an examination and that of its result.

    Raises NotFoundError, NotReadyError while there is none, ConflictError where there never
    will be.
    """
    row = examinations.get(service.store, actor, id_)
    held = examinations.result_of(service.store, actor, id_)
    if held is not None:
        # It may have been finished between the two.
        return examinations.get(service.store, actor, id_), held
    if row.status == "cancelled":
        raise ConflictError("It was cancelled: there is no result.", remedy="Examine it again.")
    raise NotReadyError(
        f"It is {row.status}: there is no result yet.", remedy="Ask again later, or follow events.",
        retry_after_s=POLL_S,
    )  # fmt: skip


def file_of(service: Service, held: Row[Any], name: str) -> Path:
    """Where a file of a result lies. Raises NotFoundError on a name that leads elsewhere."""
    folder = service.store.result_folder(held.examination_id, held.claim).resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise NotFoundError("The file is no longer kept.")
    return path


def noted(service: Service, actor: Actor, row: Row[Any], action: str, **detail: Any) -> None:
    """Write into the audit log that something was read."""
    with service.store.writing() as connection:
        audit.write(connection, actor, action, row.id, row.sha256, detail)


@router.get("/result")
def result(service: Serving, actor: Asking, id: Id) -> JSONResponse:
    """The result: the same object, under the same schema, as `assay detect --json` prints."""
    _row, held = require_result(service, actor, id)
    return JSONResponse(held.result)


@router.get("/report")
def report(service: Serving, actor: Asking, id: Id, download: Download = False) -> Response:
    """The report as one HTML page that holds all it shows."""
    row, held = require_result(service, actor, id)
    if held.report is None:
        raise NotFoundError("No report was written: the examination came to nothing.")
    path = file_of(service, held, held.report)
    noted(service, actor, row, "read_report")
    kind = "text/html; charset=utf-8"
    return file_answer(path, kind, f"{row.name}.report.html", download=download)


@router.get("/artifacts")
def artifacts(service: Serving, actor: Asking, id: Id) -> Artifacts:
    """The pictures and maps that were made for the report."""
    _row, held = require_result(service, actor, id)
    return Artifacts(
        artifacts=[
            Artifact(
                number=number,
                kind=one["kind"],
                caption=one["caption"],
                name=Path(one["path"]).name,
                media_type=_written_type(one["path"]),
                link=f"/v1/examinations/{id}/artifacts/{number}",
            )
            for number, one in enumerate(held.artifacts, 1)
        ]
    )


@router.get("/artifacts/{number}")
def artifact(
    service: Serving,
    actor: Asking,
    id: Id,
    number: Annotated[int, InPath(ge=1, le=10_000)],
    download: Download = False,
) -> Response:
    """One of them."""
    row, held = require_result(service, actor, id)
    if number > len(held.artifacts):
        raise NotFoundError(f"There are {len(held.artifacts)} artifacts.")
    name = held.artifacts[number - 1]["path"]
    path = file_of(service, held, name)
    if download:
        noted(service, actor, row, "read_report", artifact=Path(name).name)
    return file_answer(path, _written_type(name), path.name, download=download)


@router.get("/media")
def media(
    service: Serving,
    actor: Asking,
    id: Id,
    asked: RangeAsked = None,
    if_range: IfRange = None,
    download: Download = False,
) -> Response:
    """The file as it was sent, or a range of it; under the media type of its content."""
    row = examinations.get(service.store, actor, id)
    path = service.store.media_path(row.sha256)
    if row.media_deleted_at is not None or not path.is_file():
        raise NotFoundError("The file itself is no longer kept.", remedy="Send it again.")
    kind = media_type_of(path, row.media_type)
    if begins(asked):
        noted(service, actor, row, "read_media")
    etag = f'"{row.sha256}"'
    return file_answer(
        path, kind, row.name, etag=etag, asked=asked, if_range=if_range, download=download
    )


def media_type_of(path: Path, examined: str | None) -> str:
    """The type under which a file may be shown; bytes where it is none of those on the list.

    `examined` is what the examination found in the content, None before it.
    """
    found = examined
    if found is None:
        try:
            with open_file(str(path)) as file:
                form = sniff(file)
                found = form.media_type("video")
        except AssayError:
            found = None
    return found if found in SHOWN else BYTES


def _written_type(name: str) -> str:
    return WRITTEN.get(Path(name).suffix.lower(), BYTES)
