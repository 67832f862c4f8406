"""Cases on the page: the list, one case with its files and notes, and putting a file into one."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from assay.web.actor import Actor
from assay.web.api.access import Asking, Serving
from assay.web.page.rendering import render
from assay.web.refusals import UnprocessableError
from assay.web.service import Service
from assay.web.store import cases, examinations

PAGE_LENGTH = 50
N_CHOICES = 100  # cases offered where a file is put into one, the last changed ones
router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form()]


@router.get("/cases")
def every(
    request: Request,
    service: Serving,
    actor: Asking,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The cases, the last changed first, and a form that begins one."""
    found = cases.page(service.store, actor, q, PAGE_LENGTH, cursor or None)
    older = {"q": q, "cursor": found.next_cursor}
    address = f"/cases?{urlencode(older)}" if found.next_cursor else ""
    return render(request, "cases.html", rows=found.rows, q=q, older=address, limits=_limits())


@router.post("/cases")
def begin(
    service: Serving, actor: Asking, title: Text = "", notes: Text = "", tags: Text = ""
) -> Response:
    """Begin a case and show it."""
    return _to_case(cases.create(service.store, actor, title, lines(notes), split_tags(tags)))


@router.get("/cases/{case_id}")
def one(request: Request, service: Serving, actor: Asking, case_id: str) -> Response:
    """One case: its notes and tags, its files with theirs, the export."""
    held = cases.get(service.store, actor, case_id)
    n_media = sum(row.media_deleted_at is None for row in held.items)
    return render(
        request,
        "case.html",
        case=held.case,
        items=held.items,
        n_media=n_media,
        engine=service.engine,
        limits=_limits(),
    )


@router.post("/cases/{case_id}")
def change(
    service: Serving,
    actor: Asking,
    case_id: str,
    title: Text = "",
    notes: Text = "",
    tags: Text = "",
) -> Response:
    """Change what a case is called, its notes and its tags."""
    cases.change(service.store, actor, case_id, title, lines(notes), split_tags(tags))
    return _to_case(case_id)


@router.post("/cases/{case_id}/deletion")
def delete(service: Serving, actor: Asking, case_id: str) -> Response:
    """Delete a case; its files stay."""
    cases.remove(service.store, actor, case_id)
    return RedirectResponse("/cases", 303)


@router.post("/cases/{case_id}/notes/{examination_id}")
def note(
    service: Serving, actor: Asking, case_id: str, examination_id: str, note: Text = ""
) -> Response:
    """Note something about one file of a case."""
    cases.change_note(service.store, actor, case_id, examination_id, lines(note))
    return _to_case(case_id, examination_id)


@router.post("/cases/{case_id}/removal/{examination_id}")
def take_out(service: Serving, actor: Asking, case_id: str, examination_id: str) -> Response:
    """Take one file out of a case; the file's examination stays."""
    cases.take_out(service.store, actor, case_id, examination_id)
    return _to_case(case_id)


@router.post("/examinations/{examination_id}/cases")
def put_into(
    service: Serving,
    actor: Asking,
    examination_id: str,
    case: Text = "",
    title: Text = "",
    note: Text = "",
) -> Response:
    """Put a file into the case `case`, or into a new one called `title`; back to the file."""
    examinations.get(service.store, actor, examination_id)  # no case for what is not there
    if not case and not title.strip():
        raise UnprocessableError("Choose a case, or name a new one.")
    chosen = cases.create(service.store, actor, title) if title.strip() else case
    cases.add(service.store, actor, chosen, examination_id, lines(note))
    return RedirectResponse(f"/examinations/{examination_id}#cases", 303)


def choices(service: Service, actor: Actor, examination_id: str) -> dict[str, Any]:
    """For the page of a file: the cases that hold it (`held`) and those that could (`free`)."""
    held = cases.page(service.store, actor, None, N_CHOICES, None, examination_id).rows
    within = {row.id for row in held}
    every = cases.page(service.store, actor, None, N_CHOICES).rows
    return {"held": held, "free": [row for row in every if row.id not in within]}


def split_tags(text: str) -> list[str]:
    """Tags as they are typed, with commas between them."""
    return text.split(",")


def lines(text: str) -> str:
    """A form sends lines with CR LF; kept with LF alone."""
    return text.replace("\r\n", "\n")


def _to_case(case_id: str, at: str = "") -> RedirectResponse:
    return RedirectResponse(f"/cases/{case_id}{f'#file-{at}' if at else ''}", 303)


def _limits() -> dict[str, int]:
    return {"title": cases.MAX_TITLE, "notes": cases.MAX_NOTES, "note": cases.MAX_NOTE}
