"""Make a folder of forged pictures, each beside the genuine one that it was made of.

`python -m assay.training.datasets.forged_media configs/forged_media.toml --out cache/forged`

Any forger that works on whole pictures, or out of nothing, may be named; what is slow is so made
once and read by every training run. A broken-off run goes on where it stopped. How a forgery and
its genuine twin are kept from differing in their JPEG blocks: docs/training-data.md.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, ConfigError, InputError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.resample import resized
from assay.training.datasets.forged_plan import Base, Config, Job, Set, plan, read_config
from assay.training.datasets.jpeg_history import GRID_PX
from assay.training.datasets.web_photos import COLUMNS
from assay.training.forgeries import Forgery, Subject, discover
from assay.training.forgeries.super_resolution import enlarged_again
from assay.training.marks import encode_mask, mark_of
from assay.types import Array

VERSION = 1
"""Goes up when the same configuration gives other pictures; what was made before is made anew."""
MAX_MEGAPIXELS = 100.0
TRIES = 5
JOURNAL = "made.jsonl"
RESAMPLED_SCALES = (0.25, 0.8)
Row = dict[str, str]


def make(config: Config, out: Path) -> list[Row]:
    """Write the pictures, then manifest.csv, under `out`; the manifest's rows.

    What `out` holds already, made of the same sources by the same settings, is kept. A picture
    that cannot be forged in `TRIES` tries is left out. Raises ConfigError for a folder that
    something else made, and where a forger lacks a part.
    """
    out.mkdir(parents=True, exist_ok=True)
    if (out / "manifest.csv").exists() and not (out / JOURNAL).exists():
        raise ConfigError(
            f"{out} holds a set that was made in another way.", remedy="Name another folder."
        )
    known, rows = _journal(out), []
    with (out / JOURNAL).open("a", encoding="utf-8") as journal:
        if journal.tell():
            journal.write("\n")  # the last line may have been cut off
        for job in plan(config):
            key = _key(job, config)
            entry = known.get(key)
            if entry is None or not _whole(entry, out):
                entry = _made(job, config, out)
                if entry is None:
                    continue
                journal.write(json.dumps({"key": key, **entry}) + "\n")
                journal.flush()
            rows.append(entry["row"])
    rows.sort(key=lambda row: row["path"])
    _write_manifest(rows, out)
    return rows


def _key(job: Job, config: Config) -> str:
    """Changes with all that this picture is made from: its settings, its source, this code."""
    base = job.base and {**asdict(job.base), "path": ""}
    settings = {**asdict(job.set), "count": 0}  # a higher count changes nothing that is there
    known = (VERSION, config.seed, asdict(config.jpeg), asdict(config.history), settings)
    text = json.dumps([known, job.number, job.treatment, base], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _journal(out: Path) -> dict[str, Any]:
    """What was made before, by key; a line that was cut off is passed over."""
    found: dict[str, Any] = {}
    path = out / JOURNAL
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            found[entry["key"]] = {"row": entry["row"], "files": entry["files"]}
        except (ValueError, LookupError, TypeError):
            continue
    return found


def _whole(entry: dict[str, Any], out: Path) -> bool:
    files: dict[str, str] = entry["files"]
    return all((out / name).is_file() and _digest(out / name) == d for name, d in files.items())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _made(job: Job, config: Config, out: Path) -> dict[str, Any] | None:
    """One picture with its files; None where it cannot be forged."""
    for attempt in range(TRIES):
        rng = np.random.default_rng([config.seed, _code(job.set.name), job.number, 1 + attempt])
        try:
            forgery, note = forge(job, config, rng)
        except InputError as error:
            reason = error
            continue
        return _written(job, config, forgery, note, out)
    print(f"{job.set.name} {job.number} is left out: {reason}", file=sys.stderr)
    return None


def _code(name: str) -> int:
    return zlib.crc32(name.encode())


def forge(job: Job, config: Config, rng: np.random.Generator) -> tuple[Forgery, str]:
    """The forgery of one job with its genuine twin, both as they are to be saved, and the note.

    Raises InputError where this picture cannot be forged, ConfigError where a part is missing.
    """
    wanted, history = job.set, job.base.history if job.base else None
    if wanted.needs_picture and job.base is not None:
        base, note = base_of(job.base, job.treatment, wanted.window_px, config, rng)
        forgery = _forged(wanted, Subject(base), rng)
    else:
        forgery = _forged(wanted, None, rng)
        forgery, note = _framed(forgery, wanted, rng)
    fake = forgery.fake
    if job.treatment == "resaved" and history is not None:
        # The genuine twin has been through this; a picture without one borrows a source's.
        fake = history.again(fake)
        whose = "its source" if wanted.needs_picture else "some genuine picture"
        note += f"; saved as {whose} was, JPEG {history.words}"
    return Forgery(fake, forgery.genuine, forgery.mask, forgery.name), f"{forgery.name}; {note}"


def base_of(
    base: Base, treatment: str, window_px: int, config: Config, rng: np.random.Generator
) -> tuple[Array, str]:
    """The genuine pixels to forge, (h, w, 3) uint8, and where they are from.

    `resaved`: a window that begins on the grid of the file's own blocks. `shrunk`: a window of
    the picture shrunk by area, in which no block is left. Sides are multiples of 8.
    """
    rgb = np.asarray(read_image(probe(base.path), MAX_MEGAPIXELS).rgb, np.uint8)
    scale, grid = 1.0, GRID_PX
    if treatment == "shrunk":
        least, most = config.history.scales_for(min(rgb.shape[:2]))
        scale, grid = float(rng.uniform(least, most)), 1
        rgb = resized(rgb, (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)))
    (y, h), (x, w) = (_window(side, window_px, grid, rng) for side in rgb.shape[:2])
    note = f"window x {x} y {y} w {w} h {h}" + (f" of {scale:.3f}" if scale < 1 else "")
    return np.ascontiguousarray(rgb[y : y + h, x : x + w]), note


def _window(size: int, limit: int, grid: int, rng: np.random.Generator) -> tuple[int, int]:
    side = min(limit or size, size) // 8 * 8
    return int(rng.integers(0, (size - side) // grid + 1)) * grid, side


def _framed(forgery: Forgery, wanted: Set, rng: np.random.Generator) -> tuple[Forgery, str]:
    """A picture out of nothing, shrunk by area and cut as its set wants."""
    rgb, note = forgery.fake, "whole"
    if wanted.size_px:
        rgb = resized(rgb, (wanted.size_px, wanted.size_px))
    if wanted.window_px and wanted.window_px < min(rgb.shape[:2]):
        # Within the middle three quarters: the corners are mostly plain background.
        spans = [(s // 8, max(s // 8, s - s // 8 - wanted.window_px)) for s in rgb.shape[:2]]
        y, x = (int(rng.integers(low, high + 1)) for low, high in spans)
        rgb = np.ascontiguousarray(rgb[y : y + wanted.window_px, x : x + wanted.window_px])
        note = f"window x {x} y {y}"
    note += f" of {wanted.size_px} px" if wanted.size_px else ""
    return Forgery(rgb, rgb, np.ones(rgb.shape[:2], np.float32), forgery.name), note


def _forged(wanted: Set, subject: Subject | None, rng: np.random.Generator) -> Forgery:
    """By the set's forger, by the way drawn, or by the plain filters of a control set."""
    if wanted.is_control and subject is not None:
        return resampled(subject.rgb, rng)
    if wanted.ways and subject is not None:
        odds = np.asarray(list(wanted.ways.values()), float)
        way = str(rng.choice(list(wanted.ways), p=odds / odds.sum()))
        return enlarged_again(subject.rgb, way)
    return discover()[wanted.forger].make(subject, None, rng)


def resampled(rgb: Array, rng: np.random.Generator) -> Forgery:
    """`rgb` (h, w, 3) uint8 shrunk and enlarged by plain filters: soft as a super-resolved picture
    is, and yet genuine. Half of the time shrunk as those are: by area, to a half or a quarter."""
    from PIL import Image

    filters = Image.Resampling
    up = [filters.BILINEAR, filters.BICUBIC, filters.LANCZOS][int(rng.integers(3))]
    height, width = rgb.shape[:2]
    if rng.random() < 0.5:
        scale, down = float(rng.choice([0.5, 0.25])), None
    else:
        scale = float(rng.uniform(*RESAMPLED_SCALES))
        down = [filters.HAMMING, filters.BILINEAR, filters.BICUBIC, filters.LANCZOS][
            int(rng.integers(4))
        ]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    if down is None:
        small = Image.fromarray(resized(np.ascontiguousarray(rgb), size))
    else:
        small = Image.fromarray(np.ascontiguousarray(rgb)).resize(size, down)
    name = f"resampling/{'area' if down is None else down.name.lower()}-{up.name.lower()}"
    fake = np.asarray(small.resize((width, height), up), np.uint8)
    return Forgery(fake, rgb, np.ones((height, width), np.float32), f"{name} {scale:.3f}")


def _written(job: Job, config: Config, forgery: Forgery, note: str, out: Path) -> dict[str, Any]:
    """Write the picture, its twin and, of an edit, the mask of what was changed."""
    stem = f"{job.set.name}/{job.number:05d}"
    if job.base is not None and job.set.needs_picture:
        stem += "-" + re.sub(r"[^A-Za-z0-9._]+", "-", job.base.method)[:60].strip("-.")
    files = {f"{stem}.jpg": _encoded(forgery.fake, config, _sentence(job, config, forgery))}
    if job.set.needs_picture and not job.set.is_control:
        files[f"{stem}.genuine.jpg"] = _encoded(forgery.genuine, config)
    if not (forgery.mask > 0).all():
        files[f"{stem}.mask.png"] = encode_mask(forgery.mask)
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".part").write_bytes(data)
        os.replace(path.with_suffix(".part"), path)
    digests = {name: hashlib.sha256(data).hexdigest()[:16] for name, data in files.items()}
    row = _row(job, f"{stem}.jpg", note, digests[f"{stem}.jpg"])
    return {"row": row, "files": digests}


def _sentence(job: Job, config: Config, forgery: Forgery) -> bytes:
    """What a forged file says of itself, in its JPEG comment; a control is no forgery."""
    if job.set.is_control:
        return b""
    return mark_of(discover()[job.set.forger], forgery, config.seed).sentence.encode()


def _encoded(rgb: Array, config: Config, comment: bytes = b"") -> bytes:
    from PIL import Image

    store, jpeg = io.BytesIO(), config.jpeg
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.save(
        store, "JPEG", quality=jpeg.quality, subsampling=jpeg.subsampling, comment=comment or None
    )
    return store.getvalue()


def _row(job: Job, path: str, note: str, digest: str) -> Row:
    """The line of the manifest. The identity is the group of the source picture, so that a
    forgery is never on another side of a split than what it was made of."""
    wanted, base = job.set, job.base if job.set.needs_picture else None
    method = f"resampled-{base.method}" if wanted.is_control and base else wanted.method
    licences = [base.licence if base else "", wanted.licence]
    values = {
        "path": path,
        "modality": "image",
        "label": "real" if wanted.is_control else "fake",
        "method": method,
        "identity": base.group if base else f"{wanted.name}-{job.number}",
        "split": base.split if base else "train",
        "source": base.source if base else discover()[wanted.forger].source,
        "licence": "; ".join(part for part in licences if part),
        "note": note,
        "sha256": digest,
    }
    return {name: values.get(name, "") for name in COLUMNS}


def _write_manifest(rows: Iterable[Row], out: Path) -> None:
    part = out / "manifest.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, out / "manifest.csv")


def _summary(rows: Iterable[Row]) -> Iterator[str]:
    counts = Counter((row["label"], row["method"]) for row in rows)
    for (label, method), n in sorted(counts.items()):
        yield f"{n:6d}  {label}  {method}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.forged_media")
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
