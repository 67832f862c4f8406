"""Arrange labelled videos as a plain folder: `real/PERSON/` and `fake/METHOD/PERSON/`.

`python -m assay.training.datasets.tutorial_media --out FOLDER [--method NAME ...]`

The videos are those of the labelled media (ASSAY_SHARED). Of a side-by-side clip, whose left half
is the footage and whose right half is the same with a face swapped, each half becomes a file of its
own, coded alike. A person's folder is the group that the labelled media's manifest gives them, so
the two halves of a clip, and the clips of one footage, stay on one side of every split.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.evaluation.pieces import write_half
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.progress import told
from assay.training.shared import shared_folder

_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """One file to be: where it is made from, where it lies, and which half it is ("" for all)."""

    source: Path
    target: Path
    half: str = ""


def placed(items: Sequence[Item], out: Path, methods: Sequence[str] = ()) -> list[Placed]:
    """What lies where; only those of `methods` where some are named."""
    videos = [item for item in items if item.modality == "video"]
    chosen = [item for item in videos if not methods or item.method in methods]
    return sorted(
        (one for item in chosen for one in _of(item, out)), key=lambda one: str(one.target)
    )


def arrange(wanted: Sequence[Placed]) -> int:
    """Make the files that are not there yet; gives how many there are."""
    for one in told(wanted, len(wanted), "videos"):
        if one.target.is_file():
            continue
        one.target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = one.target.with_name(f".unfinished-{one.target.name}")
        if one.half:
            write_half(one.source, unfinished, right=one.half == "right")
        else:
            shutil.copyfile(one.source, unfinished)
        unfinished.replace(one.target)
    return len(wanted)


def _of(item: Item, out: Path) -> Iterator[Placed]:
    person, name = _UNFIT.sub("_", item.group), item.path.name
    if item.label == "paired":
        halved = f"{item.path.stem}.mp4"
        yield Placed(item.path, out / "real" / person / halved, "left")
        yield Placed(item.path, out / "fake" / item.method / person / halved, "right")
    elif item.label == "real":
        yield Placed(item.path, out / "real" / person / name)
    elif item.label == "fake":
        yield Placed(item.path, out / "fake" / item.method / person / name)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", action="append", default=[])
    given = parser.parse_args(arguments)
    items = read_manifest(shared_folder() / "data")
    n = arrange(placed(items, given.out, given.method))
    print(f"{n} videos lie in {given.out}")


if __name__ == "__main__":
    main()
