"""Whether the service lives, and whether it can do its work: for load balancers and people.

It is answered without a key and tells no number of the operator's machine; `/metrics` does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text

import assay
from assay.web.api.access import Serving
from assay.web.service import Service
from assay.web.store import presence

router = APIRouter(tags=["service"])

PATIENCE_S = 3.0
SEEN_WITHIN_S = 30.0
State = Literal["ok", "degraded", "failing"]


class Check(BaseModel):
    """One thing the service needs, and what is wrong with it."""

    status: State
    text: str


class Health(BaseModel):
    """`failing`: nothing can be accepted. `degraded`: something is missing, the rest works."""

    status: State
    version: str
    checks: dict[str, Check]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/health/live", summary="Whether the process answers")
async def live() -> Alive:
    """Answer as long as the process can."""
    return Alive()


@router.get(
    "/health", summary="Whether the service can do its work",
    responses={503: {"model": Health, "description": "It can accept nothing at present."}},
)  # fmt: skip
async def health(service: Serving, response: Response) -> Health:
    """The state of database, disk and workers; 503 where nothing can be accepted."""
    checks: dict[str, Check] = {}
    # A limiter of its own: these answer even when every other thread waits.
    limiter = anyio.CapacityLimiter(len(CHECKS))
    async with anyio.create_task_group() as group:
        for name, check in CHECKS.items():
            group.start_soon(_look, checks, name, check, service, limiter)
    worst = max((one.status for one in checks.values()), key=("ok", "degraded", "failing").index)
    response.status_code = 503 if worst == "failing" else 200
    ordered = {name: checks[name] for name in CHECKS}
    return Health(status=worst, version=assay.__version__, checks=ordered)


async def _look(
    checks: dict[str, Check], name: str, check: Callable[[Service], Check], service: Service,
    limiter: anyio.CapacityLimiter,
) -> None:  # fmt: skip
    checks[name] = Check(status="failing", text=f"No answer within {PATIENCE_S:.0f} s.")
    with anyio.move_on_after(PATIENCE_S):
        try:
            checks[name] = await anyio.to_thread.run_sync(
                check, service, abandon_on_cancel=True, limiter=limiter
            )
        except Exception as error:  # whatever a driver raises
            checks[name] = Check(status="failing", text=f"It fails: {type(error).__name__}.")


def check_database(service: Service) -> Check:
    """Whether the database answers."""
    with service.store.reading() as connection:
        connection.execute(text("SELECT 1")).scalar_one()
    return Check(status="ok", text=f"{service.store.engine.dialect.name} answers.")


def check_disk(service: Service) -> Check:
    """Whether files can be kept."""
    if not os.access(service.store.incoming, os.W_OK | os.X_OK):
        return Check(status="failing", text="The data folder cannot be written to.")
    if shutil.disk_usage(service.store.folder).free < service.settings.min_free_bytes:
        return Check(status="degraded", text="The disk has too little room for new files.")
    return Check(status="ok", text="There is room for new files.")


def check_workers(service: Service) -> Check:
    """Whether anyone examines."""
    n_seen = len(presence.seen(service.store, SEEN_WITHIN_S))
    if not n_seen:
        told = "No worker gave a sign lately: files are accepted and wait."
        return Check(status="degraded", text=told)
    if n_seen < service.settings.n_workers:
        told = f"{n_seen} of {service.settings.n_workers} workers are there."
        return Check(status="degraded", text=told)
    return Check(status="ok", text=f"{n_seen} worker{'' if n_seen == 1 else 's'} at work.")


def check_isolation(service: Service) -> Check:
    """Whether the processes that decode are shut in as they should be."""
    lacks = sorted(
        {
            str(facts["isolation"])
            for facts in presence.seen(service.store, SEEN_WITHIN_S)
            if facts.get("isolation")
        }
    )
    if lacks:
        return Check(status="degraded", text=" ".join(lacks)[:500])
    return Check(status="ok", text="Nothing is known to be missing.")


CHECKS: dict[str, Callable[[Service], Check]] = {
    "database": check_database,
    "disk": check_disk,
    "workers": check_workers,
    "isolation": check_isolation,
}
