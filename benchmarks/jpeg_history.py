"""`python benchmarks/jpeg_history.py`: what jpeg_history tells, where the truth is known.

Sources are lossless crops of camera files, shrunk to three quarters so that no trace of the
camera's own saving is left, then saved as told. Measured: the first quality after two savings on
one grid and on two, the grid and quality of a JPEG kept as PNG, a part with another history (AUC of
the map, findings), and false alarms on the crops and on whole camera files as they are. Writes
benchmarks/results/jpeg_history.json and prints the tables of docs/detectors/jpeg_history.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.case import Case
from assay.detectors.jpeg_history import JpegHistory
from assay.evaluation.metrics import auc
from assay.inputs.jpeg_families import ijg_luma_table
from assay.inputs.jpeg_reading import JpegReading, Saving, read_jpeg_history
from assay.media.probe import probe
from assay.training.shared import shared_folder
from assay.types import Array, FloatArray

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "jpeg_history.json"
PAIRS = (
    (50, 75), (70, 75), (80, 75), (90, 75), (60, 85), (75, 85), (90, 85),
    (75, 90), (85, 90), (95, 90), (85, 95), (90, 95), (98, 95), (95, 98),
)  # fmt: skip
ONCE = (60, 75, 85, 90, 95, 98)
KEPT = (50, 60, 75, 85, 90, 95, 98)
PARTS = ((60, 85), (75, 85), (80, 75), (90, 75), (75, 90), (85, 90), (85, 95), (90, 95), (95, 90))
SECTIONS = ("pristine", "once", "kept_as_png", "twice", "parts")
SHRINK = 0.75
PART_PX = 112
Row = dict[str, Any]


def saved(rgb: Array, quality: int) -> bytes:
    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "JPEG", quality=quality)
    return store.getvalue()


def opened(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def read(data: bytes, quality: int) -> JpegReading:
    with Image.open(io.BytesIO(data)) as picture:
        picture.draft("L", picture.size)
        return read_jpeg_history(np.asarray(picture, np.float32), ijg_luma_table(quality))


def read_png(rgb: Array) -> JpegReading:
    values = np.asarray(rgb @ np.array([0.299, 0.587, 0.114]), np.float32)
    return read_jpeg_history(values, None)


def shift_of(number: int) -> tuple[int, int]:
    """One of 49 shifts off the grid, (down, across)."""
    return 1 + number % 7, 1 + (number * 3 + number // 7) % 7


def shifted(rgb: Array, shift: tuple[int, int]) -> Array:
    return rgb[8 - shift[0] :, 8 - shift[1] :]


def gap(saving: Saving | None, quality: int) -> int | None:
    """How far the quality told lies from the true one; None where none is told."""
    if saving is None or not saving.clear or saving.history.qualities is None:
        return None
    low, high = saving.history.qualities
    return max(low - quality, quality - high, 0)


def told(gaps: Sequence[int | None], n: int) -> Row:
    clear = [one for one in gaps if one is not None]
    right = sum(one == 0 for one in clear)
    return {"n": n, "told": len(clear), "right": right, "within_2": sum(one <= 2 for one in clear)}


def twice(sources: Sequence[Array]) -> list[Row]:
    rows = []
    for first, last in PAIRS:
        on, off, crops = [], [], 0
        for number, rgb in enumerate(sources):
            before = opened(saved(rgb, first))
            on.append(gap(read(saved(before, last), last).saving, first))
            shift = shift_of(number)
            other = read(saved(shifted(before, shift), last), last).other_grid
            crops += other is not None and other.corner == shift
            off.append(gap(other.saving, first) if other else None)
        n = len(sources)
        rows.append(
            {
                "first": first,
                "last": last,
                "same": told(on, n),
                "crops": crops,
                "crop": told(off, n),
            }
        )
        print(rows[-1], flush=True)
    return rows


def once(sources: Sequence[Array]) -> list[Row]:
    """False alarms: saved one time only, or never."""
    rows = []
    for last in ONCE:
        readings = [read(saved(rgb, last), last) for rgb in sources]
        rows.append({"last": last, "n": len(sources), **alarms(readings)})
    fresh = [read_png(rgb) for rgb in sources]
    n_grids = sum(one.corner is not None for one in fresh)
    rows.append({"last": None, "n": len(sources), "grids": n_grids, **alarms(fresh)})
    return rows


def alarms(readings: Sequence[JpegReading]) -> Row:
    return {
        "twice": sum(one.saving is not None and one.saving.clear for one in readings),
        "other_grid": sum(one.other_grid is not None for one in readings),
        "place": sum(one.place_is_clear for one in readings),
        "grid_place": sum(one.grid_place is not None for one in readings),
    }


def kept(sources: Sequence[Array]) -> list[Row]:
    """JPEG files cropped and kept as PNG."""
    rows = []
    for quality in KEPT:
        grids, gaps = 0, []
        for number, rgb in enumerate(sources):
            shift = shift_of(number)
            reading = read_png(shifted(opened(saved(rgb, quality)), shift))
            grids += reading.corner == shift
            gaps.append(gap(reading.saving, quality))
        rows.append({"quality": quality, "grids": grids, **told(gaps, len(sources))})
    return rows


def parts(sources: Sequence[Array]) -> list[Row]:
    """A square part with another history, whole saved at `last` afterwards."""
    makers: dict[str, Callable[[Array, Array, int], tuple[Array, Array]]] = {
        "fresh part": lambda own, other, first: (opened(saved(own, first)), other),
        "part saved before": lambda own, other, first: (own, opened(saved(own, first))),
        "part from a JPEG": lambda own, other, first: (
            own,
            np.roll(opened(saved(other, first)), (3, 5), (0, 1)),
        ),
    }
    rows = []
    for name, make in makers.items():
        for first, last in PARTS:
            found = [_part(sources, k, make, first, last) for k in range(len(sources))]
            rows.append(
                {
                    "kind": name,
                    "first": first,
                    "last": last,
                    "n": len(found),
                    "auc_places": round(float(np.mean([one[0] for one in found])), 3),
                    "auc_grids": round(float(np.mean([one[1] for one in found])), 3),
                    "told": sum(one[2] for one in found),
                    "on_it": sum(one[3] for one in found),
                }
            )
            print(rows[-1], flush=True)
    return rows


def _part(
    sources: Sequence[Array],
    k: int,
    make: Callable[[Array, Array, int], tuple[Array, Array]],
    first: int,
    last: int,
) -> tuple[float, float, bool, bool]:
    """AUC of both maps, whether a part is told, and whether its box is mostly on the part."""
    other = sources[(k * 7 + 3) % len(sources)]
    rest, part = make(sources[k], other, first)
    y0, x0 = 90 + k % 8, 101 + (3 * k) % 8
    mask = np.zeros(rest.shape[:2], bool)
    mask[y0 : y0 + PART_PX, x0 : x0 + PART_PX] = True
    mixed = np.where(mask[..., None], part[: rest.shape[0], : rest.shape[1]], rest)
    reading = read(saved(mixed.astype(np.uint8), last), last)
    boxes = []
    if reading.place_is_clear and reading.places and reading.places.best:
        boxes.append(reading.places.best.box)
    if reading.grid_place is not None:
        boxes.append(reading.grid_place.box)
    on = any(mask[b[1] : b[3], b[0] : b[2]].sum() > 0.5 * mask.sum() for b in boxes)
    places = reading.places.gains if reading.places else np.zeros((1, 1), np.float32)
    size = reading.places.cell_px if reading.places else 8
    tiles = reading.tile_map if reading.tile_map is not None else np.zeros((1, 1), np.float32)
    return (
        pixel_auc(places, size, 0, mask),
        pixel_auc(tiles, 64, 32, mask),
        bool(boxes),
        on,
    )


def pixel_auc(values: FloatArray, cell_px: int, start_px: int, mask: NDArray[np.bool_]) -> float:
    """AUC of a map in cells against a mask of pixels, at every fourth pixel."""
    height, width = mask.shape
    down = np.clip((np.arange(0, height, 4) - start_px) // cell_px, 0, values.shape[0] - 1)
    across = np.clip((np.arange(0, width, 4) - start_px) // cell_px, 0, values.shape[1] - 1)
    spread = values[np.ix_(down, across)].ravel()
    return float(auc(spread.astype(np.float64), mask[::4, ::4].ravel()))


def files(shared: Path, camera_files: Path) -> Iterator[tuple[str, Path]]:
    """Files as cameras wrote them, by the set they belong to."""
    for name in ("camera-photos", "camera-photos-2"):
        yield from ((name, path) for path in sorted((shared / "data/image/real" / name).iterdir()))
    manifest = camera_files / "manifest.csv"
    if manifest.is_file():
        with manifest.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["pristine"] == "yes":
                    yield "camera files", camera_files / row["path"]


def pristine(shared: Path, camera_files: Path, step: int) -> dict[str, Row]:
    counts: dict[str, Counter[str]] = {}
    for name, path in list(files(shared, camera_files))[::step]:
        (one,) = JpegHistory().examine(Case(probe(path)))
        count = counts.setdefault(name, Counter())
        count["files"] += 1
        count[one.status] += 1
        count.update(finding.code for finding in one.findings)
        for finding in one.findings:
            if finding.code == "jpeg_history_saved_with" and finding.values["standard_table"]:
                count["standard tables"] += 1
            if finding.code not in ("jpeg_history_saved_with", "jpeg_history_bytes_after"):
                print(path.name, finding.code, dict(finding.values), flush=True)
    return {name: dict(count) for name, count in counts.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camera-files", type=Path, default=ROOT / "cache" / "camera_files")
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--step", type=int, default=1, help="of the pristine files, every n-th")
    parser.add_argument("--only", nargs="*", default=SECTIONS, choices=SECTIONS)
    chosen = parser.parse_args(arguments)
    shared = shared_folder()
    crops = sorted((shared / "data/image/real/camera-photos").iterdir())
    sources = []
    for path in crops[:: max(1, len(crops) // chosen.pictures)][: chosen.pictures]:
        with Image.open(path) as picture:
            side = round(picture.width * SHRINK)
            small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
            sources.append(np.asarray(small, np.uint8))
    measures: dict[str, Callable[[], Any]] = {
        "pristine": lambda: pristine(shared, chosen.camera_files, chosen.step),
        "once": lambda: once(sources),
        "kept_as_png": lambda: kept(sources),
        "twice": lambda: twice(sources),
        "parts": lambda: parts(sources),
    }
    for name in chosen.only:
        found = measures[name]()
        print(name, json.dumps(found), flush=True)
        # Read just before it is written, so that sections can be measured side by side.
        result = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
        result |= {"size_px": list(sources[0].shape[1::-1]), name: found}
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
