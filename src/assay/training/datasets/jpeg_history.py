"""How a picture was last saved as JPEG, and how to save another one just so.

A forgery made of a JPEG file has lost the file's 8 px blocks, and its genuine twin has not: a
network that compares the two learns to see blocks. So the forgery is saved with the same tables.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from assay.types import Array

GRID_PX = 16
"""Blocks are 8 px; with halved colour a unit of them is 16 px, so windows begin on multiples."""
_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_ORIENTATION = 0x0112


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
