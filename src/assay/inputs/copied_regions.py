"""Parts of a picture that are there twice: one way of moving them, checked pixel by pixel.

Candidates come from `copied_blocks` (translations) and `copied_points` (turned and scaled ones);
here each is measured: where do the picture and the moved picture agree? `copied_fit` then asks how
exactly, in the full picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.grey_picture import grey_picture
from assay.types import Array, FloatArray

WORK_PX = 1_000_000
WINDOW_PX = 9
AGREE = 0.75
"""Correlation of two places within a window from which on they count as the same."""
LEAST_LEVELS = 2.0
"""Flatter windows (standard deviation in grey levels) agree with everything."""
LEAST_AREA_PX = 500
LEAST_AWAY_PX = 24.0
MAX_OVERLAP = 0.5
CELL_PX = 4
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WorkPicture:
    """Brightness `values` (h, w) float32, shrunk by `shrink` from the part `box_px` of a picture.

    `full` is the same before shrinking.
    """

    values: FloatArray
    full: FloatArray
    shrink: int
    box_px: tuple[int, int, int, int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Move:
    """How one place may have come from another, in pixels of the work picture.

    `matrix` (2, 3) takes (x, y, 1) of the one to the other; `box` (x0, y0, x1, y1) is where it was
    seen; `n_matches` how many blocks or points said so; `found_by` one of exact, dense, points.
    """

    matrix: NDArray[np.float64]
    box: tuple[float, float, float, float]
    n_matches: int
    found_by: str


@dataclass(frozen=True, slots=True)
class CopiedRegion:
    """Two places of a work picture that agree.

    `mask` (h, w) is the one place and `source` (h, w) the other, `area_px` what `mask` covers.
    """

    move: Move
    mask: Mask
    source: Mask
    area_px: int


def work_picture(rgb: Array) -> WorkPicture:
    """The picture (h, w, 3) uint8 as the matching sees it: grey, about a million pixels."""
    grey = grey_picture(rgb)
    height, width = grey.values.shape
    shrink = max(1, math.ceil(math.sqrt(height * width / WORK_PX) - 0.15))
    if min(height, width) < 2 * shrink:
        shrink = 1
    values = shrunk(grey.values, shrink)
    return WorkPicture(values, grey.values, shrink, grey.box_px, grey.whole)


def shrunk(values: FloatArray, factor: int) -> FloatArray:
    """Means of squares of `factor` pixels; what is left over at the right and below is cut off."""
    if factor == 1:
        return values
    height, width = (size // factor * factor for size in values.shape)
    cut = values[:height, :width].reshape(height // factor, factor, width // factor, factor)
    # One axis at a time: a mean over two axes at once takes five times as long.
    return np.asarray(cut.mean(axis=1).mean(axis=-1), np.float32)


def blurred(values: FloatArray, size: int) -> FloatArray:
    """Means over squares of `size` (odd) pixels; edges repeat."""
    half = size // 2
    total = np.pad(values, half, mode="edge")
    for axis in (0, 1):
        total = _summed(total, size, axis)
    return np.asarray(total / np.float32(size**2), np.float32)


def _summed(values: FloatArray, size: int, axis: int) -> FloatArray:
    """Sums of `size` neighbours along an axis, in float32: running sums would lose its digits."""
    turned = values if axis == 0 else values.T
    length = len(turned) - size + 1
    total = turned[:length].copy()
    for by in range(1, size):
        total += turned[by : by + length]
    return total if axis == 0 else np.ascontiguousarray(total.T)


def even_detail(values: FloatArray) -> FloatArray:
    """Detail in units of its own surroundings: quiet parts count as much as loud ones."""
    detail = values - blurred(values, 7)
    spread = np.sqrt(np.maximum(blurred(detail * detail, 17), 0))
    return np.asarray(np.clip(detail / (spread + 2.0), -2.5, 2.5), np.float32)


def measure_move(work: WorkPicture, move: Move) -> CopiedRegion | None:
    """The region that the move explains, None where there is none worth the name."""
    x0, y0, x1, y1 = _searched(work, move.box)
    if x1 - x0 < 2 * WINDOW_PX or y1 - y0 < 2 * WINDOW_PX:
        return None
    here = work.values[y0:y1, x0:x1]
    places, inside = _moved_places(work, move, (x0, y0, x1, y1))
    there = sampled(work.values, places)
    agree = local_agreement(here, there) >= AGREE
    region = _grown(agree & inside, _seed_mask(move.box, (x0, y0, x1, y1)))
    area = int(region.sum())
    if area < LEAST_AREA_PX:
        return None
    mask, source = np.zeros(work.values.shape, bool), np.zeros(work.values.shape, bool)
    mask[y0:y1, x0:x1] = region
    ys, xs = np.rint(places[1][region]).astype(int), np.rint(places[0][region]).astype(int)
    source[ys, xs] = True
    away = math.hypot(*(middle_of(mask) - middle_of(source)))
    if away < LEAST_AWAY_PX or (mask & source).sum() > MAX_OVERLAP * area:
        return None
    return CopiedRegion(move, mask, source, area)


def middle_of(mask: Mask) -> NDArray[np.float64]:
    """(y, x) of the mean of what is set."""
    return np.array([float(places.mean()) for places in np.nonzero(mask)])


def _searched(
    work: WorkPicture, box: tuple[float, float, float, float]
) -> tuple[int, int, int, int]:
    """The box with half its size and 40 px around it."""
    height, width = work.values.shape
    by_x, by_y = ((box[i + 2] - box[i]) / 2 + 40 for i in (0, 1))
    return (
        max(0, int(box[0] - by_x)),
        max(0, int(box[1] - by_y)),
        min(width, math.ceil(box[2] + by_x)),
        min(height, math.ceil(box[3] + by_y)),
    )


def _moved_places(
    work: WorkPicture, move: Move, box: tuple[int, int, int, int]
) -> tuple[tuple[FloatArray, FloatArray], Mask]:
    """Where each pixel of the box lies at the other place (x, y), and whether that exists."""
    x0, y0, x1, y1 = box
    xs = np.arange(x0, x1, dtype=np.float32)[None]
    ys = np.arange(y0, y1, dtype=np.float32)[:, None]
    m = move.matrix.astype(np.float32)
    there_x = m[0, 0] * xs + m[0, 1] * ys + m[0, 2]
    there_y = m[1, 0] * xs + m[1, 1] * ys + m[1, 2]
    height, width = work.values.shape
    inside = (there_x >= 0) & (there_x <= width - 1) & (there_y >= 0) & (there_y <= height - 1)
    return (np.clip(there_x, 0, width - 1), np.clip(there_y, 0, height - 1)), inside


def sampled(values: FloatArray, places: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Bilinear samples of `values` at (x, y)."""
    xs, ys = places
    left = np.minimum(xs.astype(np.int32), values.shape[1] - 2)
    top = np.minimum(ys.astype(np.int32), values.shape[0] - 2)
    across, down = xs - left, ys - top
    flat, start, width = values.ravel(), top * values.shape[1] + left, values.shape[1]
    if not (np.any(across % 1) or np.any(down % 1)):  # a plain shift needs no mixing
        return flat[start + across.astype(np.int32) + down.astype(np.int32) * width]
    upper = flat[start] * (1 - across) + flat[start + 1] * across
    lower = flat[start + width] * (1 - across) + flat[start + width + 1] * across
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def local_agreement(one: FloatArray, other: FloatArray) -> FloatArray:
    """Correlation (h, w) of two pictures in windows; -1 where either is too flat to tell."""
    one, other = one - one.mean(), other - other.mean()
    mean_one, mean_other = blurred(one, WINDOW_PX), blurred(other, WINDOW_PX)
    spread_one = blurred(one * one, WINDOW_PX) - mean_one**2
    spread_other = blurred(other * other, WINDOW_PX) - mean_other**2
    shared = blurred(one * other, WINDOW_PX) - mean_one * mean_other
    least = LEAST_LEVELS**2
    told = (spread_one > least) & (spread_other > least)
    scale = np.sqrt(np.maximum(spread_one, least) * np.maximum(spread_other, least))
    return np.where(told, np.clip(shared / scale, -1, 1), -1).astype(np.float32)


def _seed_mask(box: tuple[float, float, float, float], searched: tuple[int, int, int, int]) -> Mask:
    x0, y0, x1, y1 = searched
    seeds = np.zeros((y1 - y0, x1 - x0), bool)
    left, top = max(0, int(box[0]) - x0), max(0, int(box[1]) - y0)
    seeds[top : math.ceil(box[3]) - y0 + 1, left : math.ceil(box[2]) - x0 + 1] = True
    return seeds


def _grown(agree: Mask, seeds: Mask) -> Mask:
    """What of `agree` hangs together with what of it lies in `seeds`, in cells of 4 px."""
    cells, seeded = (_in_cells(one) for one in (agree, agree & seeds))
    reached = seeded & cells
    n_before = -1
    while int(reached.sum()) != n_before:
        n_before = int(reached.sum())
        reached = spread(reached) & cells
    kept = largest_part(reached)
    whole = kept.repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)
    padded = np.zeros(agree.shape, bool)
    height, width = (min(a, b) for a, b in zip(agree.shape, whole.shape, strict=True))
    padded[:height, :width] = whole[:height, :width]
    return padded


def _in_cells(mask: Mask) -> Mask:
    """Cells at least half of which are set."""
    height, width = (size // CELL_PX * CELL_PX for size in mask.shape)
    cut = mask[:height, :width].reshape(height // CELL_PX, CELL_PX, width // CELL_PX, CELL_PX)
    return np.asarray(cut.mean(axis=(1, 3)) >= 0.5)


def spread(mask: Mask) -> Mask:
    """The mask with its eight neighbours."""
    padded = np.pad(mask, 1)
    across = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    return np.asarray(across[:-2] | across[1:-1] | across[2:])


def largest_part(mask: Mask) -> Mask:
    """The parts of a small mask with at least a fifth of its area; specks are left out."""
    rest, kept = mask.copy(), np.zeros_like(mask)
    least = max(1, int(mask.sum()) // 5)
    while int(rest.sum()) >= least:
        part = np.zeros_like(mask)
        part.flat[int(rest.argmax())] = True
        n_before = 0
        while int(part.sum()) != n_before:
            n_before = int(part.sum())
            part = spread(part) & rest
        if n_before >= least:
            kept |= part
        rest &= ~part
    return kept


def bounds(mask: Mask) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1) of what is set, which must be something."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
