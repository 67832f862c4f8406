"""Learn whose quantisation tables are whose from files that name their camera or program.

`python -m assay.training.jpeg_families [--camera-files cache/camera_files]` reads the shared
camera files, lossless crops of which keep their tables, and a folder of camera files, and writes
`inputs/jpeg_families.json`. Steps are facts; with each table stand the files that it was seen in.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.inputs.jpeg_families import KNOWN_TABLES, match_tables
from assay.media.jpeg_tables import read_jpeg_tables
from assay.training.shared import shared_folder

LEAST_PX = 64  # smaller ones are stubs of test collections
MOST_SOURCES = 3
_FOLDERS = ("camera-photos", "camera-photos-2")
_WRITTEN_BY = re.compile(r"written by ([^;]+)")
# Names as the files have them, cut short by the manifest or long-winded, by their first letters.
_MAKERS = {
    "eastman": "Kodak", "kodak": "Kodak", "nikon": "Nikon", "olympus": "Olympus",
    "minolta": "Minolta", "konica": "Konica Minolta", "sony eric": "Sony Ericsson", "sony": "Sony",
    "casio": "Casio", "sanyo": "Sanyo", "seiko": "Epson", "samsung": "Samsung",
    "hewlett": "HP", "fuji": "Fujifilm", "canon": "Canon", "apple": "Apple", "htc": "HTC",
    "asahi": "Pentax", "pentax": "Pentax", "jvc": "JVC", "lg": "LG", "panasonic": "Panasonic",
    "ricoh": "Ricoh", "motorola": "Motorola", "nokia": "Nokia", "kyocera": "Kyocera",
    "xiaomi": "Xiaomi", "oppo": "Oppo", "hmd": "HMD Global", "flir": "FLIR", "google": "Google",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A file, who is said to have written it (None: not said), and where it comes from."""

    path: Path
    writer: str | None
    source: str


def shared_files(folder: Path) -> Iterator[Named]:
    """The lossless crops of camera files; their identity ends with the maker that they name."""
    manifest = folder / "data" / "manifest.csv"
    with manifest.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = (line.replace("\0", "") for line in file)
        for row in csv.DictReader(lines):
            if row["method"] in _FOLDERS:
                name = row["identity"].removeprefix(row["method"] + "-")
                yield Named(folder / "data" / row["path"], maker(name), row["source"])


def camera_files(folder: Path) -> Iterator[Named]:
    """Files of packages: the camera where nothing speaks against it, else the program named."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        return
    with manifest.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            program = _WRITTEN_BY.search(row["why"])
            writer = program.group(1).strip() if program else None
            if row["pristine"] == "yes":
                writer = _camera(maker(row["make"]) or "", row["model"].strip())
            yield Named(folder / row["path"], writer, row["source"])


def _camera(make: str, model: str) -> str:
    """Maker and model; many models begin with the maker."""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}"


def maker(name: str) -> str | None:
    """The maker's usual name; None where the file names none."""
    low = name.strip().lower()
    if not low or low == "?":
        return None
    known = next((usual for start, usual in _MAKERS.items() if low.startswith(start)), None)
    return known or low.title()


def learn(files: Sequence[Named]) -> list[dict[str, object]]:
    """One row a table: the 64 steps in rows, who wrote it, in how many files, and from where."""
    writers: dict[tuple[int, ...], Counter[str]] = {}
    sources: dict[tuple[int, ...], list[str]] = {}
    for one in files:
        if one.writer is None or not one.path.is_file():
            continue
        with one.path.open("rb") as file:
            tables = read_jpeg_tables(file)
        luma = tables.luma_table if tables else None
        if tables is None or luma is None or min(tables.size_px) < LEAST_PX:
            continue
        writers.setdefault(luma, Counter())[one.writer] += 1
        sources.setdefault(luma, []).append(one.source)
    rows: list[dict[str, object]] = []
    for luma in sorted(writers, key=sum):
        match = match_tables(luma, None)
        rows.append(
            {
                "about_quality": match.quality,
                "standard": match.exact,
                "seen_in": [name for name, _n in sorted(writers[luma].items(), key=_by_count)],
                "n_files": writers[luma].total(),
                "sources": sorted(sources[luma])[:MOST_SOURCES],
                "luma": list(luma),
            }
        )
    return rows


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def as_text(rows: Sequence[dict[str, object]]) -> str:
    """The data file, one table a line."""
    lines = ",\n".join(json.dumps(row, separators=(", ", ": ")) for row in rows)
    learned = "python -m assay.training.jpeg_families"
    return f'{{"learned_by": "{learned}", "tables": [\n{lines}\n]}}\n'


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data file and say how many tables of how many files are the standard ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camera-files", type=Path, default=Path("cache/camera_files"))
    parser.add_argument("--out", type=Path, default=KNOWN_TABLES)
    chosen = parser.parse_args(arguments)
    rows = learn([*shared_files(shared_folder()), *camera_files(chosen.camera_files)])
    chosen.out.write_text(as_text(rows), encoding="utf-8")
    n_files = sum(int(str(row["n_files"])) for row in rows)
    n_standard = sum(int(str(row["n_files"])) for row in rows if row["standard"])
    print(f"{len(rows)} tables in {n_files} files; {n_standard} files have standard ones.")


if __name__ == "__main__":
    main()
