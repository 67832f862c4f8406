"""What a worker does while an examination runs: signs of life, progress, and when to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from assay.web.store import queue
from assay.web.store.database import Store, now
from assay.web.store.queue import Claimed

BEAT_S = 3.0
PROGRESS_S = 0.5  # between two writes of how far it is
FINISH_S = 8.0  # a worker that is to end lets its examination go on for so long
MAX_STEPS = 100
log = logging.getLogger(__name__)


class Watch:
    """Called several times a second; the answer is whether the examination goes on.

    `verdict` is why it does not: `cancel`, `lost` or `stop`.
    """

    def __init__(
        self,
        store: Store,
        held: Claimed,
        ending: Callable[[], bool],
        sign: Callable[[], None],
        beat_s: float = BEAT_S,
        finish_s: float = FINISH_S,
    ) -> None:
        self._store, self._held, self._ending, self._sign = store, held, ending, sign
        self._beat_s, self._finish_s = beat_s, finish_s
        self._progress: dict[str, Any] = {}
        self._steps: list[dict[str, Any]] = []
        self._written: dict[str, Any] | None = None
        self._beaten = time.monotonic()
        self._until: float | None = None
        self.verdict = ""

    def __call__(self, said: tuple[str, int, int] | None) -> bool:
        """Take note of what the examining process said; write it when it is time."""
        if said is not None:
            self._note(*said)
        moment = time.monotonic()
        if self._ending():
            self._until = moment + self._finish_s if self._until is None else self._until
            if moment >= self._until:
                self.verdict = "stop"
                return False
        changed = self._progress != self._written
        if moment - self._beaten < (min(PROGRESS_S, self._beat_s) if changed else self._beat_s):
            return True
        self._beaten = moment
        return self._beat(changed)

    def _note(self, step: str, done: int, total: int) -> None:
        known = any(one["name"] == step for one in self._steps)
        if not known and len(self._steps) < MAX_STEPS:
            self._steps.append({"name": step, "at": round(now(), 3)})
        self._progress = {"step": step, "done": done, "total": total, "steps": [*self._steps]}

    def _beat(self, changed: bool) -> bool:
        """A database that does not answer for a moment ends no examination."""
        try:
            self._sign()
            answer = queue.beat(self._store, self._held, self._progress if changed else None)
        except SQLAlchemyError as error:
            log.warning("no sign of life could be given for %s: %s", self._held.id, error)
            return True
        if changed:
            self._written = self._progress
        if answer != "go_on":
            self.verdict = answer
        return answer == "go_on"
