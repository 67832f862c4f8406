"""Every examination, newest first, with search and filters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from assay.report import wording
from assay.web.api.access import Asking, Serving
from assay.web.api.changes import re_examine_outdated
from assay.web.page.rendering import render
from assay.web.refusals import UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.examinations import Filters
from assay.web.store.schema import STATUSES

router = APIRouter(include_in_schema=False)
PAGE_LENGTH = 50
DATE = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form asks for; an empty field narrows nothing. Days are of UTC, the last included.

    `outdated` is "1" for those that an earlier assay examined.
    """

    q: str = ""
    label: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    outdated: str = ""
    batch: str = ""
    cursor: str = ""


@router.get("/history")
def history(
    request: Request,
    service: Serving,
    actor: Asking,
    q: Annotated[str, Query(max_length=200)] = "",
    label: str = "",
    status: str = "",
    since: str = "",
    until: str = "",
    outdated: str = "",
    batch: Annotated[str, Query(max_length=32)] = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """One page of them. Raises UnprocessableError on a filter that there is not."""
    wanted = Wanted(q.strip(), label, status, since, until, outdated, batch, cursor)
    found = examinations.page(
        service.store, actor, filters(wanted, service), PAGE_LENGTH, cursor or None
    )
    n_batch = 0
    if batch:
        n_batch = sum(examinations.batch(service.store, actor, batch)[1].values())
    return render(
        request,
        "history.html",
        rows=found.rows,
        engine=service.engine,
        wanted=wanted,
        narrowed=any(asdict(wanted).values()),
        labels=tuple(wording.LABELS),
        statuses=STATUSES,
        n_batch=n_batch,
        newest=_address(wanted, ""),
        older=_address(wanted, found.next_cursor) if found.next_cursor else "",
    )


@router.post("/history/again")
def again(service: Serving, actor: Asking) -> Response:
    """Examine anew all that an earlier assay examined; on to the batch that they make."""
    told = re_examine_outdated(service, actor)
    return RedirectResponse(f"/history?batch={told.batch_id}", 303)


def filters(wanted: Wanted, service: Service) -> Filters:
    """What is asked of the store. Raises UnprocessableError."""
    if wanted.label not in ("", *wording.LABELS):
        raise UnprocessableError("There is no such verdict.")
    if wanted.status not in ("", *STATUSES):
        raise UnprocessableError("There is no such state.")
    return Filters(
        status=wanted.status or None,
        label=wanted.label or None,
        text=wanted.q or None,
        batch_id=wanted.batch or None,
        since=_day(wanted.since),
        until=_day(wanted.until, after=timedelta(days=1)),
        outdated_of=service.engine if wanted.outdated else None,
    )


def _day(text: str, after: timedelta = timedelta()) -> float | None:
    if not text:
        return None
    try:
        return (datetime.strptime(text, DATE).replace(tzinfo=UTC) + after).timestamp()
    except (ValueError, OverflowError):
        raise UnprocessableError("A day is written as 2026-11-23.") from None


def _address(wanted: Wanted, cursor: str) -> str:
    held = {key: value for key, value in {**asdict(wanted), "cursor": cursor}.items() if value}
    return f"/history?{urlencode(held)}" if held else "/history"
