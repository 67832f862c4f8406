"""How a picture was last saved as JPEG, and how to save another one just so.

A forgery made of a JPEG file has lost the file's 8 px blocks, and its genuine twin has not: a
network that compares the two learns to see blocks. So the forgery is saved with the same tables.

`python -m assay.training.datasets.jpeg_history FOLDER` says how well blocks alone tell the twins
of a forged set apart: AUC .5 where they tell nothing.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from assay.types import Array

GRID_PX = 16
"""Blocks are 8 px; with halved colour a unit of them is 16 px, so windows begin on multiples."""
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_ORIENTATION = 0x0112
_BLOCK_PX = 8


@dataclass(frozen=True, slots=True)
class JpegHistory:
    """The quantisation tables of a JPEG file, each 64 numbers, and its colour subsampling.

    `is_grey`: it has no colour planes, and `subsampling` says nothing.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: str
    is_grey: bool = False

    @property
    def quality(self) -> int:
        """The quality from 1 to 100 whose usual brightness table weighs as much as this one."""
        own = sum(self.tables[0])
        return min(_table_sums(), key=lambda quality: abs(_table_sums()[quality] - own))

    @property
    def words(self) -> str:
        """For a note: `q75 4:2:0`."""
        return f"q{self.quality} {'grey' if self.is_grey else self.subsampling}"

    def again(self, rgb: Array) -> Array:
        """`rgb` (h, w, 3) uint8 after being saved with these tables and opened again.

        Its blocks begin in the left upper corner, as those of the file did.
        """
        from PIL import Image

        image, store = Image.fromarray(np.ascontiguousarray(rgb)), io.BytesIO()
        tables = [list(table) for table in self.tables]
        if self.is_grey:
            image.convert("L").save(store, "JPEG", qtables=tables[:1])
        else:
            image.save(store, "JPEG", qtables=tables, subsampling=self.subsampling)
        with Image.open(store) as saved:
            return np.asarray(saved.convert("RGB"), np.uint8)


def history_of(path: Path) -> JpegHistory | None:
    """How the file at `path` was saved. None where its pixels' blocks are not known: it is no
    JPEG, is shown turned or mirrored, or has colours that Pillow could not save alike."""
    from PIL import Image, UnidentifiedImageError
    from PIL.JpegImagePlugin import get_sampling

    try:
        with Image.open(path, formats=("JPEG",)) as image:
            tables: dict[int, list[int]] = image.quantization  # type: ignore[attr-defined]
            turned = image.getexif().get(_ORIENTATION, 1) != 1
            is_grey = image.mode == "L"
            subsampling = _SUBSAMPLING.get(get_sampling(image), "")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return None
    usable = is_grey or (image.mode == "RGB" and subsampling)
    if turned or not tables or not usable:
        return None
    kept = tuple(tuple(tables[number]) for number in sorted(tables))
    return JpegHistory(kept, subsampling, is_grey)


@cache
def _table_sums() -> dict[int, int]:
    from PIL import Image

    sums, blank = {}, Image.new("L", (8, 8))
    for quality in range(1, 101):
        store = io.BytesIO()
        blank.save(store, "JPEG", quality=quality)
        with Image.open(store) as saved:
            sums[quality] = sum(saved.quantization[0])  # type: ignore[attr-defined]
    return sums


def block_steps(rgb: Array) -> float:
    """How much larger steps of brightness are where 8 px blocks meet than in their middles: the
    logarithm of the ratio, 0 without blocks. `rgb` is (h, w, 3) uint8, blocks begin in its corner.

    Middles, because enlarging by two or four leaves the same in both places.
    """
    grey, found = rgb.astype(np.float32).mean(axis=2), []
    for values in (grey, grey.T):
        steps = np.abs(np.diff(values, axis=1)).mean(axis=0)
        place = np.arange(1, len(steps) + 1) % _BLOCK_PX
        edges, middles = (steps[place == at].mean() + 0.05 for at in (0, _BLOCK_PX // 2))
        found.append(np.log(edges / middles))
    return float(np.mean(found))


@dataclass(frozen=True, slots=True)
class Twins:
    """The blocks of a forgery and of its genuine twin; `quality` is that of the source as far as
    the note tells it, else 0."""

    quality: int
    genuine: float
    fake: float


def twins_of(folder: Path) -> Iterator[Twins]:
    """All forgeries of a forged set that have a genuine twin."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / row["path"]
            twin = path.with_name(f"{path.stem}.genuine.jpg")
            if row["label"] == "fake" and twin.is_file():
                told = re.search(r"JPEG q(\d+)", row["note"])
                yield Twins(int(told[1]) if told else 0, _steps_at(twin), _steps_at(path))


def _steps_at(path: Path) -> float:
    from PIL import Image

    with Image.open(path) as image:
        return block_steps(np.asarray(image.convert("RGB"), np.uint8))


def separation(twins: list[Twins]) -> tuple[float, float]:
    """AUC of "more blocks is genuine" over all, and the share of pairs whose twin has more."""
    from sklearn.metrics import roc_auc_score

    scores = [t.genuine for t in twins] + [t.fake for t in twins]
    auc = roc_auc_score([1] * len(twins) + [0] * len(twins), scores)
    return float(auc), sum(t.genuine > t.fake for t in twins) / len(twins)


def main(arguments: list[str] | None = None) -> None:
    """The command line: the separation of a folder's twins, by their sources' quality."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.jpeg_history")
    parser.add_argument("folder", type=Path)
    twins = list(twins_of(parser.parse_args(arguments).folder))
    for name, low, high in (
        ("all", 0, 100),
        ("none told", 0, 0),
        ("1-79", 1, 79),
        ("80+", 80, 100),
    ):
        part = [t for t in twins if low <= t.quality <= high]
        if part:
            auc, share = separation(part)
            print(f"quality {name}: {len(part)} pairs, AUC {auc:.3f}, twin has more {share:.1%}")


if __name__ == "__main__":
    main()
