"""What an examining process left behind, believed only as far as it holds together.

That process decoded a file that may have taken it over. So its result must satisfy the schema's
shape, its files must be plain ones of this folder (no link of any kind), and all is bounded.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from assay.report.as_json import SCHEMA_VERSION, schema
from assay.web.jobs.failures import REPORT
from assay.web.store.queue import Claimed, Outcome

RESULT = "result.json"
MAX_RESULT_BYTES = 48 * 2**20
MAX_REPORT_BYTES = 16 * 2**20
MAX_ARTIFACT_BYTES = 8 * 2**20
MAX_ARTIFACTS = 64
LABELS = ("strong_evidence", "some_evidence", "inconclusive", "no_evidence_found", "not_analysable")
STATUSES = ("completed", "declined", "failed")


class UnbelievableError(Exception):
    """What lies there is no result."""


def gathered(folder: Path, held: Claimed, engine: str) -> Outcome:
    """The outcome that lies in a claim's folder, its files on the disk for good.

    Raises UnbelievableError where it is not whole.
    """
    try:
        result = json.loads(_read(folder, RESULT, MAX_RESULT_BYTES))
    except (ValueError, RecursionError) as error:
        raise UnbelievableError(f"the result is no JSON: {type(error).__name__}") from error
    _require_result(result, held)
    artifacts = [_artifact(folder, one) for one in result["artifacts"]]
    _read(folder, REPORT, MAX_REPORT_BYTES)
    for name in {REPORT, *(one["path"] for one in artifacts)}:
        _keep(folder / name)
    _keep(folder)
    os.unlink(folder / RESULT)
    return Outcome(result, report=REPORT, artifacts=artifacts, engine=engine)


def _require_result(result: Any, held: Claimed) -> None:
    if not isinstance(result, dict) or not set(schema()["required"]) <= set(result):
        raise UnbelievableError("the result is not of the schema")
    described, score = result["input"], result["p_fake"]
    n_artifacts = len(result["artifacts"]) if isinstance(result["artifacts"], list) else -1
    sound = (
        result["schema_version"] == SCHEMA_VERSION
        and result["status"] in STATUSES
        and result["verdict"] in LABELS
        and (result["status"] == "completed") == (score is not None)
        and (score is None or (isinstance(score, int | float) and 0.0 <= score <= 1.0))
        and (score is None or math.isfinite(score))
        and isinstance(described, dict)
        and described.get("sha256") == held.sha256
        and isinstance(described.get("media_type"), str | None)
        and 0 <= n_artifacts <= MAX_ARTIFACTS
    )
    if not sound:
        raise UnbelievableError("the result contradicts itself")


def _artifact(folder: Path, one: Any) -> dict[str, str]:
    told = {key: one.get(key) if isinstance(one, dict) else None for key in ("kind", "path")}
    caption = one.get("caption", "") if isinstance(one, dict) else ""
    if not all(isinstance(value, str) for value in (*told.values(), caption)):
        raise UnbelievableError("an artifact is not described")
    name = str(told["path"])
    if name != os.path.basename(name) or name in ("", ".", ".."):
        raise UnbelievableError("an artifact lies elsewhere")
    _require_plain(folder / name, MAX_ARTIFACT_BYTES)
    return {"kind": str(told["kind"])[:40], "path": name, "caption": str(caption)[:2000]}


def _read(folder: Path, name: str, max_bytes: int) -> bytes:
    _require_plain(folder / name, max_bytes)
    return (folder / name).read_bytes()


def _require_plain(path: Path, max_bytes: int) -> None:
    try:
        found = path.lstat()
    except (OSError, ValueError) as error:
        raise UnbelievableError(f"{path.name[:60]!r} is not there") from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > max_bytes:
        raise UnbelievableError(f"{path.name[:60]!r} is no plain file of a fair size")


def _keep(path: Path) -> None:
    """On the disk before the row that tells of it is."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
