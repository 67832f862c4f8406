"""The audit log, for those whose key has the scope `admin`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import Row

from assay.report.sanitise import plain
from assay.web.actor import ADMIN
from assay.web.api.access import Asking, Serving
from assay.web.api.models import iso
from assay.web.store import audit

router = APIRouter(prefix="/v1/audit", tags=["audit"])
MAX_NUMBER = 2**31 - 1


class Line(BaseModel):
    """Who did what with which content; `line` is the hash over it and the line before."""

    number: int
    at: str
    actor: str
    owner: str
    action: str
    subject: str
    sha256: str | None
    detail: dict[str, Any]
    previous: str
    line: str


class Lines(BaseModel):
    """Lines, newest first; `next_before` gives those that follow, null at the end."""

    lines: list[Line]
    next_before: int | None


class Checked(BaseModel):
    """Whether each line follows from the one before it.

    `first_broken` is the number of the first that does not. Lines cut off at the end show when
    `last` is compared with one that was noted elsewhere.
    """

    whole: bool
    first_broken: int | None
    n_lines: int
    last: str | None


Word = Annotated[str | None, Query(max_length=120, pattern=r"^[^\x00]*$")]


@router.get("", summary="Who did what with which content, when")
def read(
    asking: Asking,
    serving: Serving,
    before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
    limit: Annotated[int, Query(ge=1, le=audit.MAX_PAGE)] = 100,
    action: Word = None,
    actor: Word = None,
    subject: Word = None,
    sha256: Word = None,
) -> Lines:
    """The newest lines of the log, or those before a number. Needs the scope `admin`."""
    asking.require(ADMIN)
    sought = audit.Sought(before, action, actor, subject, sha256)
    rows = audit.lines(serving.store, sought, limit)
    more = len(rows) == limit
    return Lines(
        lines=[as_line(row) for row in rows], next_before=rows[-1].number if more else None
    )


@router.get("/check", summary="Whether a line was changed or taken out")
def check(asking: Asking, serving: Serving) -> Checked:
    """Compute every line's hash again. Needs the scope `admin`."""
    asking.require(ADMIN)
    broken = audit.check(serving.store)
    newest = audit.lines(serving.store, audit.Sought(), 1)
    return Checked(
        whole=broken is None,
        first_broken=broken,
        n_lines=audit.n_lines(serving.store),
        last=newest[0].line if newest else None,
    )


def as_line(row: Row[Any]) -> Line:
    """A row of `audit` as it is told outside."""
    held = dict(row._mapping)
    return Line(**{**held, "at": iso(held["at"]), "detail": plain(held["detail"])})
