"""One examination as a page: how far it is, then the verdict, the file and the whole report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Row, desc, select

from assay.report import figures, wording
from assay.web.actor import Actor
from assay.web.api.access import Asking, Serving
from assay.web.api.examinations import Id
from assay.web.api.models import Progress, as_progress
from assay.web.api.results import file_of, noted, require_result
from assay.web.option_fields import as_shown
from assay.web.page import changes, pictures, report_policy, texts, timelines
from assay.web.page.cases import choices
from assay.web.page.rendering import render
from assay.web.page.told import kind_of, told
from assay.web.refusals import NotFoundError
from assay.web.service import Service
from assay.web.store import examinations, feedback
from assay.web.store.schema import WAITING
from assay.web.store.schema import examinations as rows

router = APIRouter(include_in_schema=False)
MAX_SAVED_NAME = 100
Fact = tuple[str, Any, bool]


@router.get("/examinations/{id}")
def shown(request: Request, service: Serving, actor: Asking, id: Id) -> Response:
    """The page of one examination. Raises NotFoundError."""
    row = examinations.get(service.store, actor, id)
    held = examinations.result_of(service.store, actor, id)
    if held is None:
        values = {"told": None, "waits": row.status in WAITING, **_progress(row)}
    else:
        row = examinations.get(service.store, actor, id)  # it may have been finished meanwhile
        values = {"waits": False, **_result(service, actor, row, held)}
    return render(
        request,
        "examination.html",
        row=row,
        faults=[one["fault"] for one in row.faults[-3:]],
        can_repeat=row.media_deleted_at is None,
        facts=list(_facts(row, held)),
        **values,
    )


@router.get("/examinations/{id}/report")
def report(service: Serving, actor: Asking, id: Id) -> Response:
    """The whole report as the command line writes it; of scripts only our own run in it."""
    row, held = require_result(service, actor, id)
    if held.report is None:
        raise NotFoundError("No report was written: the examination came to nothing.")
    page = file_of(service, held, held.report).read_bytes()
    noted(service, actor, row, "read_report")
    return HTMLResponse(page, headers={"Content-Security-Policy": report_policy.policy()})


def _result(service: Service, actor: Actor, row: Row[Any], held: Row[Any]) -> dict[str, Any]:
    """What the page of a finished examination shows."""
    result = held.result
    gone = row.media_deleted_at is not None
    kind = kind_of(result["input"]["media_type"])
    return {
        "told": told(result, row.name),
        "outdated": row.engine != service.engine,
        "newer": _newer(service, actor, row),
        "gone": gone,
        "media": f"/v1/examinations/{row.id}/media",
        "player": kind if kind in ("video", "audio") and not gone else None,
        "timeline": timelines.timeline(result),
        "laid": pictures.laid(row.id, held.artifacts),
        "has_report": held.report is not None,
        "artifacts": _artifacts(row.id, held.artifacts),
        "saved": plain_name(row.name),
        "said": feedback.mine(service.store, actor, row.id),
        "cases": choices(service, actor, row.id),
        **changes.since(service, actor, row, result),
    }


def _progress(row: Row[Any]) -> dict[str, Any]:
    progress = as_progress(row.progress)
    return {"done": progress.done, "total": progress.total, "steps": steps(progress)}


def steps(progress: Progress) -> list[str]:
    """The steps that were begun, in words."""
    names = [step.name for step in progress.steps]
    return [step_words(name) for name in names or filter(None, [progress.step])]


def step_words(name: str) -> str:
    """A step in words: a detector's is its name."""
    return texts.TEXTS.get(f"script.step.{name}") or wording.titled(name)


def _newer(service: Service, actor: Actor, row: Row[Any]) -> Row[Any] | None:
    """The last examination that repeated this one."""
    asked = select(rows).where(rows.c.previous_id == row.id).order_by(desc(rows.c.created_at))
    with service.store.reading() as connection:
        found = connection.execute(asked.limit(1)).one_or_none()
    return found if found is not None and actor.sees(found.owner) else None


def _artifacts(id_: str, artifacts: list[Mapping[str, str]]) -> list[tuple[str, str, str]]:
    return [
        (pictures.address(id_, number), Path(one["path"]).name, one["caption"])
        for number, one in enumerate(artifacts, 1)
    ]


def plain_name(name: str) -> str:
    """A name for what is saved: of letters and signs that every system takes."""
    plain = "".join(one if one.isalnum() or one in "._-" else "_" for one in name)
    return plain.strip("._-")[-MAX_SAVED_NAME:] or "file"


def _facts(row: Row[Any], held: Row[Any] | None) -> Iterator[Fact]:
    yield "fact.sha256", row.sha256, True
    yield "fact.size", f"{figures.n_bytes(row.n_bytes)} ({row.n_bytes:,} B)", False
    if row.media_type:
        yield "fact.type", row.media_type, False
    if row.other_names:
        yield "fact.other_names", ", ".join(row.other_names), False
    if row.source != "upload":
        yield "fact.source", row.source, False
    yield "fact.sent", _time(row.created_at), False
    if row.finished_at:
        yield "fact.finished", _time(row.finished_at), False
    options = as_shown(row.options)
    if options:
        yield "fact.options", ", ".join(f"{key} = {value}" for key, value in options.items()), True
    if row.reference_sha256:
        yield "fact.reference", f"{row.reference_name} (sha256 {row.reference_sha256})", False
        yield "fact.purpose", row.purpose or "", False
    if row.n_attempts > 1:
        yield "fact.attempts", row.n_attempts, False
    rerun = (held.result.get("runtime") or {}).get("rerun") if held is not None else None
    if rerun:
        yield "fact.rerun", rerun, True
    yield "fact.id", row.id, True
    if row.engine:
        yield "fact.engine", row.engine, True


def _time(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
