"""What the API answers, as types; the same objects go out as events and to webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from assay.report.sanitise import encodable
from assay.web.engine import engine_id
from assay.web.option_fields import as_shown
from assay.web.store.schema import BATCH

Status = Literal["queued", "running", "finished", "set_aside", "cancelled"]
ResultStatus = Literal["completed", "declined", "failed"]
Label = Literal[
    "strong_evidence", "some_evidence", "inconclusive", "no_evidence_found", "not_analysable"
]
MAX_FAULTS = 20
WITH_RESULT = ("finished", "set_aside")


class Model(BaseModel):
    """Every answer: closed, and it cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Model):
    """One step that was begun, and when (ISO 8601, UTC)."""

    name: str
    at: str | None = None


class Progress(Model):
    """The step at work, how much of it is done, and the steps so far. Empty while it waits."""

    step: str | None = None
    done: int = 0
    total: int = 0
    steps: list[Step] = []


class Fault(Model):
    """Why an attempt came to nothing, and when (ISO 8601, UTC)."""

    at: str | None
    fault: str


class Summary(Model):
    """The verdict in short. `p_fake`: higher is more likely manipulated; null where not scored."""

    status: ResultStatus
    label: Label
    p_fake: float | None = Field(ge=0, le=1)


class Links(Model):
    """Where the rest is; null where there is none (yet, or any more)."""

    self: str
    events: str
    page: str
    result: str | None
    report: str | None
    artifacts: str | None
    media: str | None
    differences: str | None


class Examination(Model):
    """One file under examination. Times are ISO 8601, UTC.

    `status`: queued, running, finished, set_aside (every attempt killed its process; there is a
    result that says so) or cancelled. `name` is what the file was called by who sent it, spelled
    as it came. `outdated`: another version of assay or of its networks examined it than would now.
    """

    id: str
    status: Status
    name: str
    other_names: list[str]
    sha256: str
    n_bytes: int
    media_type: str | None
    media_deleted_at: str | None
    source: str
    priority: Literal["live", "batch"]
    options: dict[str, Any]
    purpose: str | None
    reference_sha256: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    cancel_asked: bool
    progress: Progress
    n_attempts: int
    faults: list[Fault]
    verdict: Summary | None
    previous_id: str | None
    engine: str
    outdated: bool
    links: Links


class ExaminationPage(Model):
    """Examinations, newest first; `next_cursor` gives those that follow, null at the end."""

    examinations: list[Examination]
    next_cursor: str | None


class ProblemPart(Model):
    """What is wrong with one part of a request."""

    at: str
    text: str


class Problem(Model):
    """RFC 9457: what went wrong. `code` is stable, `remedy` says what to do about it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    remedy: str | None = None
    errors: list[ProblemPart] | None = None


def as_examination(row: Row[Any], engine: str | None = None) -> Examination:
    """A row of `examinations` as it is told outside.

    `engine` is the present one (`Service.engine`); None looks it up.
    """
    present = engine_id() if engine is None else engine
    return Examination(
        id=row.id,
        status=row.status,
        name=encodable(row.name),
        other_names=[encodable(name) for name in row.other_names],
        sha256=row.sha256,
        n_bytes=row.n_bytes,
        media_type=row.media_type,
        media_deleted_at=iso(row.media_deleted_at),
        source=encodable(row.source),
        priority="batch" if row.priority == BATCH else "live",
        options=as_shown(row.options),
        purpose=row.purpose,
        reference_sha256=row.reference_sha256,
        created_at=str(iso(row.created_at)),
        started_at=iso(row.started_at),
        finished_at=iso(row.finished_at),
        cancel_asked=row.cancel_asked,
        progress=as_progress(row.progress),
        n_attempts=row.n_attempts,
        faults=[_fault(one) for one in row.faults[-MAX_FAULTS:]],
        verdict=_summary(row),
        previous_id=row.previous_id,
        engine=row.engine,
        outdated=row.status in WITH_RESULT and row.engine != present,
        links=_links(row),
    )


def as_progress(held: Mapping[str, Any]) -> Progress:
    """What a worker wrote down while it examined."""
    steps = [
        Step(name=encodable(str(one.get("name", ""))), at=_when(one.get("at")))
        for one in held.get("steps") or []
    ]
    step = held.get("step")
    return Progress(
        step=None if step is None else encodable(str(step)),
        done=int(held.get("done") or 0),
        total=int(held.get("total") or 0),
        steps=steps,
    )


def iso(time_s: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    if time_s is None:
        return None
    told = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def _when(value: Any) -> str | None:
    if isinstance(value, int | float):
        return iso(float(value))
    return None if value is None else encodable(str(value))


def _fault(held: Mapping[str, Any]) -> Fault:
    return Fault(at=_when(held.get("at")), fault=encodable(str(held.get("fault", ""))))


def _summary(row: Row[Any]) -> Summary | None:
    if row.result_status is None:
        return None
    return Summary(status=row.result_status, label=row.label, p_fake=row.p_fake)


def _links(row: Row[Any]) -> Links:
    own = f"/v1/examinations/{row.id}"
    over = row.result_status is not None
    return Links(
        self=own,
        events=f"{own}/events",
        page=f"/examinations/{row.id}",
        result=f"{own}/result" if over else None,
        report=f"{own}/report" if over else None,
        artifacts=f"{own}/artifacts" if over else None,
        media=f"{own}/media" if row.media_deleted_at is None else None,
        differences=f"{own}/differences" if over and row.previous_id else None,
    )
