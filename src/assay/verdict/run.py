"""Run what may misbehave: with a time limit, with its prints kept off stdout, never raising.

A step runs in a daemon thread. One that does not come back is left behind, so nothing waits for
it, not even the end of the program. What is out of reach: native code that writes to file
descriptor 1, that holds the interpreter lock for ever, or that ends the process.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from assay.case import Case
from assay.detectors import Detector
from assay.errors import AssayError, BundleMismatchError, BundleMissingError, TimeLimitError
from assay.types import Evidence, Span

Result = TypeVar("Result")
log = logging.getLogger(__name__)


def bounded(step: Callable[[], Result], limit_s: float, what: str) -> Result:
    """What `step` returns, or raises (SystemExit included).

    Raises TimeLimitError when it takes longer than `limit_s`; the step is then left behind.
    """
    if limit_s <= 0:
        raise TimeLimitError(f"{what} was not begun: the file's time was up.")
    worker = _Worker(step)
    worker.start()
    worker.join(limit_s)
    if worker.is_alive():
        raise TimeLimitError(f"{what} took longer than {limit_s:.3g} s.")
    if worker.error is not None:
        raise worker.error
    return worker.result[0]


def run_detector(detector: type[Detector], case: Case) -> list[Evidence]:
    """What a detector says of the case; whatever it does wrong becomes failed evidence."""
    limit_s = min(case.options.detector_time_limit_s, case.deadline.remaining_s)
    started = time.monotonic()
    try:
        found = bounded(lambda: detector().examine(case), limit_s, f"The detector {detector.name}")
        evidence = [_checked(one, detector) for one in _as_list(found)]
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        evidence = [_without_score(detector, error)]
    seconds = time.monotonic() - started
    return [e if e.seconds_taken else replace(e, seconds_taken=seconds) for e in evidence]


class Ahead:
    """Detectors that run on threads of their own while others are run; asked for by name later.

    The threads are daemons: nobody waits for what was never asked for, not even the program's end.
    """

    def __init__(self, detectors: Iterable[type[Detector]], case: Case, n_threads: int) -> None:
        self._case = case
        self._waiting = deque(detectors)
        self._found: dict[str, list[Evidence]] = {}
        self._done = {detector.name: threading.Event() for detector in self._waiting}
        for _ in range(min(n_threads, len(self._waiting))):
            threading.Thread(target=self._work, name="assay-ahead", daemon=True).start()

    def __contains__(self, name: str) -> bool:
        return name in self._done

    def _work(self) -> None:
        while self._waiting:
            try:
                detector = self._waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                found = run_detector(detector, self._case)
            except BaseException as error:  # whoever asks must not wait for ever
                found = [_without_score(detector, error)]
            self._found[detector.name] = found
            self._done[detector.name].set()

    def evidence(self, name: str) -> list[Evidence]:
        """What the detector said, as `run_detector` gives it, once it has."""
        self._done[name].wait()
        return self._found[name]


def _as_list(found: object) -> list[object]:
    if not isinstance(found, list | tuple):
        raise TypeError(f"examine() returned {type(found).__name__}, a list of Evidence is needed")
    return list(found)


def _checked(found: object, detector: type[Detector]) -> Evidence:
    """The evidence, or a TypeError or ValueError that says what is wrong with it."""
    if not isinstance(found, Evidence):
        raise TypeError(f"examine() returned a list that holds {type(found).__name__}")
    if found.detector != detector.name:
        raise ValueError(f"it signed its evidence as {found.detector!r}")
    spans = tuple(
        Span(_number(span.start_s), _number(span.end_s), _number(span.logit))
        for span in found.spans
    )
    patches = tuple(replace(patch, logit=_number(patch.logit)) for patch in found.patches)
    logit = None if found.logit is None else _number(found.logit)
    # Calibrating is not the detector's business: whatever p_fake it claims is dropped.
    return replace(found, logit=logit, spans=spans, patches=patches, p_fake=None, threshold=None)


def _number(value: Any) -> float:
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"it returned {type(value).__name__} where a number belongs")
    if not math.isfinite(float(value)):
        raise ValueError("it returned a score that is not a finite number")
    return float(value)


def _without_score(detector: type[Detector], error: BaseException) -> Evidence:
    if isinstance(error, BundleMissingError | BundleMismatchError):
        return unscored(detector, "abstained", error.code, error.as_text())
    if isinstance(error, AssayError):
        return unscored(detector, "failed", error.code, error.as_text())
    log.debug("detector %s failed", detector.name, exc_info=error)
    code = "out_of_memory" if isinstance(error, MemoryError) else "detector_error"
    said = " ".join(str(error).split())[:200]
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return unscored(detector, "failed", code, text)


def unscored(detector: type[Detector], status: Any, code: str, text: str) -> Evidence:
    """Evidence without a score; its reason reads `code: text`."""
    return Evidence(
        detector=detector.name,
        version=detector.version,
        family=detector.family,
        subject="file",
        status=status,
        reason=f"{code}: {text}",
        licence=detector.licence,
    )


class _Worker(threading.Thread, Generic[Result]):
    """A daemon thread whose prints go to stderr for as long as it lives."""

    def __init__(self, step: Callable[[], Result]) -> None:
        super().__init__(name="assay-step", daemon=True)
        self._step = step
        self.result: list[Result] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        with _Diversion():
            try:
                self.result.append(self._step())
            except BaseException as error:
                self.error = error


class _Divert:
    """Stands in for sys.stdout: a worker's writes go to stderr, everyone else's pass."""

    def __init__(self, behind: Any) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> Any:
        diverted = isinstance(threading.current_thread(), _Worker)
        return getattr(sys.stderr if diverted else self.behind, name)


class _Diversion:
    """In place while any worker lives, one left behind included; counted, for many threads."""

    _lock = threading.Lock()
    _n_workers = 0

    def __enter__(self) -> None:
        with self._lock:
            _Diversion._n_workers += 1
            if not isinstance(sys.stdout, _Divert):
                sys.stdout = _Divert(sys.stdout)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            _Diversion._n_workers -= 1
            if not _Diversion._n_workers and isinstance(sys.stdout, _Divert):
                sys.stdout = sys.stdout.behind
