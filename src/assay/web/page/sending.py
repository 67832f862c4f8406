"""The plain form of the first page: one file leads to its page, several to their list."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from assay.errors import AssayError
from assay.web import intake
from assay.web.actor import Actor
from assay.web.api.access import Asking, Serving
from assay.web.intake import Received, Sent
from assay.web.page.rendering import render
from assay.web.refusals import ForbiddenError, UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations

router = APIRouter(include_in_schema=False)


@router.post("/examinations")
async def send(request: Request, service: Serving, actor: Asking) -> Response:
    """Take what was chosen; several files become a batch."""
    most = service.settings.max_batch_files
    received = await intake.receive(request, service, actor, most)
    return await run_in_threadpool(_answer, request, service, actor, received)


def _answer(request: Request, service: Service, actor: Actor, received: Received) -> Response:
    with intake.used_or_let_go(service, received):
        url = received.fields.pop("url", "").strip()
        files = [*received.files, *([_fetched(service, url)] if url else [])]
        refused = [(one.name, one.error.as_text()) for one in received.unkept]
        if len(files) == 1 and not refused:
            added = intake.accept(
                service, actor, files[0], received.fields, reference=received.reference
            )
            return RedirectResponse(f"/examinations/{added.id}", 303)
        if not files and not refused:
            raise UnprocessableError("No file was chosen.", remedy="Go back and choose one.")
        if received.reference is not None:
            raise ForbiddenError("Known footage of a person is compared with one file alone.")
        batch_id = examinations.add_batch(service.store, actor, "page")
        refused += _accept_all(service, actor, files, received, batch_id)
    if refused:
        return render(request, "refused.html", 422, refused=refused, batch_id=batch_id)
    return RedirectResponse(f"/history?batch={batch_id}", 303)


def _accept_all(
    service: Service, actor: Actor, files: list[Sent], received: Received, batch_id: str
) -> Iterator[tuple[str, str]]:
    """Accept each; gives the name and the problem of each that was not."""
    for one in files:
        try:
            intake.accept(service, actor, one, received.fields, batch_id=batch_id)
        except AssayError as error:
            yield one.name, error.as_text()


def _fetched(service: Service, url: str) -> Sent:
    from assay.web import fetching

    return fetching.fetched(service, url)
