"""Detectors: one file each, found by walking this folder and the entry points `assay.detectors`."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from assay.case import Case
from assay.errors import BrokenDetectorError, DuplicateDetectorError
from assay.types import Evidence, MediaKind


@runtime_checkable
class Detector(Protocol):
    """What a detector offers.

    `needs` is what a case must hold for it to run: "faces", "picture" (a frame, with or without a
    face), "motion" (faces frame by frame), "sound" or "file". `looks_at` and `fails_on` are
    sentences for the documentation and the report. `bundle` names the model bundle, None for a
    detector without one.
    """

    name: str
    version: str
    family: str
    needs: str
    kinds: tuple[MediaKind, ...]
    looks_at: str
    fails_on: str
    licence: str
    bundle: str | None

    def examine(self, case: Case) -> list[Evidence]:
        """What this detector says of the case; raw logits, calibrated later."""
        ...


def file_evidence(detector: Detector, started: float | None = None, **more: Any) -> Evidence:
    """What a detector says of the file as a whole; `more` are further fields of Evidence.

    `started` is the time.monotonic() at which it began (None: whoever runs it takes the time).
    """
    return Evidence(
        detector=detector.name,
        version=detector.version,
        family=detector.family,
        subject="file",
        licence=detector.licence,
        seconds_taken=0.0 if started is None else time.monotonic() - started,
        **more,
    )


def discover() -> dict[str, type[Detector]]:
    """All detectors by name, sorted.

    Raises DuplicateDetectorError naming both places, BrokenDetectorError naming the one.
    """
    found: dict[str, type[Detector]] = {}
    places: dict[str, str] = {}
    for place, detector in _candidates():
        name = detector.name
        if name in found:
            raise DuplicateDetectorError(
                f"Two detectors are called {name!r}: {places[name]} and {place}.",
                remedy="Rename or remove one.",
            )
        found[name], places[name] = detector, place
    return dict(sorted(found.items()))


def _candidates() -> Sequence[tuple[str, type[Detector]]]:
    candidates = []
    for module_info in pkgutil.iter_modules(__path__):
        place = f"{__path__[0]}/{module_info.name}.py"
        candidates.append((place, _loaded(place, partial(_of_module, module_info.name))))
    for entry in entry_points(group="assay.detectors"):
        place = f"{entry.value} (entry point)"
        candidates.append((place, _loaded(place, entry.load)))
    return candidates


def _of_module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}").DETECTOR


def _loaded(place: str, load: Callable[[], Any]) -> type[Detector]:
    try:
        detector: type[Detector] = load()
        assert detector.name, "it has no name"
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise BrokenDetectorError(
            f"The detector {place} cannot be loaded: {type(error).__name__}: {said}"
        ) from error
    return detector
