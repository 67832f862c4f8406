"""Examinations whose worker is gone: back into the queue, or set aside after so many times."""

from __future__ import annotations

import logging

from assay.web.jobs.chores import Chore
from assay.web.jobs.failures import failed_outcome
from assay.web.service import Service
from assay.web.store import queue
from assay.web.store.queue import Claimed

log = logging.getLogger(__name__)
CODE = "worker_lost"


def recover(service: Service) -> int:
    """Give every lost examination its next state; how many there were.

    A worker that was only slow, and comes back, finds its claim gone: it can finish nothing.
    """
    done = 0
    for held in queue.lost(service.store, service.settings.lost_after_s):
        is_last = held.n_attempts >= service.settings.max_attempts
        done += _set_aside(service, held) if is_last else _hand_back(service, held)
    return done


def _hand_back(service: Service, held: Claimed) -> bool:
    silent_s = service.settings.lost_after_s
    with service.store.writing() as connection:
        if not queue.is_silent(connection, held, silent_s):
            return False
        fault = f"The worker gave no sign of life for {silent_s:g} s."
        log.warning("attempt %d of %s was lost", held.n_attempts, held.id)
        return queue.hand_back_within(connection, held, fault)


def _set_aside(service: Service, held: Claimed) -> bool:
    """The file may be what kills the workers: it gets a whole result that says so."""
    times = "once" if held.n_attempts == 1 else f"{held.n_attempts} times"
    text = f"The worker that examined this file was lost {times}. It is not tried again by itself."
    folder = service.store.result_folder(held.id, held.claim)
    outcome = failed_outcome(held, CODE, text, engine=service.engine, folder=folder)
    with service.store.writing() as connection:
        if not queue.is_silent(connection, held, service.settings.lost_after_s):
            return False
        log.warning("%s is set aside after %d attempts", held.id, held.n_attempts)
        return queue.set_aside_within(connection, held, outcome)


def _run(service: Service) -> None:
    recover(service)


CHORE = Chore("recovery", 5.0, _run)
