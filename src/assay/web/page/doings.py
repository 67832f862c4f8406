"""The buttons of an examination's page: cancel, examine again, delete."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from assay.web import misuse
from assay.web.api.access import Asking, Serving
from assay.web.api.changes import anew
from assay.web.api.examinations import Id
from assay.web.store import examinations, media
from assay.web.store.schema import LIVE

router = APIRouter(include_in_schema=False)


@router.post("/examinations/{id}/cancel")
def cancel(service: Serving, actor: Asking, id: Id) -> Response:
    """Cancel what waits, ask what runs to stop; back to the file."""
    examinations.cancel(service.store, actor, id)
    return RedirectResponse(f"/examinations/{id}", 303)


@router.post("/examinations/{id}/again")
def again(service: Serving, actor: Asking, id: Id) -> Response:
    """Examine the same file anew, whatever was found before; on to the new examination."""
    row = examinations.get(service.store, actor, id)
    if row.reference_sha256 is not None:
        misuse.require_few(service.store, actor, row.reference_sha256)
    added = anew(service, actor, row, again=True, priority=LIVE)
    return RedirectResponse(f"/examinations/{added.id}", 303)


@router.post("/examinations/{id}/delete")
def delete(service: Serving, actor: Asking, id: Id) -> Response:
    """Delete file, result and report; on to the history."""
    media.forget(service.store, examinations.remove(service.store, actor, id))
    return RedirectResponse("/history", 303)
