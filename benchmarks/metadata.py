"""What `metadata` tells of the files of folders: how many show each finding, and what it takes.

`python benchmarks/metadata.py FOLDER…` walks each folder and prints one table a folder; a folder
with a manifest.csv that has a column `pristine` gives two, pristine files and others. Without a
folder it takes the shared forensic files and cache/camera_files. `--out FILE` keeps it as JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from assay.case import Case
from assay.detectors.metadata import DETECTOR
from assay.errors import AssayError
from assay.findings import SEVERITIES
from assay.inputs.preview_findings import MIN_LIKENESS, MIN_PART_LIKENESS
from assay.media.probe import probe
from assay.media.tags import read_tags
from assay.media.thumbnail import Comparison, Shrunk, compare_preview, shrink_jpeg
from assay.training.shared import shared_folder
from assay.types import Media

ROOT = Path(__file__).parents[1]
FORENSIC = ("ai-generator-metadata", "camera-exif", "tag-variety", "c2pa")
EXCHANGED = (0.1, 0.15, 0.2, 0.3)
NO_MEDIA = (".csv", ".md", ".json", ".toml", ".txt")


def usual() -> list[Path]:
    """The shared forensic files, and the camera files where they were gathered."""
    shared = shared_folder() / "data" / "file" / "forensic"
    return [*(shared / name for name in FORENSIC), ROOT / "cache" / "camera_files"]


def groups(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """(name, files) of a folder, in two where its manifest says which files are pristine."""
    manifest = folder / "manifest.csv"
    if manifest.is_file():
        with manifest.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and "pristine" in rows[0]:
            for kind in ("yes", "no"):
                paths = [folder / row["path"] for row in rows if row["pristine"] == kind]
                yield f"{folder.name}, pristine: {kind}", paths
            return
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    yield folder.name, [path for path in paths if path.suffix.lower() not in NO_MEDIA]


def measured(name: str, paths: list[Path]) -> dict[str, Any]:
    """How many of the files show each finding, by severity; times in milliseconds."""
    shown: dict[str, Counter[str]] = {severity: Counter() for severity in SEVERITIES}
    tools: Counter[str] = Counter()
    times_ms = []
    alike: list[Comparison] = []
    exchanges: Counter[tuple[float, bool]] = Counter()
    rng = np.random.default_rng(0)
    n_unreadable = 0
    for path in paths:
        try:
            case = Case(probe(path))
        except AssayError:
            n_unreadable += 1
            continue
        started = time.perf_counter()
        (evidence,) = DETECTOR().examine(case)
        times_ms.append(1000 * (time.perf_counter() - started))
        found = compared_previews(case.media)
        alike += found
        exchanges += found_exchanges(case.media, rng) if found else Counter()
        for severity, code in {(one.severity, one.code) for one in evidence.findings}:
            shown[severity][code] += 1
        tools.update(str(one.values["tool"]) for one in evidence.findings if "tool" in one.values)
    return {
        "name": name,
        "n_files": len(times_ms),
        "n_unreadable": n_unreadable,
        "median_ms": round(median(times_ms), 1) if times_ms else None,
        "max_ms": round(max(times_ms), 1) if times_ms else None,
        "n_previews": len(alike),
        "least_alike_preview": round(min(one.likeness for one in alike), 3) if alike else None,
        "least_alike_part": round(min(one.least_alike for one in alike), 3) if alike else None,
        "exchanged_parts_found": {
            str(share): [exchanges[share, True], exchanges[share, True] + exchanges[share, False]]
            for share in EXCHANGED
        },
        "tools": dict(tools),
        "findings": {severity: dict(sorted(codes.items())) for severity, codes in shown.items()},
    }


def compared_previews(media: Media) -> list[Comparison]:
    """The picture against each preview in it; of a JPEG only."""
    tags = read_tags(media)
    if media.media_type != "image/jpeg" or not tags.previews:
        return []
    try:
        whole = shrink_jpeg(media.path)
        compared = [compare_preview(whole, data) for _, data in tags.previews] if whole else []
    except (OSError, ValueError):
        return []
    return [one for one in compared if one is not None]


def found_exchanges(media: Media, rng: np.random.Generator) -> Counter[tuple[float, bool]]:
    """(side of the part, was it told) for squares exchanged in the picture, not in the preview.

    The side is a share of the picture's shorter one; the part comes from elsewhere in the same
    picture, mirrored.
    """
    counted: Counter[tuple[float, bool]] = Counter()
    try:
        whole = shrink_jpeg(media.path)
    except (OSError, ValueError):
        return counted
    if whole is None:
        return counted
    for _, data in read_tags(media).previews:
        for share in EXCHANGED:
            changed = whole.picture.copy()
            side = max(1, int(share * min(changed.size)))
            (x, y), (x2, y2) = (
                [int(rng.integers(0, length - side + 1)) for length in changed.size]
                for _ in range(2)
            )
            part = whole.picture.crop((x2, y2, x2 + side, y2 + side))
            changed.paste(part.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (x, y))
            try:
                compared = compare_preview(Shrunk(changed, whole.shape), data)
            except (OSError, ValueError):
                continue
            if compared is not None:
                told = compared.likeness < MIN_LIKENESS or compared.least_alike < MIN_PART_LIKENESS
                counted[share, told] += 1
    return counted


def main() -> None:
    """Measure the folders that were named, or the usual ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[])
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    tables = [
        measured(name, paths)
        for folder in asked.folders or usual()
        if folder.is_dir()
        for name, paths in groups(folder)
    ]
    for table in tables:
        print(json.dumps(table, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
