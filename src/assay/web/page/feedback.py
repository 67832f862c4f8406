"""The buttons of a verdict: false alarm, missed, right."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse

from assay.web.api.access import Asking, Serving
from assay.web.page.cases import lines
from assay.web.store import feedback

WITHDRAWN = "withdrawn"
router = APIRouter(include_in_schema=False)


@router.post("/examinations/{examination_id}/feedback")
def say(
    service: Serving,
    actor: Asking,
    examination_id: str,
    kind: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
) -> Response:
    """Keep what was pressed, or take it back (`withdrawn`); back to the file."""
    if kind == WITHDRAWN:
        feedback.withdraw(service.store, actor, examination_id)
    else:
        feedback.give(service.store, actor, examination_id, kind, lines(comment))
    return RedirectResponse(f"/examinations/{examination_id}#feedback", 303)
