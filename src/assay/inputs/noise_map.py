"""Where the finest grain of a picture hangs together otherwise than in the rest of it.

After Cozzolino, Poggi and Verdoliva, "Splicebuster: a new blind image splicing detector" (2015):
co-occurrences of a quantised high-pass residual describe every block, and the blocks are compared
with a model of the picture itself. Of the two ways in which such a model is fitted, the distance
from one Gaussian of most blocks told splices better here than two models by EM did
(docs/detectors/noise_residual.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

Flags = NDArray[np.bool_]
CELL_PX = 16
TAPS = 4
"""So many residuals in a row are looked at together."""
QUANTUM = 4.0
KEPT_DIMENSIONS = 5
TRIMMED = 0.1
ROUNDS = 2
RIDGE = 1e-3
FLAT = 0.97
"""Where this share of the patterns is nothing at all, there is no grain to read."""
DARK, BRIGHT = 12.0, 243.0
LEAST_BLOCKS = 100
SPARSE_PX = ((3_000_000, 1), (8_000_000, 2))
"""Up to so many pixels one line of so many is read, above of four: there are enough of them."""


def _classes() -> tuple[NDArray[np.intp], int]:
    """Of each of the 81 patterns its class: mirrored and sign-flipped ones are the same."""
    number: dict[tuple[int, ...], int] = {}
    table = np.zeros(3**TAPS, np.intp)
    for at, pattern in enumerate(product((-1, 0, 1), repeat=TAPS)):
        flipped = tuple(-one for one in pattern)
        alike = min(pattern, pattern[::-1], flipped, flipped[::-1])
        table[at] = number.setdefault(alike, len(number))
    return table, len(number)


CLASS_OF, N_CLASSES = _classes()
NOTHING = int(CLASS_OF[3**TAPS // 2])


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is known of each block, on a grid (rows, columns) of one block every 16 px.

    A block is `cells` cells of 16 px wide and high. `patterns` (rows, columns, 50) are square roots
    of shares, `light` the mean brightness, `texture` the logarithm of the coarser detail, `used`
    where there is grain to read: neither dark, nor bright, nor flat.
    """

    patterns: FloatArray
    light: FloatArray
    texture: FloatArray
    used: Flags
    cells: int


@dataclass(frozen=True, slots=True)
class GrainMap:
    """How far each cell of 16 px lies from the picture's own model, from the upper left.

    `distance` (rows, columns) is a Mahalanobis distance, averaged over the blocks that cover the
    cell; 0 where `used` says that no block could be read.
    """

    distance: FloatArray
    used: Flags
    blocks: Blocks
    directions: FloatArray

    @property
    def usual(self) -> float:
        """The median distance of the cells that were read."""
        return float(np.median(self.distance[self.used])) if self.used.any() else 0.0


def block_cells(n_px: int) -> int:
    """How many cells wide a block is: larger pictures have larger things in them."""
    return 3 if n_px <= 2_000_000 else 4 if n_px <= 6_000_000 else 6


def read_blocks(luma: FloatArray, check: Callable[[], None] = lambda: None) -> Blocks:
    """Describe the blocks of `luma` (h, w) in [0, 255]; `check` may raise to stop it."""
    cells = block_cells(luma.size)
    every = next((n for most, n in SPARSE_PX if luma.size <= most), 4)
    counts = pattern_counts(luma, every, check)
    light, texture, clipped = _plain(luma)
    plain = box_sums(np.stack([light, texture, clipped], axis=2), cells) / np.float32(cells**2)
    summed = box_sums(counts, cells)
    halves = summed.reshape(*summed.shape[:2], 2, N_CLASSES)
    shares = halves / np.maximum(halves.sum(axis=3, keepdims=True), 1)
    used = (plain[..., 0] >= DARK) & (plain[..., 0] <= BRIGHT) & (plain[..., 2] <= 0.05)
    used &= shares[..., NOTHING].min(axis=2) < FLAT
    patterns = np.sqrt(shares).reshape(summed.shape)
    return Blocks(patterns, plain[..., 0], plain[..., 1], used, cells)


def grain_map(blocks: Blocks) -> GrainMap | None:
    """Each block's distance from what most of the picture is; None where too few can be read."""
    if int(blocks.used.sum()) < LEAST_BLOCKS:
        return None
    directions = _directions(blocks.patterns[blocks.used])
    distance = np.zeros(blocks.used.shape, np.float32)
    distance[blocks.used] = distance_from_most(blocks.patterns[blocks.used] @ directions)
    spread, used = _over_cells(distance, blocks.used, blocks.cells)
    return GrainMap(spread, used, blocks, directions)


def _directions(patterns: FloatArray) -> FloatArray:
    """(50, 5): where the patterns (n, 50) of the picture differ most."""
    about = patterns - patterns.mean(axis=0)
    _, vectors = np.linalg.eigh((about.T @ about).astype(np.float64))
    chosen: FloatArray = vectors[:, ::-1][:, :KEPT_DIMENSIONS].astype(np.float32)
    return chosen


def distance_from_most(points: FloatArray) -> FloatArray:
    """Mahalanobis distances (n,) of `points` (n, d) from the Gaussian of nine tenths of them."""
    values = points.astype(np.float64)
    kept = np.ones(len(values), bool)
    squared = np.zeros(len(values))
    for _ in range(ROUNDS):
        about = values - values[kept].mean(axis=0)
        spread = about[kept].T @ about[kept] / max(1, int(kept.sum()))
        spread += np.eye(values.shape[1]) * (RIDGE * np.trace(spread) / len(spread) + 1e-12)
        squared = np.einsum("ij,jk,ik->i", about, np.linalg.inv(spread), about)
        kept = squared <= np.quantile(squared, 1 - TRIMMED)
    result: FloatArray = np.sqrt(np.maximum(squared, 0)).astype(np.float32)
    return result


def pattern_counts(
    luma: FloatArray, every: int = 1, check: Callable[[], None] = lambda: None
) -> FloatArray:
    """How often each pattern is seen in each cell of 16 px: (rows, columns, 50) float32.

    The first 25 are of horizontal third differences, the others of vertical ones; of `every` lines
    one is read.
    """
    rows, columns = luma.shape[0] // CELL_PX, luma.shape[1] // CELL_PX
    part = luma[: rows * CELL_PX, : columns * CELL_PX]
    across = _directed(part, every, check)
    down = _directed(np.ascontiguousarray(part.T), every, check).swapaxes(0, 1)
    counts: FloatArray = np.concatenate([across, down], axis=2)
    return counts


def _directed(part: FloatArray, every: int, check: Callable[[], None]) -> FloatArray:
    """(rows, columns, 25) counts of four neighbouring third differences along axis 1."""
    rows, columns = part.shape[0] // CELL_PX, part.shape[1] // CELL_PX
    n = part.shape[1] - 3 - TAPS + 1
    cell = np.arange(n, dtype=np.intp)[None, :] // CELL_PX * N_CLASSES
    counts = np.zeros((rows, columns * N_CLASSES), np.float32)
    for row in range(rows):  # one row of cells at a time: it stays in the cache
        check()
        lines = part[row * CELL_PX : (row + 1) * CELL_PX : every]
        steps = np.diff(lines, n=3, axis=1)
        levels = (steps > QUANTUM / 2).astype(np.uint8) + (steps >= -QUANTUM / 2)
        code = levels[:, :n].copy()
        for tap in range(1, TAPS):
            code = code * np.uint8(3) + levels[:, tap : tap + n]
        flat = (CLASS_OF[code] + cell).ravel()
        counts[row] = np.bincount(flat, minlength=columns * N_CLASSES)
    return counts.reshape(rows, columns, N_CLASSES)


def _plain(luma: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Brightness, coarse texture and the share of clipped pixels of each cell of 16 px."""
    rows, columns = luma.shape[0] // CELL_PX, luma.shape[1] // CELL_PX
    part = luma[: rows * CELL_PX, : columns * CELL_PX]
    quarters = part.reshape(rows * 4, 4, columns * 4, 4).mean(axis=(1, 3))
    slope = np.hypot(*np.gradient(quarters))
    clipped = ((part < DARK / 2) | (part > 252)).reshape(rows, CELL_PX, columns, CELL_PX)
    return (
        quarters.reshape(rows, 4, columns, 4).mean(axis=(1, 3)),
        np.log(slope.reshape(rows, 4, columns, 4).mean(axis=(1, 3)) + 0.3),
        clipped.mean(axis=(1, 3), dtype=np.float32),
    )


def box_sums(cells: FloatArray, size: int) -> FloatArray:
    """Sums of (rows, columns, n) over all windows of `size` x `size` cells."""
    summed = cells
    for axis in (0, 1):
        n = summed.shape[axis] - size + 1
        parts = [summed.take(np.arange(at, at + n), axis=axis) for at in range(size)]
        summed = np.add.reduce(parts)
    return summed


def _over_cells(distance: FloatArray, used: Flags, size: int) -> tuple[FloatArray, Flags]:
    """The mean over the blocks that cover each cell, of those that were read."""
    rows, columns = distance.shape
    total = np.zeros((rows + size - 1, columns + size - 1), np.float32)
    n = np.zeros(total.shape, np.float32)
    for y in range(size):
        for x in range(size):
            total[y : y + rows, x : x + columns] += distance * used
            n[y : y + rows, x : x + columns] += used
    return (total / np.maximum(n, 1)).astype(np.float32), n > 0
