"""`python benchmarks/forensics.py`: what the detectors of the file find, and what they cry wolf at.

Every detector of the file reads forgeries with known masks and their honest twins
(cache/edited_pictures), untouched camera files (cache/camera_files), lossless crops of camera
files, genuine clips and recordings, and the signed files of the shared media. Measured: pixel AUC
and F1 of each map, AUC of each detector's number, how often a finding lies on the edit; the share
of pristine and of honestly processed files that show each finding; states of signed files beside
c2pa-python's own; that no file is changed by being read; seconds a picture. Writes
benchmarks/results/forensics.json and the tables in docs/forensics.md.

`--rates` writes src/assay/verdict/finding_rates.json besides. Work done is kept in `--work` for as
long as the code behind a detector stays the same; `--quick` reads a few files and writes nothing
but `--work`/forensics.json; `--tables` writes the page again from the results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filed import page, reading, tables
from filed.files import CACHE, Gathered, OnHand, few, gather, processed_copies
from filed.signed import signed_files
from filed.speed import speed
from held_out.page import filled
from tqdm import tqdm

import assay
from assay.detectors import Detector

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "forensics.json"
PAGE = ROOT / "docs" / "forensics.md"
RATES = ROOT / "src" / "assay" / "verdict" / "finding_rates.json"
Detectors = dict[str, type[Detector]]


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = _parser().parse_args(arguments)
    reading.quiet()
    if chosen.tables:
        _write_page(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    chosen.work.mkdir(parents=True, exist_ok=True)
    result = measured(chosen)
    rates = result.pop("rates")
    text = json.dumps(result, indent=1, allow_nan=False) + "\n"
    if chosen.quick or chosen.only or chosen.groups:
        (chosen.work / "forensics.json").write_text(text, encoding="utf-8")
        print("\n\n".join(page.blocks(result).values()))
        return
    RESULTS.write_text(text, encoding="utf-8")
    _write_page(result)
    if chosen.rates:
        made = {name: result[name] for name in ("made", "command", "commit", "data_hash")}
        table = {**made, "codes": dict(sorted(rates.items()))}
        RATES.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _write_page(result: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(text, page.blocks(result)), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the made sets lie")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "forensics_benchmark")
    parser.add_argument("--only", nargs="*", default=(), metavar="DETECTOR")
    parser.add_argument("--groups", nargs="*", default=(), help="such files alone: camera")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="a few files, printed")
    parser.add_argument("--tables", action="store_true", help="the page again from the results")
    parser.add_argument("--rates", action="store_true", help="write finding_rates.json too")
    parser.add_argument("--no-speed", action="store_true")
    return parser


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everything, with its provenance and what was skipped."""
    gathered = gather(chosen.cache)
    copies = (
        []
        if chosen.quick or chosen.groups
        else processed_copies(gathered.files, chosen.work / "processed")
    )
    files = few(gathered.files) if chosen.quick else [*gathered.files, *copies]
    files = [one for one in files if not chosen.groups or one.group in chosen.groups]
    if not files:
        raise SystemExit("There are no files: make cache/edited_pictures and cache/camera_files.")
    detectors, left_out = reading.file_detectors(chosen.only)
    bar = tqdm(total=None, desc="files", disable=None)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    records = reading.read_all(files, detectors, chosen.work, chosen.workers, progress)
    names, codes = list(detectors), {name: reading.codes_of(name) for name in detectors}
    families = {name: one.family for name, one in detectors.items()}
    return {
        **_facts(chosen, gathered, files, detectors),
        "skipped": {**gathered.missing, **left_out},
        "separation": tables.separation(records, names, chosen.draws),
        "pixels": tables.pixels(records, chosen.draws),
        "located": tables.located(records, names),
        "alarms": tables.alarms(records, codes, families),
        "coverage": tables.coverage(records, names),
        "signed": signed_files(),
        "untouched": _untouched(records),
        "speed": _speed(chosen, detectors, files),
        "rates": tables.finding_rates(records, codes, families),
    }


def _facts(
    chosen: argparse.Namespace,
    gathered: Gathered,
    files: Sequence[OnHand],
    detectors: Detectors,
) -> dict[str, Any]:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    flags = "".join(f" --{name}" for name in ("quick", "rates") if getattr(chosen, name))
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python benchmarks/forensics.py{flags}",
        "commit": done.stdout.strip() or "unknown",
        "assay_version": assay.__version__,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "draws": chosen.draws,
        "data_hash": gathered.data_hash,
        "files": dict(Counter(one.group for one in files)),
        "prints": {name: reading.fingerprint(name) for name in detectors},
    }


def _untouched(records: Sequence[reading.Record]) -> dict[str, Any]:
    names = {record["name"] for record in records}
    changed = sorted({record["name"] for record in records if not record["unchanged"]})
    return {"files": len(names), "changed": changed}


def _speed(
    chosen: argparse.Namespace, detectors: Detectors, files: Sequence[OnHand]
) -> dict[str, Any]:
    if chosen.no_speed or chosen.quick:
        return {"skipped": "it was not asked for"}
    large = [one.path for one in files if one.group == "camera" and one.path.suffix == ".jpg"]
    source = max(large, key=lambda path: path.stat().st_size) if large else None
    return speed(detectors, chosen.work, source)


if __name__ == "__main__":
    main()
