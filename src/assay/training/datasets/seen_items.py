"""What was seen of a manifest's items, remembered beside it: `verify` and `stats` look once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from assay.errors import AssayError
from assay.evaluation.pool import each
from assay.training.datasets.looking import Look, Seen, as_row, look, of_row
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.opening import fingerprint
from assay.training.datasets.records import Record
from assay.training.progress import told

SEEN_VERSION = 1


def memory_of(manifest_path: Path) -> Path:
    """Where what was seen of a manifest's items is kept: beside it."""
    return manifest_path.with_name(f"{manifest_path.name}.seen.jsonl")


def look_at_all(manifest: Manifest, memory: Path | None, workers: int = 0) -> list[Seen]:
    """What each item is, in the manifest's order.

    What `memory` holds of files that have not changed since is taken from there, the rest is added
    as it is seen, so that a run that was killed goes on. A process that dies on an item makes that
    item's problem.
    """
    keys = [_key(manifest, record) for record in manifest.records]
    known = _remembered(memory)
    jobs = {
        key: Look(manifest.path_of(record), record.modality, record.part)
        for key, record in zip(keys, manifest.records, strict=True)
        if key not in known
    }
    waiting = list(jobs)
    with _appended(memory) as out:
        done = each(look, [jobs[key] for key in waiting], min(workers, len(waiting)))
        for index, answer in told(done, len(waiting), "items"):
            seen = answer if isinstance(answer, Seen) else _died(answer)
            known[waiting[index]] = seen
            if out is not None and not seen.missing and isinstance(answer, Seen):
                out.write(json.dumps({"key": waiting[index], **as_row(seen)}) + "\n")
                out.flush()
    return [known[key] for key in keys]


def _died(error: Exception) -> Seen:
    return Seen(problem=f"internal_error: {type(error).__name__}: {error}")


def _key(manifest: Manifest, record: Record) -> str:
    try:
        content = fingerprint(manifest.path_of(record), record.modality, record.part)
    except (AssayError, OSError, ValueError):
        content = f"nothing at {record.path} {record.key[1]}"
    return f"{SEEN_VERSION} {record.modality} {content}"


def _remembered(memory: Path | None) -> dict[str, Seen]:
    """Lines that a killed run left half are passed over, and so is what is none of ours."""
    found: dict[str, Seen] = {}
    if memory is None or not memory.is_file():
        return found
    with memory.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                key = row.pop("key")
                found[key] = of_row(row)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
    return found


@contextmanager
def _appended(memory: Path | None) -> Iterator[TextIO | None]:
    if memory is None:
        yield None
        return
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        file = memory.open("a", encoding="utf-8")
    except OSError:  # a folder that may only be read: nothing is remembered
        yield None
        return
    with file:
        file.write("\n")  # after a line that a killed run left half
        yield file
