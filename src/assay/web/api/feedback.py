"""Feedback: what people hold a verdict for, kept with the scores so that calibration can learn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from assay.web.api.access import Asking, Serving
from assay.web.api.cases import CHANGED, FOUND
from assay.web.api.models import Model, iso
from assay.web.store import feedback

router = APIRouter(prefix="/v1", tags=["feedback"])

ExaminationId = Annotated[str, Path(max_length=64, description="The id of an examination")]
Kind = Literal["false_alarm", "missed", "right"]
JSON_LINES = "application/jsonl"


class Said(BaseModel):
    """`false_alarm`: it is genuine and was called fake; `missed`: it is fake and was not found;
    `right`: the verdict fits.
    """

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    comment: str = Field("", max_length=feedback.MAX_COMMENT)


class Score(Model):
    """What one detector gave. `p_fake`: higher is more likely manipulated; null where none."""

    name: str | None
    version: str | None
    bundle_sha256: str | None
    subject: str | None
    status: str | None
    p_fake: float | None
    threshold: float | None


class Feedback(Model):
    """One person's word on one result, with what the result was. Times are ISO 8601, UTC."""

    id: str
    examination_id: str
    actor: str
    kind: Kind
    comment: str
    sha256: str
    engine: str
    verdict: str | None
    scores: list[Score]
    created_at: str


class FeedbackList(Model):
    """What was said about one examination, oldest first."""

    feedback: list[Feedback]


@router.put("/examinations/{examination_id}/feedback", responses=CHANGED)
def give_feedback(
    service: Serving, actor: Asking, examination_id: ExaminationId, said: Said
) -> Feedback:
    """Say whether a verdict fits. Said again, it takes the place of what you said before."""
    row = feedback.give(service.store, actor, examination_id, said.kind, said.comment)
    return as_feedback(row)


@router.get("/examinations/{examination_id}/feedback", responses=FOUND)
def read_feedback(service: Serving, actor: Asking, examination_id: ExaminationId) -> FeedbackList:
    """What was said about one examination."""
    rows = feedback.of(service.store, actor, examination_id)
    return FeedbackList(feedback=[as_feedback(row) for row in rows])


@router.delete("/examinations/{examination_id}/feedback", status_code=204, responses=FOUND)
def withdraw_feedback(service: Serving, actor: Asking, examination_id: ExaminationId) -> None:
    """Take back what you said about an examination."""
    feedback.withdraw(service.store, actor, examination_id)


@router.get(
    "/feedback",
    response_class=StreamingResponse,
    responses={
        **{code: told for code, told in FOUND.items() if code != 404},
        200: {
            "description": "One object of the schema Feedback a line, oldest first",
            "content": {JSON_LINES: {"schema": {"type": "string"}}},
        },
    },
)
def export_feedback(
    service: Serving,
    actor: Asking,
    kind: Annotated[Kind | None, Query()] = None,
    since: Annotated[
        float | None, Query(description="Seconds since 1970", ge=0, allow_inf_nan=False)
    ] = None,
) -> StreamingResponse:
    """All feedback as JSON Lines, with hash, engine and scores and without any name of a file."""
    actor.require("read")
    rows = feedback.every(service.store, actor, kind, since)
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_lines(rows), media_type=JSON_LINES, headers=headers)


def as_feedback(row: Row[Any]) -> Feedback:
    """A row of `feedback` as it is told outside."""
    return Feedback(
        id=row.id,
        examination_id=row.examination_id,
        actor=row.actor,
        kind=row.kind,
        comment=row.comment,
        sha256=row.sha256,
        engine=row.engine,
        verdict=row.label,
        scores=[Score(**one) for one in row.scores],
        created_at=str(iso(row.created_at)),
    )


def _lines(rows: Iterator[Row[Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(as_feedback(row).model_dump(), allow_nan=False) + "\n"
