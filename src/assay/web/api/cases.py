"""Cases: named groups of examinations with notes and tags, and each as one ZIP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from assay.report.sanitise import encodable
from assay.web import case_export
from assay.web.api.access import Asking, Serving
from assay.web.api.models import Examination, Model, Problem, as_examination, iso
from assay.web.store import cases

router = APIRouter(prefix="/v1/cases", tags=["cases"])

CaseId = Annotated[str, Path(max_length=64, description="The id of a case")]
ExaminationId = Annotated[str, Path(max_length=64, description="The id of an examination")]
_PROBLEM = {"content": {"application/problem+json": {}}, "model": Problem}
ANY: dict[int | str, dict[str, Any]] = {
    401: {"description": "No valid key or session", **_PROBLEM},
    403: {"description": "The key may not do this", **_PROBLEM},
    422: {"description": "The request's form is wrong", **_PROBLEM},
    429: {"description": "The key's rate is used up", **_PROBLEM},
}
FOUND = {**ANY, 404: {"description": "There is no such case or examination", **_PROBLEM}}
CHANGED = {**FOUND, 409: {"description": "It does not fit what is there", **_PROBLEM}}


class Told(BaseModel):
    """What a request tells; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


class NewCase(Told):
    """A case to begin."""

    title: str = Field(min_length=1, max_length=cases.MAX_TITLE)
    notes: str = Field("", max_length=cases.MAX_NOTES)
    tags: list[str] = Field(default_factory=list, max_length=cases.MAX_TAGS)


class ChangedCase(Told):
    """What of a case changes; what is left out stays."""

    title: str | None = Field(None, min_length=1, max_length=cases.MAX_TITLE)
    notes: str | None = Field(None, max_length=cases.MAX_NOTES)
    tags: list[str] | None = Field(None, max_length=cases.MAX_TAGS)


class Note(Told):
    """What is noted about one examination within a case; left out, it stays as it is."""

    note: str | None = Field(None, max_length=cases.MAX_NOTE)


class CaseLinks(Model):
    """Where the rest is."""

    self: str
    page: str
    export: str


class Case(Model):
    """A case in short. Times are ISO 8601, UTC."""

    id: str
    title: str
    notes: str
    tags: list[str]
    n_examinations: int
    created_at: str
    updated_at: str
    links: CaseLinks


class CaseItem(Model):
    """One examination of a case and what was noted about it."""

    examination: Examination
    note: str
    added_at: str


class CaseWithItems(Case):
    """A case and all of its examinations, those added first first."""

    examinations: list[CaseItem]


class CasePage(Model):
    """Cases, the last changed first; `next_cursor` gives those that follow, null at the end."""

    cases: list[Case]
    next_cursor: str | None


@router.get("", responses=ANY)
def list_cases(
    service: Serving,
    actor: Asking,
    text: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=cases.MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> CasePage:
    """List cases. `text` is sought in titles, notes and tags."""
    found = cases.page(service.store, actor, text, limit, cursor)
    told = [Case(**_told(row, row.n_items)) for row in found.rows]
    return CasePage(cases=told, next_cursor=found.next_cursor)


@router.post("", status_code=201, responses=CHANGED)
def begin_case(
    service: Serving, actor: Asking, wanted: NewCase, response: Response
) -> CaseWithItems:  # fmt: skip
    """Begin a case."""
    id_ = cases.create(service.store, actor, wanted.title, wanted.notes, wanted.tags)
    response.headers["Location"] = f"/v1/cases/{id_}"
    return _whole(service, cases.get(service.store, actor, id_))


@router.get("/{case_id}", responses=FOUND)
def read_case(service: Serving, actor: Asking, case_id: CaseId) -> CaseWithItems:
    """Read a case and all of its examinations."""
    return _whole(service, cases.get(service.store, actor, case_id))


@router.patch("/{case_id}", responses=FOUND)
def change_case(
    service: Serving, actor: Asking, case_id: CaseId, wanted: ChangedCase
) -> CaseWithItems:
    """Change the title, the notes or the tags of a case."""
    cases.change(service.store, actor, case_id, wanted.title, wanted.notes, wanted.tags)
    return _whole(service, cases.get(service.store, actor, case_id))


@router.delete("/{case_id}", status_code=204, responses=FOUND)
def delete_case(service: Serving, actor: Asking, case_id: CaseId) -> None:
    """Delete a case. Its examinations stay."""
    cases.remove(service.store, actor, case_id)


@router.put("/{case_id}/examinations/{examination_id}", responses=CHANGED)
def put_into_case(
    service: Serving, actor: Asking, case_id: CaseId, examination_id: ExaminationId, told: Note
) -> CaseWithItems:
    """Put an examination into a case, or change what is noted about it there."""
    is_new = cases.add(service.store, actor, case_id, examination_id, told.note or "")
    if not is_new and told.note is not None:
        cases.change_note(service.store, actor, case_id, examination_id, told.note)
    return _whole(service, cases.get(service.store, actor, case_id))


@router.delete("/{case_id}/examinations/{examination_id}", status_code=204, responses=FOUND)
def take_out_of_case(
    service: Serving, actor: Asking, case_id: CaseId, examination_id: ExaminationId
) -> None:
    """Take an examination out of a case. The examination stays."""
    cases.take_out(service.store, actor, case_id, examination_id)


@router.get(
    "/{case_id}/export",
    response_class=StreamingResponse,
    responses={
        **FOUND,
        200: {
            "description": "The ZIP",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)
def export_case(
    service: Serving,
    actor: Asking,
    case_id: CaseId,
    media: Annotated[bool, Query(description="Put the examined files in as well")] = False,
) -> StreamingResponse:
    """A case as one ZIP: reports, results, artifacts, hashes, a manifest and the audit lines."""
    name = case_export.file_name(cases.get(service.store, actor, case_id).case)
    return StreamingResponse(
        case_export.export(service, actor, case_id, media),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _told(row: Row[Any], n_items: int) -> dict[str, Any]:
    own = f"/v1/cases/{row.id}"
    return {
        "id": row.id,
        "title": encodable(row.title),
        "notes": row.notes,
        "tags": row.tags,
        "n_examinations": n_items,
        "created_at": str(iso(row.created_at)),
        "updated_at": str(iso(row.updated_at)),
        "links": CaseLinks(self=own, page=f"/cases/{row.id}", export=f"{own}/export"),
    }


def _whole(service: Serving, held: cases.Held) -> CaseWithItems:
    items = [
        CaseItem(
            examination=as_examination(row, service.engine),
            note=row.note,
            added_at=str(iso(row.added_at)),
        )
        for row in held.items
    ]
    return CaseWithItems(**_told(held.case, len(items)), examinations=items)
