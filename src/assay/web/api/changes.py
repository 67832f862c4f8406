"""Examined anew: one file or all that an earlier assay examined, and what differs since."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row

from assay.report.differences import differences
from assay.web import misuse
from assay.web.actor import Actor
from assay.web.api import repeats
from assay.web.api.access import Asking, Serving
from assay.web.api.examinations import Id, answered
from assay.web.api.models import Examination, Model
from assay.web.api.repeats import Done, Key
from assay.web.api.results import require_result
from assay.web.intake import require_room
from assay.web.refusals import ConflictError, QueueFullError, UnprocessableError
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.examinations import MAX_PAGE, Added, Filters, Wanted
from assay.web.store.schema import BATCH, PRIORITIES

router = APIRouter(tags=["changes"])
PATIENCE_S = 20.0  # of one request that goes through all that is outdated


class Again(BaseModel):
    """How to examine a file anew; `again` also where nothing changed since."""

    model_config = ConfigDict(extra="forbid")
    again: bool = False
    priority: Literal["live", "batch"] = "live"


class Scores(Model):
    """A score in both; `by` is how far the later one lies above."""

    earlier: float | None
    later: float | None
    by: float | None


class Both(Model):
    """A value in both, where they differ."""

    earlier: Any
    later: Any


class Lists(Model):
    """What only the earlier one has, and what only the later one."""

    gone: list[str]
    new: list[str]


class DetectorDifference(Model):
    """One subject of one detector; null where nothing differs."""

    detector: str
    subject: str
    only_in: Literal["earlier", "later"] | None
    status: Both | None
    p_fake: Scores | None
    threshold: Scores | None
    version: Both | None
    bundle_sha256: Both | None


class Differences(Model):
    """What differs between two results; null where nothing does."""

    id: str
    against: str
    changed: bool
    same_file: bool
    status: Both | None
    verdict: Both | None
    direction: Literal["stronger", "weaker"] | None
    kind: Both | None
    p_fake: Scores | None
    operating_point: Both | None
    reasons: Lists | None
    detectors: list[DetectorDifference]
    forensics: Lists | None
    assay_version: Both | None
    schema_version: Both | None


class ReExamined(Model):
    """What was found outdated. `n_same`: examined anew before. `n_left_out`: without its file, or
    compared with known footage, which is done one by one. Where the queue or the time did not
    reach for all, `is_complete` is false: ask again with `next_cursor` (null: from the start).
    """

    batch_id: str
    n_new: int
    n_same: int
    n_left_out: int
    is_complete: bool
    next_cursor: str | None


@router.post(
    "/v1/examinations/{id}/re-examination",
    status_code=202,
    response_model=Examination,
    responses={200: {"model": Examination, "description": "That was done before."}},
)
def re_examine(
    service: Serving,
    actor: Asking,
    id: Id,
    asked: Again | None = None,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Examine the same file anew, with the same options and the networks of today.

    202: it waits its turn; `previous_id` leads back here. 200: that was done already. 409 where
    the file itself is no longer kept.
    """
    wish = asked or Again()

    def act() -> Done:
        row = examinations.get(service.store, actor, id)
        if row.reference_sha256 is not None:
            misuse.require_few(service.store, actor, row.reference_sha256)
        priority = PRIORITIES[wish.priority]
        added = anew(service, actor, row, again=wish.again, priority=priority)
        return Done(202 if added.is_new else 200, {"id": added.id})

    told = repeats.fingerprint(f"re-examination {id}", wish.model_dump())
    return answered(service, actor, repeats.once(service, actor, idempotency_key, told, act))


def anew(
    service: Service, actor: Actor, row: Row[Any], *, again: bool, priority: int,
    batch_id: str | None = None,
) -> Added:  # fmt: skip
    """Examine what a row examined, for the same owner. Raises ConflictError without its file."""
    if row.media_deleted_at is not None:
        raise ConflictError("The file itself is no longer kept.", remedy="Send the file again.")
    wanted = Wanted(
        row.name,
        row.sha256,
        row.n_bytes,
        row.options,
        row.source,
        priority,
        row.purpose,
        row.reference_sha256,
        row.reference_name,
        batch_id,
        row.id,
        again,
    )
    owner = replace(actor, owner=row.owner)
    most = service.settings.max_queue
    return examinations.add(service.store, owner, wanted, service.engine, most)


@router.post("/v1/re-examinations", status_code=202)
def re_examine_outdated(
    service: Serving,
    actor: Asking,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> ReExamined:
    """Examine anew all that another version of assay or of its networks examined, as one batch."""
    require_room(service)
    batch_id = examinations.add_batch(service.store, actor, "re-examination")
    until, counts = time.monotonic() + PATIENCE_S, {"new": 0, "same": 0, "left_out": 0}
    filters = Filters(outdated_of=service.engine)
    while True:
        page = examinations.page(service.store, actor, filters, MAX_PAGE, cursor or None)
        try:
            for row in page.rows:
                counts[_again(service, actor, row, batch_id)] += 1
        except QueueFullError:
            break  # this page again, next time: what is done is found as done
        cursor = page.next_cursor
        if cursor is None or time.monotonic() > until:
            return _told(batch_id, counts, cursor, is_complete=cursor is None)
    return _told(batch_id, counts, cursor, is_complete=False)


def _again(service: Service, actor: Actor, row: Row[Any], batch_id: str) -> str:
    if row.reference_sha256 is not None:
        return "left_out"
    try:
        added = anew(service, actor, row, again=False, priority=BATCH, batch_id=batch_id)
    except ConflictError:
        return "left_out"
    return "new" if added.is_new else "same"


def _told(
    batch_id: str, counts: dict[str, int], cursor: str | None, *, is_complete: bool
) -> ReExamined:
    return ReExamined(
        batch_id=batch_id,
        n_new=counts["new"],
        n_same=counts["same"],
        n_left_out=counts["left_out"],
        is_complete=is_complete,
        next_cursor=cursor,
    )


@router.get("/v1/examinations/{id}/differences")
def compare(
    service: Serving,
    actor: Asking,
    id: Id,
    against: Annotated[
        str | None, Query(pattern="^[0-9a-f]{32}$", description="The earlier one.")
    ] = None,
) -> Differences:
    """What differs from an earlier examination; without `against`, from the one it repeats."""
    row, later = require_result(service, actor, id)
    other = against or row.previous_id
    if other is None:
        raise UnprocessableError(
            "It repeats no other examination.", remedy="Name one with `against`."
        )
    _row, earlier = require_result(service, actor, other)
    told = differences(earlier.result, later.result)
    return Differences(id=id, against=other, **told)
