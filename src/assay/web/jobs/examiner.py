"""What runs in the process of one examination: examine, and write what there is to be kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from assay.errors import AssayError
from assay.report.unexamined import unexamined
from assay.types import Verdict
from assay.web.jobs.failures import REPORT, RESULT
from assay.web.jobs.host import Job, Tell
from assay.web.option_fields import options_of

ROOMS = ("bundles", "media", "subjects", "inputs", "detectors", "verdict", "report")
PRELOADED = (
    "onnxruntime", "av", "c2pa", "pi_heif", "numpy.fft", "numpy.ma", "numpy.random",
    "PIL.ImageFilter", "PIL.ImageOps", "PIL.ImageDraw", "PIL.ImageFont",
)  # fmt: skip
NOT_ISOLATED = (
    "This machine's system could not shut the examining process off from the network; nothing in "
    "assay opens a connection there."
)


def preload() -> dict[str, Any]:
    """Import what every examination needs; what examines here, by fingerprint."""
    from PIL import Image

    from assay.detectors import discover
    from assay.report.as_html import to_html
    from assay.web.engine import engine_id, installed_bundles

    for name in (*PRELOADED, "assay.examine", *_modules()):
        import_module(name)
    Image.init()  # every reader of pictures
    to_html(unexamined("", "", "."))  # compiles the template
    discover()
    return {"engine": engine_id(), "bundles": dict(installed_bundles())}


def _modules() -> Iterator[str]:
    """Every module that an examination could come to need."""
    for room in ROOMS:
        package = import_module(f"assay.{room}")
        yield from (f"assay.{room}.{found.name}" for found in iter_modules(package.__path__))


def examine_file(job: Job, tell: Tell) -> None:
    """Examine `job["path"]`; result.json, report.html and artifacts go into `job["folder"]`."""
    verdict = _verdict(job, tell)
    if not job["isolated"]:
        verdict = replace(verdict, limits=(*verdict.limits, NOT_ISOLATED))
    tell("report", 0, 1)
    write(verdict, Path(job["folder"]), job["sha256"], pictures=job["keep_pictures"])
    tell("report", 1, 1)


def _verdict(job: Job, tell: Tell) -> Verdict:
    from assay.examine import detect, rerun_command
    from assay.report.renamed import renamed

    told = options_of(job["told_options"])
    rerun = rerun_command(job["name"], told)
    try:
        verdict = detect(job["path"], options_of(job["options"]), tell)
    except AssayError as error:
        verdict = unexamined(job["name"], error.code, error.as_text())
    verdict = renamed(verdict, job["path"], job["name"])
    for path, name in job["other_names"]:
        verdict = renamed(verdict, path, name) if path else verdict
    return replace(verdict, name=job["name"], path=job["name"], rerun=rerun)


def write(verdict: Verdict, folder: Path, sha256: str, *, pictures: bool = True) -> None:
    """Write the verdict's report, its artifacts and, last, its result.

    Without `pictures` no copy of the examined picture is among the artifacts, nor what lies on it.
    """
    from assay.report.as_html import to_html
    from assay.report.as_json import as_dict
    from assay.report.file_views import write_views
    from assay.report.layers import write_layers

    report = folder / REPORT
    report.write_text(to_html(verdict), encoding="utf-8")
    artifacts = write_layers(verdict, folder) if pictures else []
    for one in write_views(verdict, report):
        path = Path(one["path"])
        os.replace(path, folder / path.name)
        artifacts.append({**one, "path": path.name})
    if report.with_suffix(".files").is_dir():
        report.with_suffix(".files").rmdir()
    result = as_dict(verdict, artifacts)
    result["input"]["sha256"] = sha256
    (folder / RESULT).write_text(json.dumps(result, allow_nan=False), encoding="ascii")
