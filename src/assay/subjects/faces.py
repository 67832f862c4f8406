"""Find faces of every size in one frame: BlazeFace over the whole picture, then over tiles.

Source of the networks and their decoding: Bazarevsky et al., "BlazeFace", 2019, and its
full-range successor in MediaPipe (Apache-2.0).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assay.bundles import open_network
from assay.media.resample import quickly_bounded, quickly_resized
from assay.types import Array, FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

Range = Literal["full", "short"]

MIN_SCORE = 0.5
TILE_MIN_SCORE = 0.5
OVERLAP_LIMIT = 0.3
MAX_SEARCH_SIDE_PX = 1920
TILE_LEVELS_PX = (960, 288)
TILE_OVERLAP = 0.25
BORDER = 0.6
TILE_THREADS = 2


@dataclass(frozen=True, slots=True)
class Face:
    """One found face: `box_px` (4,) xyxy, `points_px` (6, 2), both in frame pixels.

    Points: right eye, left eye, nose tip, mouth, right ear, left ear, as seen by the viewer
    from the left.
    """

    box_px: FloatArray
    points_px: FloatArray
    score: float

    @property
    def side_px(self) -> float:
        """The longer side of the box."""
        return float(max(self.box_px[2] - self.box_px[0], self.box_px[3] - self.box_px[1]))


def find_faces(
    rgb: Array, *, thorough: bool = True, ranges: tuple[Range, ...] = ("full", "short")
) -> list[Face]:
    """All faces in one frame, largest first.

    `rgb` is (h, w, 3) uint8. The whole frame is searched by the networks of `ranges`, once more
    with a border (a face that fills the frame is too large for the full-range network), then
    overlapping tiles; `thorough` adds the finest tiles, with which a face of 24 px in a 1080p
    frame is found. A frame longer than 1,920 px is searched shrunk to that.
    """
    small, scale = quickly_bounded(rgb, MAX_SEARCH_SIDE_PX)
    found = _search_whole(small, ranges)
    for side in TILE_LEVELS_PX if thorough else TILE_LEVELS_PX[:1]:
        if side < 0.9 * max(small.shape[:2]):
            found += _search_tiles(small, side, ranges[0], found)
    kept = _without_duplicates(found)
    faces = [Face(f.box_px / scale, f.points_px / scale, f.score) for f in kept]
    return sorted(faces, key=lambda face: -face.side_px)


def _search_tiles(rgb: Array, side: int, kind: Range, found: list[Face]) -> list[Face]:
    """Search the tiles of one level, two at a time; those inside a face that was found are left."""
    windows = [
        window
        for window in _tiles(rgb.shape[1], rgb.shape[0], side)
        if not any(_covers(face.box_px, window) for face in found)
    ]
    with ThreadPoolExecutor(TILE_THREADS) as pool:
        parts = pool.map(lambda window: _search(rgb, window, kind, TILE_MIN_SCORE), windows)
        return [face for part in parts for face in part]


def _covers(box: FloatArray, window: tuple[int, int, int, int]) -> bool:
    """Whether a face's box covers most of a tile: what is found there would be a part of it."""
    x0, y0, x1, y1 = window
    width, height = min(box[2], x1) - max(box[0], x0), min(box[3], y1) - max(box[1], y0)
    return bool(width > 0 and height > 0 and width * height > 0.6 * (x1 - x0) * (y1 - y0))


def _tiles(width: int, height: int, side: int) -> list[tuple[int, int, int, int]]:
    def starts(length: int) -> list[int]:
        if length <= side:
            return [0]
        n = int(np.ceil((length - side) / (side * (1 - TILE_OVERLAP)))) + 1
        return [round(i * (length - side) / (n - 1)) for i in range(n)]

    return [
        (x, y, min(x + side, width), min(y + side, height))
        for y in starts(height)
        for x in starts(width)
    ]


def _search_whole(rgb: Array, ranges: tuple[Range, ...]) -> list[Face]:
    height, width = rgb.shape[:2]
    found = [
        face for kind in ranges for face in _search(rgb, (0, 0, width, height), kind, MIN_SCORE)
    ]
    small, scale = quickly_bounded(rgb, 256)
    border = round(max(small.shape[:2]) * BORDER)
    padded = np.pad(small, [(border, border), (border, border), (0, 0)])
    whole = (0, 0, padded.shape[1], padded.shape[0])
    for face in _search(padded, whole, ranges[0], MIN_SCORE):
        box, points = (face.box_px - border) / scale, (face.points_px - border) / scale
        found.append(Face(box, points, face.score))
    return found


def _search(rgb: Array, window: tuple[int, int, int, int], kind: Range, least: float) -> list[Face]:
    x0, y0, x1, y1 = window
    square, scale = _letterbox(rgb[y0:y1, x0:x1], 192 if kind == "full" else 128)
    regression, logits = _run(square, kind)
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))
    keep = np.flatnonzero(scores >= least)
    faces = _decode(regression[keep], _anchors(kind)[keep], scores[keep], square.shape[0])
    whole = x0 == 0 and y0 == 0 and x1 == rgb.shape[1] and y1 == rgb.shape[0]
    offset = np.array([x0, y0], np.float32)
    placed = []
    for face in faces:
        box = face.box_px / scale
        if not whole and _touches_edge(box, x1 - x0, y1 - y0):
            continue
        placed.append(Face(box + np.tile(offset, 2), face.points_px / scale + offset, face.score))
    return placed


def _touches_edge(box: FloatArray, width: int, height: int) -> bool:
    # A face cut by a tile's edge is found whole in the neighbouring tile or one level up.
    return bool(box[0] < 1 or box[1] < 1 or box[2] > width - 1 or box[3] > height - 1)


def _letterbox(rgb: Array, side: int) -> tuple[Array, float]:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.zeros((side, side, 3), np.uint8)
    square[: size[1], : size[0]] = quickly_resized(rgb, size)
    return square, scale


def _run(square: Array, kind: Range) -> tuple[FloatArray, FloatArray]:
    batch = square[None].astype(np.float32) / 127.5 - 1.0
    outputs = open_network(f"face_finder_{kind}_range").run(batch)
    regression = next(value for value in outputs.values() if value.shape[-1] == 16)
    logits = next(value for value in outputs.values() if value.shape[-1] == 1)
    return regression[0], logits[0, :, 0]


@lru_cache(maxsize=2)
def _anchors(kind: Range) -> NDArray[np.float32]:
    """Cell centres as fractions of the input, one row an anchor."""
    grids = [(48, 1)] if kind == "full" else [(16, 2), (8, 6)]
    rows = []
    for n_cells, per_cell in grids:
        centres = (np.arange(n_cells) + 0.5) / n_cells
        ys, xs = np.meshgrid(centres, centres, indexing="ij")
        rows.append(np.repeat(np.stack([xs.ravel(), ys.ravel()], 1), per_cell, axis=0))
    return np.concatenate(rows).astype(np.float32)


def _decode(raw: Any, anchors: Any, scores: Any, side: int) -> list[Face]:
    faces = []
    for row, anchor, score in zip(raw, anchors, scores, strict=True):
        centre = row[:2] + anchor * side
        half = row[2:4] / 2
        points = row[4:].reshape(6, 2) + anchor * side
        box = np.concatenate([centre - half, centre + half]).astype(np.float32)
        if half.min() > 0:
            faces.append(Face(box, points.astype(np.float32), float(score)))
    return _without_duplicates(faces)


def overlap(a: FloatArray, b: FloatArray) -> float:
    """Intersection over union of two xyxy boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(both / (areas - both))


def _inside(small: FloatArray, large: FloatArray) -> bool:
    centre_x, centre_y = (small[0] + small[2]) / 2, (small[1] + small[3]) / 2
    return bool(large[0] < centre_x < large[2] and large[1] < centre_y < large[3])


def _without_duplicates(faces: list[Face]) -> list[Face]:
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(not _same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(a: Face, b: Face) -> bool:
    if overlap(a.box_px, b.box_px) > OVERLAP_LIMIT:
        return True
    # A part of a face (an eye region in a fine tile) lies inside the whole one.
    small, large = (a, b) if a.side_px < b.side_px else (b, a)
    return _inside(small.box_px, large.box_px)
