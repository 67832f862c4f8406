"""What an examining process left behind, believed only as far as it holds together.

That process decoded a file that may have taken it over. So its result must satisfy the schema,
its files must be plain ones of this folder (no link of any kind), and all is bounded.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from assay.report.conforms import faults
from assay.web.jobs.failures import REPORT, RESULT
from assay.web.store.queue import Claimed, Outcome

MAX_RESULT_BYTES = 48 * 2**20
MAX_REPORT_BYTES = 16 * 2**20
MAX_ARTIFACT_BYTES = 8 * 2**20
MAX_ARTIFACTS = 64
MAX_MEDIA_TYPE = 120


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
    try:
        fault = next(faults(result), None)
    except RecursionError:
        fault = "it is nested too deeply"
    if fault is not None:
        raise UnbelievableError(f"the result is not of the schema: {fault}")
    media_type = result["input"]["media_type"] or ""
    if result["input"]["sha256"] != held.sha256 or len(result["artifacts"]) > MAX_ARTIFACTS:
        raise UnbelievableError("the result is not of this file")
    if len(media_type) > MAX_MEDIA_TYPE or not media_type.isprintable():
        raise UnbelievableError("the result names no kind of file")
    if (result["status"] == "completed") == (result["verdict"] == "not_analysable"):
        raise UnbelievableError("the result contradicts itself")


def _artifact(folder: Path, one: dict[str, str]) -> dict[str, str]:
    name = one["path"]
    if name != os.path.basename(name) or name in ("", ".", "..", RESULT):
        raise UnbelievableError("an artifact lies elsewhere")
    _require_plain(folder / name, MAX_ARTIFACT_BYTES)
    return {"kind": one["kind"][:40], "path": name, "caption": one["caption"][:2000]}


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
