"""What runs in the process of one examination: examine, and write what there is to be kept."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from assay.errors import AssayError
from assay.report.unexamined import unexamined
from assay.types import Verdict
from assay.web.jobs.failures import REPORT
from assay.web.jobs.host import Job, Tell
from assay.web.option_fields import options_of

RESULT = "result.json"
PRELOADED = (
    "onnxruntime", "PIL.Image", "PIL.ImageDraw", "PIL.ImageFont", "av", "c2pa", "pi_heif",
    "assay.examine", "assay.media.probe", "assay.report.as_json", "assay.report.file_views",
    "assay.report.layers", "assay.report.renamed", "assay.report.overlays",
)  # fmt: skip
NOT_ISOLATED = (
    "This machine's system could not shut the examining process off from the network; nothing in "
    "assay opens a connection there."
)


def preload() -> dict[str, Any]:
    """Import what every examination needs; what examines here, by fingerprint."""
    from assay.detectors import discover
    from assay.report.as_html import to_html
    from assay.web.engine import engine_id, installed_bundles

    for name in PRELOADED:
        import_module(name)
    to_html(unexamined("", "", "."))  # compiles the template
    discover()
    return {"engine": engine_id(), "bundles": dict(installed_bundles())}


def examine_file(job: Job, tell: Tell) -> None:
    """Examine `job["path"]`; result.json, report.html and artifacts go into `job["folder"]`."""
    verdict = _verdict(job, tell)
    if not job["isolated"]:
        verdict = replace(verdict, limits=(*verdict.limits, NOT_ISOLATED))
    tell("report", 0, 1)
    write(verdict, Path(job["folder"]), job["sha256"])
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


def write(verdict: Verdict, folder: Path, sha256: str) -> None:
    """Write the verdict's report, its pictures and, last, its result."""
    from assay.report.as_html import to_html
    from assay.report.as_json import as_dict
    from assay.report.file_views import write_views
    from assay.report.layers import write_layers

    report = folder / REPORT
    report.write_text(to_html(verdict), encoding="utf-8")
    artifacts = write_layers(verdict, folder)
    for one in write_views(verdict, report):
        path = Path(one["path"])
        os.replace(path, folder / path.name)
        artifacts.append({**one, "path": path.name})
    if report.with_suffix(".files").is_dir():
        report.with_suffix(".files").rmdir()
    result = as_dict(verdict, artifacts)
    result["input"]["sha256"] = sha256
    (folder / RESULT).write_text(json.dumps(result, allow_nan=False), encoding="ascii")
