"""One claimed examination: run it, say what came of it, and keep that or hand the file back."""

from __future__ import annotations

import logging
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from assay.errors import AssayError, MemoryLimitError
from assay.report.sanitise import visible
from assay.web.jobs.assigned import ERRORS, job_of
from assay.web.jobs.failures import failed_outcome
from assay.web.jobs.gathered import UnbelievableError, gathered
from assay.web.jobs.host import OUT_OF_MEMORY
from assay.web.jobs.isolated import Ended, HostError
from assay.web.jobs.limits import hard_limit_s
from assay.web.jobs.watch import BEAT_S, Watch
from assay.web.store import queue
from assay.web.store.database import Store
from assay.web.store.queue import Claimed, Outcome
from assay.web.store.schema import results

if TYPE_CHECKING:
    from assay.web.jobs.worker import Worker

SETTLE_S = 120.0  # so long a database may be away while there is a result to keep
MEMORY_WORDS = ("MemoryError", "bad_alloc", "Cannot allocate memory", "std::length_error")
TAIL_BYTES = 4000
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it: an outcome to keep with `status`, or a fault to hand the file back with.

    `given_up` is `cancel`, `lost` or `stop` where it was not let come to an end.
    """

    outcome: Outcome | None = None
    status: str = "finished"
    fault: str = ""
    given_up: str = ""


def examined(worker: Worker, held: Claimed, temp: Path) -> Found:
    """Have it examined in a process of its own; nothing that happens there is raised here."""
    settings, store = worker.settings, worker.store
    folder = store.result_folder(held.id, held.claim)
    beat_s = min(BEAT_S, settings.lost_after_s / 6)
    watch = Watch(store, held, worker.stop.is_set, worker.sign, beat_s)
    try:
        job = job_of(settings, store, held, temp)
        ended = worker.host.run(job, hard_limit_s(job["time_limit_s"]), watch)
    except AssayError as error:
        outcome = _failed(worker, held, error.code, error.as_text())
        return Found(outcome)
    except (HostError, OSError) as error:
        return _crashed(worker, held, str(error))
    if ended.because == "stopped":
        return Found(given_up=watch.verdict)
    if ended.code == 0:
        try:
            return Found(gathered(folder, held, worker.host.about.get("engine", "")))
        except UnbelievableError as error:
            return _crashed(worker, held, f"what it left is no result: {error}")
    return _judged(worker, held, ended, temp)


def _judged(worker: Worker, held: Claimed, ended: Ended, temp: Path) -> Found:
    """What a process that ended badly died of; what comes by chance is tried again."""
    said = _tail(temp / ERRORS)
    if ended.because == "time" or ended.code == -signal.SIGXCPU:
        text = (
            "The examination was ended: it went on longer than the service allows, and did not "
            "stop by itself. Give a shorter passage (time_range_s), or a copy saved anew."
        )
        return Found(_failed(worker, held, "time_limit", text))
    if ended.code == OUT_OF_MEMORY or any(word in said for word in MEMORY_WORDS):
        gib = worker.settings.memory_limit_bytes / 2**30
        text = f"The examination needed more memory than the service allows ({gib:.3g} GiB). "
        text += MemoryLimitError.remedy
        return Found(_failed(worker, held, "memory_limit", text))
    if said:
        log.warning("the examination %s said at its end: %s", held.id, visible(said[-1500:]))
    return _crashed(worker, held, _cause(ended.code))


def _cause(code: int) -> str:
    if code >= 0:
        return f"the examining process ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    more = " (the system ends processes so when memory runs out)" if name == "SIGKILL" else ""
    return f"the examining process was ended by {name}{more}"


def _crashed(worker: Worker, held: Claimed, cause: str) -> Found:
    if held.n_attempts < worker.settings.max_attempts:
        return Found(fault=cause)
    times = f"{held.n_attempts} times" if held.n_attempts > 1 else "once"
    text = f"The examination was tried {times} and did not come to an end; the last time, {cause}. "
    text += "Send it again to have it tried anew, or give a copy that another program saved."
    return Found(_failed(worker, held, "examiner_crashed", text), status="set_aside")


def _failed(worker: Worker, held: Claimed, code: str, text: str) -> Outcome:
    """The failed result in an emptied folder: nothing of the process that failed is kept."""
    folder = worker.store.result_folder(held.id, held.claim)
    shutil.rmtree(folder, ignore_errors=True)
    engine = worker.host.about.get("engine", "")
    return failed_outcome(held, code, text, engine=engine, folder=folder)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def settled(store: Store, held: Claimed, found: Found) -> bool:
    """Write down what came of it; whether a result of this claim is kept."""
    if found.given_up == "lost":
        return False
    if found.given_up == "cancel":
        _patiently(lambda: queue.give_up_cancelled(store, held))
        return False
    if found.given_up == "stop":
        fault = "the service was stopped meanwhile"
        _patiently(lambda: queue.hand_back(store, held, fault, counts=False))
        return False
    outcome = found.outcome
    if outcome is None:
        log.warning("the examination %s is tried again: %s", held.id, found.fault)
        _patiently(lambda: queue.hand_back(store, held, found.fault))
        return False
    return _patiently(lambda: _kept(store, held, outcome, found.status))


def _kept(store: Store, held: Claimed, outcome: Outcome, status: str) -> bool:
    with store.writing() as connection:
        if status == "set_aside":
            queue.set_aside_within(connection, held, outcome)
        else:
            queue.finish_within(connection, held.id, held.claim, outcome, status)
        return _is_kept(connection, held)


def _is_kept(connection: Connection, held: Claimed) -> bool:
    """Whether a result of this claim is there, be it from a try whose answer got lost."""
    asked = select(results.c.claim).where(results.c.examination_id == held.id)
    return connection.execute(asked).scalar_one_or_none() == held.claim


def _patiently(write: Callable[[], bool]) -> bool:
    """Try until the database takes it; after two minutes the claim is left to run out."""
    until, wait_s = time.monotonic() + SETTLE_S, 0.2
    while True:
        try:
            return write()
        except SQLAlchemyError as error:
            if time.monotonic() > until:
                log.error("a result could not be kept: %s", error)
                return False
            log.warning("a result waits for the database: %s", error)
            time.sleep(wait_s)
            wait_s = min(5.0, 2 * wait_s)
