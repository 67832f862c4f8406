"""Whose quantisation table is it: the standard one at a quality, or one seen in known files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

# ISO/IEC 10918-1 tables K.1 and K.2, in rows.
_LUMA = (
    "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 "
    "14 17 22 29 51 87 80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 "
    "49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"
)
_CHROMA = (
    "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 "
    "47 66 99 99 99 99 99 99 " + " ".join(["99"] * 32)
)
STANDARD_LUMA = tuple(int(step) for step in _LUMA.split())
STANDARD_CHROMA = tuple(int(step) for step in _CHROMA.split())
KNOWN_TABLES = Path(__file__).with_name("jpeg_families.json")
MOST_NAMED = 6


def ijg_table(standard: Sequence[int], quality: int, most: int = 255) -> tuple[int, ...]:
    """A standard table scaled to a quality 1 to 100 as libjpeg scales it (`jcparam.c`)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(max((step * scale + 50) // 100, 1), most) for step in standard)


@lru_cache(maxsize=256)
def ijg_luma_table(quality: int) -> tuple[int, ...]:
    """The standard brightness table (64, in rows) at a quality."""
    return ijg_table(STANDARD_LUMA, quality)


@dataclass(frozen=True, slots=True)
class TableMatch:
    """What a table is: `quality` where it is exactly libjpeg's, else the nearest, and how far.

    `mean_gap` is the mean |difference| to the nearest standard table over the table's mean step.
    `seen_in` are makers or programs of files with exactly these tables.
    """

    quality: int
    exact: bool
    mean_gap: float
    chroma_exact: bool | None
    seen_in: tuple[str, ...]


def match_tables(luma: Sequence[int], chroma: Sequence[int] | None) -> TableMatch:
    """Compare a brightness table (64, in rows), and a colour table where there is one."""
    quality, gap = nearest_quality(luma)
    most = 32767 if max(luma) > 255 else 255
    exact = tuple(luma) == ijg_table(STANDARD_LUMA, quality, most)
    chroma_exact = None
    if chroma is not None:
        chroma_exact = tuple(chroma) == ijg_table(STANDARD_CHROMA, quality, most)
    seen = tuple(known_tables().get(tuple(luma), ()))
    return TableMatch(quality, exact, gap, chroma_exact, seen[:MOST_NAMED])


def nearest_quality(luma: Sequence[int]) -> tuple[int, float]:
    """The quality whose standard table is nearest, and the mean gap over the mean step."""
    gaps = []
    for quality in range(1, 101):
        table = ijg_luma_table(quality)
        gaps.append(sum(abs(a - b) for a, b in zip(luma, table, strict=True)))
    least = min(gaps)
    return gaps.index(least) + 1, least / max(1, sum(luma))


@lru_cache(maxsize=1)
def known_tables() -> dict[tuple[int, ...], list[str]]:
    """Brightness tables (64, in rows) that known cameras and programs wrote, and which.

    Learned from files by `python -m assay.training.jpeg_families`; {} where it is not there.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(KNOWN_TABLES.read_text("utf-8"))["tables"]
        return {tuple(row["luma"]): list(row["seen_in"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def named_families() -> dict[str, tuple[int, ...]]:
    """Known tables that are not libjpeg's, by name, for looking for earlier savings."""
    found = {}
    for table, seen in known_tables().items():
        quality, _gap = nearest_quality(table)
        if table != ijg_luma_table(quality):
            found[f"a table of {', '.join(seen[:3])}, about quality {quality}"] = table
    return found
