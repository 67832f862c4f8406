"""One file through every detector of files, to one line of JSON a detector; kept between runs.

A line is valid for the file's content and for the code behind the detector: its module and all of
assay's `inputs`, `media` and `detectors` modules that it imports.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import os
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import assay
import assay.detectors as room
from assay.case import Case
from assay.detectors import Detector
from assay.errors import AssayError
from assay.evaluation.pool import each
from assay.findings import Region
from assay.media.probe import probe
from assay.options import Options
from assay.types import Evidence, PictureView
from assay.verdict.run import run_detector
from filed.files import OnHand
from filed.maps import measured, overlap, read_mask

PACKAGE = Path(assay.__file__).parent
FOLLOWED = ("inputs", "media", "detectors")
OPTIONS = Options(time_limit_s=3600, detector_time_limit_s=600)
Record = dict[str, Any]


class PictureCase(Case):
    """A case whose picture is read without looking for faces in it, which nobody here asks for."""

    @property
    def picture_views(self) -> tuple[PictureView, ...]:
        """The whole picture; of a film as any other case has it."""
        if self.media.kind != "image":
            return super().picture_views
        if "whole" not in self.__dict__:
            frames = [PictureView(f.index, f.time_s, f.rgb) for f in self.frames()]
            self.__dict__["whole"] = tuple(frames[:1])
        found: tuple[PictureView, ...] = self.__dict__["whole"]
        return found


def file_detectors(only: Sequence[str] = ()) -> tuple[dict[str, type[Detector]], dict[str, str]]:
    """Detectors of the file that need nothing else, by name; and those left out, with why."""
    found: dict[str, type[Detector]] = {}
    left_out: dict[str, str] = {}
    for info in pkgutil.iter_modules(room.__path__):
        try:
            detector = importlib.import_module(f"{room.__name__}.{info.name}").DETECTOR
        except (ImportError, AttributeError, SyntaxError) as error:
            left_out[info.name] = f"it cannot be loaded: {error}"
            continue
        if detector.needs != "file" or (only and detector.name not in only):
            continue
        if getattr(detector, "needs_camera", False):
            left_out[detector.name] = "it compares with pictures of a known camera (--camera)"
        else:
            found[detector.name] = detector
    return found, left_out


@cache
def fingerprint(detector: str) -> str:
    """Sixteen digits that change with the code behind a detector."""
    digest, known = hashlib.sha256(), sorted(_sources(f"detectors.{detector}"))
    for name in known:
        digest.update(_file_of(name).read_bytes())
    return digest.hexdigest()[:16]


def _sources(start: str) -> set[str]:
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(_file_of(name))
    return found


def _file_of(name: str) -> Path:
    path = PACKAGE / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")[1:]
            if len(parts) == 2 and parts[0] in FOLLOWED and name.startswith("assay."):
                module = ".".join(parts)
                if _file_of(module).is_file():
                    yield module


def codes_of(detector: str) -> set[str]:
    """Every finding code that stands written in the code behind a detector."""
    found: set[str] = set()
    for name in _sources(f"detectors.{detector}"):
        for node in ast.walk(ast.parse(_file_of(name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                is_code = text.startswith(f"{detector}_") and text.replace("_", "").isalnum()
                if is_code and not text.endswith("_"):
                    found.add(text)
    return found


@dataclass(frozen=True, slots=True)
class Task:
    """One file and the detectors that still have to see it."""

    file: OnHand
    detectors: tuple[str, ...]


def read_all(
    files: Sequence[OnHand],
    detectors: Mapping[str, type[Detector]],
    work: Path,
    workers: int,
    progress: Callable[[int, int], None],
) -> list[Record]:
    """The records of all files and detectors; what `work` holds already is not made again."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "records.jsonl"
    known = _known(path, detectors)
    tasks = []
    for file in files:
        missing = tuple(n for n in detectors if (file.name, file.sha256, n) not in known)
        if missing:
            tasks.append(Task(file, missing))
    with path.open("a", encoding="utf-8") as out:
        for done, (index, result) in enumerate(each(read_file, tasks, workers), 1):
            records = _crashed(tasks[index], result) if isinstance(result, Exception) else result
            for record in records:
                known[(record["name"], record["sha256"], record["detector"])] = record
                out.write(json.dumps(record) + "\n")
            out.flush()
            progress(done, len(tasks))
    wanted = {(file.name, file.sha256) for file in files}
    return [one for (name, sha256, _), one in known.items() if (name, sha256) in wanted]


def _known(path: Path, detectors: Iterable[str]) -> dict[tuple[str, str, str], Record]:
    prints = {name: fingerprint(name) for name in detectors}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
            key = (record["name"], record["sha256"], record["detector"])
            if prints.get(record["detector"]) == record["print"]:
                found[key] = record
        except (ValueError, LookupError):
            continue
    return found


def read_file(task: Task) -> list[Record]:
    """Every asked detector's answer on one file, and whether the file stayed as it was."""
    path = task.file.path
    before = _state(path)
    detectors, _ = file_detectors(task.detectors)
    try:
        case = PictureCase(probe(path), OPTIONS)
        if case.media.kind == "image":
            assert case.picture_views
    except AssayError as error:
        return [_record(task.file, name, status="unread", reason=error.code) for name in detectors]
    found = [
        _answer(task.file, detector, case)
        for detector in detectors.values()
        if case.media.kind in detector.kinds
    ]
    others = [name for name, one in detectors.items() if case.media.kind not in one.kinds]
    found += [_record(task.file, name, status="other_kind") for name in others]
    unchanged = _state(path) == before
    return [{**record, "unchanged": unchanged} for record in found]


def _state(path: Path) -> tuple[str, int, int]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest, path.stat().st_mtime_ns, path.stat().st_size


def _answer(file: OnHand, detector: type[Detector], case: Case) -> Record:
    started = time.perf_counter()
    evidence = run_detector(detector, case)
    seconds = time.perf_counter() - started
    first = evidence[0]
    findings = [finding for one in evidence for finding in one.findings]
    record = _record(file, detector.name, status=first.status, reason=first.reason or "")
    mask = read_mask(file.mask) if file.mask else None
    record |= {
        "seconds": seconds,
        "size": list(case.media.size_px or ()),
        "raw_logit": _raw_logit(first),
        "findings": [
            {"code": one.code, "severity": one.severity, "boxes": _boxes(one.region)}
            for one in findings
        ],
        "provenance": (first.details.get("provenance") or {}).get("state"),
    }
    if mask is not None:
        views = [view for one in evidence for view in one.views]
        maps = {view.name: measured(view, mask) for view in views}
        record["maps"] = {name: one for name, one in maps.items() if one is not None}
        boxes = [box for one in record["findings"] for box in one["boxes"]]
        record["overlap"] = overlap(boxes, mask)
    return record


def _raw_logit(one: Evidence) -> float | None:
    value = one.details.get("raw_logit")
    return float(value) if value is not None else one.logit


def _boxes(region: Region | None) -> list[list[float]]:
    if region is None:
        return []
    return [list(map(float, box)) for box in (region.box_px, region.source_px) if box is not None]


def _record(file: OnHand, detector: str, **facts: Any) -> Record:
    own = {key: value for key, value in asdict(file).items() if key not in ("path", "mask")}
    known = {"detector": detector, "print": fingerprint(detector), "forged": file.mask is not None}
    return {**own, **known, "unchanged": True, "findings": [], **facts}


def _crashed(task: Task, error: Exception) -> list[Record]:
    reason = f"{type(error).__name__}: {error}"[:300]
    return [_record(task.file, name, status="crashed", reason=reason) for name in task.detectors]


def quiet() -> None:
    """One thread a process: the pool uses the cores."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
