"""The pictures of the training media, decoded once: genuine, generated, and genuine ones beside
what a generative network makes of the very same pixels."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.case import Case
from assay.errors import InputError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.video import read_frames
from assay.options import Options
from assay.training.cache import INDEX, fill, halves
from assay.training.datasets.manifest import Item
from assay.training.progress import told
from assay.types import Array

CACHE_VERSION = 1
FRAMES_PER_CLIP = 6
MAX_MEGAPIXELS = 50.0
GENUINE_TWIN = ".genuine.jpg"


@dataclass(frozen=True, slots=True)
class CachedPicture:
    """One whole picture, or one frame of a video. `twin` is the genuine picture behind a forgery
    of the same pixels, where there is one."""

    group: str
    method: str
    split: str
    fake: bool
    rgb: Array
    source_path: str
    twin: Array | None = None


def cached_pictures(items: Sequence[Item], folder: Path) -> list[CachedPicture]:
    """The pictures of all items, from the cache where it has them; memory-mapped.

    Of videos some frames; of side-by-side clips the genuine halves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2)) as pool:
        done = pool.map(lambda item: _of_item(item, folder), items)
        return [p for pictures in told(done, len(items), "pictures") for p in pictures]


def _of_item(item: Item, folder: Path) -> list[CachedPicture]:
    key = f"picture {CACHE_VERSION} {FRAMES_PER_CLIP} {item.sha256} {item.label}"
    place = folder / hashlib.sha256(key.encode()).hexdigest()[:20]
    fill(place, lambda folder: _store(item, folder))
    count = json.loads((place / INDEX).read_text())["n"]
    return [_load(item, place, n) for n in range(count)]


def _store(item: Item, folder: Path) -> dict[str, int]:
    count = 0
    for n, (rgb, twin) in enumerate(_decoded(item)):
        np.save(folder / f"{n}.npy", rgb)
        if twin is not None:
            np.save(folder / f"{n}-twin.npy", twin)
        count = n + 1
    return {"n": count}


def _load(item: Item, place: Path, n: int) -> CachedPicture:
    twin = place / f"{n}-twin.npy"
    return CachedPicture(
        group=item.group,
        method=item.method,
        split=item.split,
        fake=item.label == "fake",
        rgb=np.load(place / f"{n}.npy", mmap_mode="r"),
        source_path=str(item.path),
        twin=np.load(twin, mmap_mode="r") if twin.is_file() else None,
    )


def _decoded(item: Item) -> Iterator[tuple[Array, Array | None]]:
    try:
        if item.modality == "image":
            twin = item.path.with_name(item.path.stem + GENUINE_TWIN)
            yield _picture(item.path), _picture(twin) if twin.is_file() else None
            return
        case = Case(probe(item.path), Options(frames=FRAMES_PER_CLIP, time_limit_s=600))
        for frame in read_frames(case.media, case.frame_times_s, case.deadline.check):
            whole = halves(frame)[0] if item.label == "paired" else frame
            yield np.ascontiguousarray(whole.rgb), None
    except InputError:
        return


def _picture(path: Path) -> Array:
    return np.ascontiguousarray(read_image(probe(path), MAX_MEGAPIXELS).rgb)
