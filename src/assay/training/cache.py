"""Cache the face views of the training media: found once, by the same code as at inference."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from assay.case import Case
from assay.errors import InputError
from assay.media.probe import probe
from assay.media.video import read_frames
from assay.options import Options
from assay.subjects.faces import find_faces
from assay.subjects.landmarks import find_landmarks
from assay.subjects.views import VIEW_MAX_PX, VIEW_SCALE, cut_view
from assay.training.datasets.manifest import Item
from assay.training.progress import told
from assay.types import Array, FaceView, FloatArray, Frame

CACHE_VERSION = 3
INDEX = "index.json"
FRAMES_PER_CLIP = 24
MIN_FACE_PX = 64


@dataclass(frozen=True, slots=True)
class CachedView:
    """One face from the training media. `twin` is the swapped counterpart of a genuine half;
    `reconstructions` are what generative networks make of the same pixels."""

    group: str
    method: str
    split: str
    rgb: Array
    landmarks_px: FloatArray
    box_px: FloatArray
    source_path: str
    twin: Array | None = None
    reconstructions: tuple[Array, ...] = ()


def cached_views(items: Sequence[Item], folder: Path) -> list[CachedView]:
    """The views of all items, from the cache where it has them; memory-mapped."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max(2, (os.cpu_count() or 2) // 2)) as pool:
        done = pool.map(lambda item: _of_item(item, folder), items)
        return [view for views in told(done, len(items), "faces") for view in views]


def _of_item(item: Item, folder: Path) -> list[CachedView]:
    key = f"{CACHE_VERSION} {VIEW_SCALE} {VIEW_MAX_PX} {item.sha256} {item.label}"
    place = folder / hashlib.sha256(key.encode()).hexdigest()[:20]
    fill(place, lambda folder: [_store(folder, n, *v) for n, v in enumerate(_extract(item))])
    rows = json.loads((place / INDEX).read_text())
    return [_load(item, place, row) for row in rows]


def fill(place: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a folder, which then appears at `place` in one step with what `write` gave
    in its index.json; nothing happens where that is there already.

    Several threads and processes may fill one place: the first that is done counts.
    """
    if (place / INDEX).is_file():
        return
    unfinished = place.with_name(f".{place.name}-{uuid4().hex}")
    unfinished.mkdir()
    try:
        (unfinished / INDEX).write_text(json.dumps(write(unfinished)))
        _put(unfinished, place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _put(unfinished: Path, place: Path) -> None:
    try:
        unfinished.rename(place)
    except OSError:
        if not (place / INDEX).is_file():  # not another's that was faster, but a broken-off one
            shutil.rmtree(place)
            unfinished.rename(place)


def _store(place: Path, n: int, view: FaceView, twin: Array | None) -> dict[str, object]:
    np.save(place / f"{n}.npy", view.rgb)
    if twin is not None:
        np.save(place / f"{n}-twin.npy", twin)
    return {
        "n": n,
        "landmarks": np.round(view.landmarks_px, 2).tolist(),
        "box": np.round(view.box_px, 2).tolist(),
        "twin": twin is not None,
    }


def _load(item: Item, place: Path, row: dict[str, object]) -> CachedView:
    n = row["n"]
    return CachedView(
        group=item.group,
        method=item.method,
        split=item.split,
        rgb=np.load(place / f"{n}.npy", mmap_mode="r"),
        landmarks_px=np.asarray(row["landmarks"], np.float32),
        box_px=np.asarray(row["box"], np.float32),
        source_path=str(item.path),
        twin=np.load(place / f"{n}-twin.npy", mmap_mode="r") if row["twin"] else None,
    )


def _extract(item: Item) -> Iterator[tuple[FaceView, Array | None]]:
    try:
        case = Case(probe(item.path), Options(frames=FRAMES_PER_CLIP, time_limit_s=600))
        if item.label == "paired":
            yield from _paired(case)
            return
        for track in case.tracks[:1]:
            for view in case.face_views(track.track_id):
                if _side(view.frame_box_px) >= MIN_FACE_PX:
                    yield view, None
    except InputError:
        return


def _side(box_px: FloatArray) -> float:
    return float(max(box_px[2:] - box_px[:2]))


def _paired(case: Case) -> Iterator[tuple[FaceView, Array | None]]:
    """Genuine left halves with the same window of their swapped right halves."""
    for frame in read_frames(case.media, case.frame_times_s, case.deadline.check):
        left, right = halves(frame)
        for face in find_faces(left.rgb, thorough=False)[:2]:
            mesh = find_landmarks(left.rgb, face)
            if mesh.score < 0.5 or _side(mesh.box_px) < MIN_FACE_PX:
                continue
            view, twin = cut_view(left, mesh, 1), cut_view(right, mesh, 1).rgb
            if differs(view, twin):
                yield view, twin


def halves(frame: Frame) -> tuple[Frame, Frame]:
    """The left and the right half of a side-by-side frame, as frames of their own."""
    middle = frame.rgb.shape[1] // 2
    left = np.ascontiguousarray(frame.rgb[:, :middle])
    right = np.ascontiguousarray(frame.rgb[:, middle : 2 * middle])
    return Frame(frame.index, frame.time_s, left), Frame(frame.index, frame.time_s, right)


def differs(view: FaceView, twin: Array) -> bool:
    """Whether this face was swapped at all: a second person may be untouched in both halves."""
    x0, y0, x1, y1 = (int(v) for v in np.clip(view.box_px, 0, max(view.rgb.shape)))
    a = view.rgb[y0:y1, x0:x1].astype(np.int16)
    b = twin[y0:y1, x0:x1].astype(np.int16)
    return bool(np.abs(a - b).mean() > 6.0)
