"""Measure the cues of `face_geometry` on labelled media: as found, and made alike in size and
JPEG quality, so that neither can pass for a difference in geometry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from assay.errors import EmptyBoxError
from assay.inputs.face_cues import CueInput, measure_cues
from assay.media.resample import resaved, resized
from assay.subjects.faces import Face
from assay.subjects.landmarks import find_landmarks
from assay.subjects.light import face_frame
from assay.subjects.quality import measure
from assay.training.cache import CachedView
from assay.types import Array, FaceView, FloatArray

NUISANCES = (
    "turn",
    "nod",
    "roll_deg",
    "eye_distance_px",
    "sharpness",
    "brightness",
    "contrast",
)


@dataclass(frozen=True, slots=True)
class CueTable:
    """One row a measured face: `cues` (n, 12), NaN where abstained; `nuisances` (n, 7) that may
    differ between sets for no reason of truth; `degraded`, `fake` (n,) bool; `method`, `group`,
    `split`, `source` (n,) text. `source` is the file."""

    cues: NDArray[np.float64]
    nuisances: NDArray[np.float64]
    degraded: NDArray[np.bool_]
    fake: NDArray[np.bool_]
    method: NDArray[np.str_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.fake)

    def rows(self, chosen: NDArray[Any]) -> CueTable:
        """The rows of a mask or an index array."""
        return CueTable(*(getattr(self, name)[chosen] for name in self.__slots__))

    def save(self, path: Path) -> None:
        """Write an npz that `load_table` reads."""
        np.savez_compressed(path, **{name: getattr(self, name) for name in self.__slots__})


def load_table(path: Path) -> CueTable:
    """Read what `CueTable.save` wrote."""
    with np.load(path) as stored:
        return CueTable(*(stored[name] for name in CueTable.__slots__))


@dataclass(frozen=True, slots=True)
class Levelling:
    """What the degraded copy is drawn from: eye distances and JPEG qualities, low to high."""

    eye_distance_px: tuple[int, int]
    quality: tuple[int, int]
    seed: int


def per_file(table: CueTable) -> CueTable:
    """One row a file, label and copy: medians over its frames (the cue's, where it was seen)."""
    keys = [
        f"{s}|{f}|{d}" for s, f, d in zip(table.source, table.fake, table.degraded, strict=True)
    ]
    _, first, member = np.unique(keys, return_index=True, return_inverse=True)
    one = table.rows(first)
    members = [np.flatnonzero(member == n) for n in range(len(first))]
    with np.errstate(all="ignore"):
        cues = np.array([_median(table.cues[rows]) for rows in members])
        nuisances = np.array([np.median(table.nuisances[rows], axis=0) for rows in members])
    return CueTable(cues, nuisances, *(getattr(one, name) for name in CueTable.__slots__[2:]))


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = np.isfinite(values)
    return np.array(
        [
            np.median(column[ok]) if ok.any() else np.nan
            for column, ok in zip(values.T, seen.T, strict=True)
        ]
    )


def measure_all(
    views: Sequence[CachedView], fakes: set[str], recipe: CueInput, levelling: Levelling
) -> CueTable:
    """Measure every view, and the twin of a paired one as a fake.

    `fakes` names the methods whose pictures are made; two processes.
    """
    work = partial(_rows, fakes=fakes, recipe=recipe, levelling=levelling)
    with ProcessPoolExecutor(2) as pool:
        found = list(tqdm(pool.map(work, views, chunksize=16), total=len(views), desc="cues"))
    rows = [row for of_view in found for row in of_view]
    columns: list[Any] = [np.array(column) for column in zip(*rows, strict=True)]
    return CueTable(*columns)


def _rows(
    view: CachedView, fakes: set[str], recipe: CueInput, levelling: Levelling
) -> list[tuple[Any, ...]]:
    rows = []
    pictures = [(np.asarray(view.rgb), view.method in fakes)]
    if view.twin is not None:
        pictures.append((np.asarray(view.twin), True))
    for rgb, fake in pictures:
        key = f"{levelling.seed} {view.source_path} {view.box_px.sum():.3f}"
        seed = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)
        for degraded, copy in _copies(rgb, view.landmarks_px, levelling, seed):
            cues = measure_cues(copy, recipe)
            nuisances = _nuisances(copy)
            if nuisances is not None:
                told = (degraded, fake, view.method, view.group, view.split, view.source_path)
                rows.append((cues.values, nuisances, *told))
    return rows


def _copies(
    rgb: Array, landmarks_px: FloatArray, levelling: Levelling, seed: int
) -> Iterator[tuple[bool, FaceView]]:
    """The face as found and, where it is large enough, the levelled copy; each with its own
    landmarks, found anew as in a file of that size."""
    yield False, _view(rgb, landmarks_px)
    rng = np.random.default_rng(seed)
    low, high = levelling.eye_distance_px
    distance = face_frame(landmarks_px).eye_distance_px
    scale = rng.uniform(low, high) / max(distance, 1e-6)
    quality = int(rng.integers(*levelling.quality))
    if distance < low:
        return
    scale = min(1.0, scale)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    factor = np.array([size[0] / rgb.shape[1], size[1] / rgb.shape[0]], np.float32)
    yield True, _view(resaved(resized(rgb, size), quality), landmarks_px * factor)


def _view(rgb: Array, landmarks_px: FloatArray) -> FaceView:
    eyes = landmarks_px[[33, 133]].mean(axis=0), landmarks_px[[362, 263]].mean(axis=0)
    box = np.concatenate([landmarks_px.min(axis=0), landmarks_px.max(axis=0)])
    points = np.stack([*eyes, *eyes, *eyes])
    mesh = find_landmarks(rgb, Face(box.astype(np.float32), points.astype(np.float32), 1.0))
    return FaceView(0, 0, 0.0, rgb, mesh.box_px, mesh.landmarks_px, mesh.box_px, 1.0, mesh.score)


def _nuisances(view: FaceView) -> list[float] | None:
    frame = face_frame(view.landmarks_px)
    nose = frame.inward(view.landmarks_px[1])
    try:
        quality = measure(view)
    except EmptyBoxError:
        return None
    roll = float(np.degrees(np.arctan2(frame.along_px[1], frame.along_px[0])))
    distance = frame.eye_distance_px
    seen = [quality.sharpness, quality.brightness, quality.contrast]
    return [float(abs(nose[0])), float(nose[1]), abs(roll), distance, *seen]
