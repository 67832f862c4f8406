"""Make a folder of locally edited pictures with known masks, and of honest twins.

`python -m assay.training.datasets.edited_pictures configs/edited_pictures.toml \\
    --out cache/edited_pictures`

Every source gives one edit of each kind at each quality, and the same picture pristine, saved
again, cropped, toned, resized and sent: forged and honest files end with the same saving. In a
mask 255 is what was changed, 128 what was copied from (genuine, yet a twin of it). Makers of
cameras are never in both splits. A broken-off run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, InputError
from assay.training.datasets.edited_sources import (
    Config,
    Original,
    decoded,
    originals,
    read_config,
    start,
)
from assay.training.forgeries.local_edits import EDITS, LocalEdit, edit
from assay.training.honest_processing import PROCESSING, Saving, draw_saving, process
from assay.types import Array

VERSION = 1
"""Goes up when the same configuration gives other pictures; what was made before is made anew."""
COLUMNS = (
    *("path", "mask", "modality", "label", "kind", "method", "identity", "split", "twin"),
    *("quality_before", "quality_after", "grid", "size", "source", "licence", "note", "sha256"),
)
PRISTINE = "pristine"
JOURNAL = "made.jsonl"
TRIES = 8
CHANGED, COPIED_FROM = 255, 128
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """One file to make: `kind` is an edit, an honest processing or `pristine`; `number` counts
    the qualities. `donors` are pictures of other cameras in the same split."""

    original: Original
    kind: str
    number: int
    donors: tuple[Original, ...]

    @property
    def stem(self) -> str:
        """Its path without a suffix."""
        return f"{self.kind}/{self.original.name}-{self.number}"


@dataclass(frozen=True, slots=True)
class Made:
    """The bytes of one file, how it was saved, the edit behind it, and a note."""

    data: bytes
    saving: Saving | None
    note: str
    edit: LocalEdit | None = None


def make(config: Config, out: Path) -> list[Row]:
    """Write the pictures and masks, then manifest.csv, under `out`; the manifest's rows.

    What `out` holds already, made of the same sources by the same settings, is kept. An edit that
    finds no place in `TRIES` tries is left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    known, rows = _journal(out / JOURNAL), []
    with (out / JOURNAL).open("a", encoding="utf-8") as journal:
        if journal.tell():
            journal.write("\n")  # the last line may have been cut off
        for job in plan(originals(config)):
            key = _key(job, config)
            entry = known.get(key)
            if entry is None or not _whole(entry["files"], out):
                entry = _written(job, config, out)
                if entry is None:
                    continue
                journal.write(json.dumps({"key": key, **entry}) + "\n")
                journal.flush()
            rows.append(entry["row"])
    rows.sort(key=lambda row: row["path"])
    _write_manifest(rows, out)
    return rows


def plan(found: Sequence[Original], numbers: int = 2) -> Iterator[Job]:
    """One job for each file, sources in turn, so that a part of the set is balanced too."""
    for original in found:
        others = tuple(
            other
            for other in found
            if other.split == original.split and other.camera != original.camera
        )
        yield Job(original, PRISTINE, 0, ())
        for number in range(numbers):
            for kind in (*PROCESSING, *EDITS):
                yield Job(original, kind, number, others if kind == "splice" else ())


def saving_of(job: Job, config: Config) -> Saving:
    """How a job's file is saved: by its source and number alone, so that forged and honest twins
    are saved alike."""
    rng = np.random.default_rng([config.seed, zlib.crc32(job.original.name.encode()), job.number])
    return draw_saving(rng, config.qualities[job.number], config.png_share)


def made(job: Job, config: Config) -> Made | None:
    """One file; None where its edit finds no place."""
    data, before = start(job.original)
    if job.kind == PRISTINE:
        return Made(data, None, "as the camera saved it" if before is None else "saved once")
    rgb, saving = decoded(data), saving_of(job, config)
    seed = [config.seed, zlib.crc32(job.kind.encode()), zlib.crc32(job.original.name.encode())]
    rng = np.random.default_rng([*seed, job.number])
    if job.kind in PROCESSING:
        changed, saved, note = process(job.kind, rgb, saving, rng)
        return Made(changed, saved, note)
    for _ in range(TRIES):
        try:
            one = edit(job.kind, rgb, _donor(job, rng), rng)
        except InputError as error:
            reason = error
            continue
        return Made(saving.encode(one.fake), saving, one.note, one)
    print(f"{job.stem} is left out: {reason}", file=sys.stderr)
    return None


def _donor(job: Job, rng: np.random.Generator) -> Array | None:
    if not job.donors:
        return None
    chosen = job.donors[int(rng.integers(len(job.donors)))]
    return decoded(start(chosen)[0])


def mask_of(one: LocalEdit) -> Array:
    """(h, w) uint8: `CHANGED`, `COPIED_FROM` or 0."""
    mask = np.where(one.source > 0, COPIED_FROM, 0)
    return np.asarray(np.where(one.mask > 0.1, CHANGED, mask), np.uint8)


def _written(job: Job, config: Config, out: Path) -> dict[str, Any] | None:
    from PIL import Image

    one = made(job, config)
    if one is None:
        return None
    suffix = one.saving.suffix if one.saving else ".jpg"
    contents, mask_path = {f"{job.stem}{suffix}": one.data}, ""
    if one.edit is not None:
        mask_path, store = f"masks/{job.stem}.png", io.BytesIO()
        Image.fromarray(mask_of(one.edit)).save(store, "PNG")
        contents[mask_path] = store.getvalue()
    for name, data in contents.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_bytes(data)
        os.replace(path.with_suffix(".part"), path)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    return {"row": _row(job, one, config, mask_path, digests), "files": digests}


def _row(job: Job, one: Made, config: Config, mask_path: str, digests: Mapping[str, str]) -> Row:
    original, path = job.original, next(iter(digests))
    saving = saving_of(job, config)
    with_twin = job.kind not in (PRISTINE, "social")
    values = {
        "path": path,
        "mask": mask_path,
        "modality": "image",
        "label": "fake" if one.edit else "real",
        "kind": job.kind,
        "method": original.treatment,
        "identity": original.camera,
        "split": original.split,
        "twin": f"resaved/{original.name}-{job.number}{saving.suffix}" if with_twin else "",
        "quality_before": original.first,
        "quality_after": one.saving.words if one.saving else "",
        "grid": "0 0",
        "size": " ".join(map(str, _size(one.data))),
        "source": original.source,
        "licence": original.licence,
        "note": one.note,
        "sha256": digests[path],
    }
    return {name: values[name] for name in COLUMNS}


def _size(data: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size


def _key(job: Job, config: Config) -> str:
    """Changes with all that this file is made from: its settings, its sources, this code."""
    known = [
        *(VERSION, config.seed, config.qualities, config.png_share),
        *(job.kind, job.number, job.original.facts, [donor.facts for donor in job.donors]),
    ]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:20]


def _journal(path: Path) -> dict[str, Any]:
    """What was made before, by key; a line that was cut off is passed over."""
    found: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            found[entry["key"]] = {"row": entry["row"], "files": entry["files"]}
        except (ValueError, LookupError, TypeError):
            continue
    return found


def _whole(files: Mapping[str, str], out: Path) -> bool:
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""

    return all(digest(out / name) == known for name, known in files.items())


def _write_manifest(rows: Iterable[Row], out: Path) -> None:
    part = out / "manifest.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, out / "manifest.csv")


def _summary(rows: Iterable[Row]) -> Iterator[str]:
    counts = Counter((row["label"], row["kind"], row["split"]) for row in rows)
    for (label, kind, split), n in sorted(counts.items()):
        yield f"{n:6d}  {label}  {kind}  {split}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.edited_pictures")
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        rows = make(read_config(given.config), given.out)
    except AssayError as error:
        print(error.as_text(), file=sys.stderr)
        return error.exit_code
    print("\n".join(_summary(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
