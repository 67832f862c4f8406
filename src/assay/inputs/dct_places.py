"""Where in a picture another saving went before: each place's likelihood under every history.

A picture saved twice as a whole has one history everywhere. A part pasted in, painted in or saved
by itself has another: its coefficients lie on other multiples (Lin et al. 2009; Bianchi, Piva
2012). The part where another history explains the coefficients better is given with by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.dct_blocks import BLOCK_PX
from assay.inputs.dct_history import N_CLASSES, Blocks, Comparison, History, sums_over
from assay.types import FloatArray

MOST_CELLS = 5000
MOST_TRIED = 4  # other histories whose places are traced


@dataclass(frozen=True, slots=True)
class Place:
    """A part with another history than the rest of the picture.

    `cells` (h, w) marks it; `gain` is the log-likelihood it gains with its own history, in sum,
    `per_block` a block with any say. `box` (x0, y0, x1, y1) counts pixels from the grid's corner.
    """

    history: History
    rest: History
    cells: NDArray[np.bool_]
    gain: float
    per_block: float
    n_blocks: int
    box: tuple[int, int, int, int]

    @property
    def fill(self) -> float:
        """The share of its box that the part fills."""
        down, across = np.nonzero(self.cells)
        area = (int(np.ptp(down)) + 1) * (int(np.ptp(across)) + 1)
        return float(self.cells.sum()) / area

    @property
    def share(self) -> float:
        """The share of the picture that the part covers."""
        return float(self.cells.mean())


@dataclass(frozen=True, slots=True)
class Places:
    """`gains` (h, w): by how much the most telling other history is likelier, a block.

    Positive where it is, of cells of `cell_px` pixels. `best` is the clearest part, if any.
    """

    gains: FloatArray
    cell_px: int
    best: Place | None


def find_places(
    blocks: Blocks, compared: Comparison, histories: Sequence[History]
) -> tuple[Places, int]:
    """The clearest part with another history, and which history the whole picture has."""
    per_cell, weight, size = _by_cell(blocks, compared)
    sums = sums_over(per_cell, histories)
    whole = int(sums_over(compared.totals, histories).argmax())
    more = sums - sums[..., whole : whole + 1]
    smooth = _smoothed(more)
    order = np.argsort(-np.maximum(smooth, 0).sum(axis=(0, 1)))
    found: list[tuple[float, int, NDArray[np.bool_]]] = []
    for other in order[:MOST_TRIED]:
        part = largest_part(smooth[..., other], more[..., other])
        if part is not None and other != whole:
            found.append((float(more[part, other].sum()), int(other), part))
    per_block = smooth / np.maximum(_smoothed(weight[..., None]), 0.25)
    if not found:
        empty = np.zeros(smooth.shape[:2], np.float32)
        return Places(empty, size * BLOCK_PX, None), whole
    gain, other, part = max(found, key=lambda one: one[0])
    n_blocks = int(weight[part].sum())
    place = Place(
        histories[other],
        histories[whole],
        part,
        gain,
        gain / max(1, n_blocks),
        n_blocks,
        _box(part, size * BLOCK_PX),
    )
    return Places(np.asarray(per_block[..., other], np.float32), size * BLOCK_PX, place), whole


def _by_cell(blocks: Blocks, compared: Comparison) -> tuple[FloatArray, FloatArray, int]:
    """(h, w, 14, 49) sums over cells of blocks, usable blocks a cell, and a cell's side."""
    height, width, n_steps = blocks.levels.shape
    size = max(2, int(np.ceil((height * width / MOST_CELLS) ** 0.5)))
    down, across = height // size, width // size
    levels = blocks.levels[: down * size, : across * size]
    classes = blocks.classes[: down * size, : across * size]
    rows = np.arange(down * size) // size
    cell = (rows[:, None] * across + np.arange(across * size) // size).astype(np.int32)
    n = blocks.n_bins + 1
    base = (cell * N_CLASSES + classes) * n
    out = np.zeros((down * across, n_steps, compared.gains.shape[2]), np.float32)
    for k in range(n_steps):
        count = np.bincount(
            (base + levels[..., k]).ravel(), minlength=down * across * N_CLASSES * n
        )
        table = compared.gains[:, k].transpose(0, 2, 1).reshape(N_CLASSES * n, -1)
        out[:, k] = count.reshape(down * across, -1).astype(np.float32) @ table
    usable = blocks.usable[: down * size, : across * size]
    weight = np.bincount(cell.ravel(), weights=usable.ravel(), minlength=down * across)
    shape = (down, across)
    return (
        out.reshape(*shape, n_steps, -1),
        np.asarray(weight.reshape(shape), np.float32),
        size,
    )


def _smoothed(values: NDArray[Any]) -> NDArray[Any]:
    """Means over three by three cells of (h, w, n)."""
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9)


def largest_part(smooth: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Of the connected parts where `smooth` (h, w) is positive, that with most weight; or None."""
    best, best_sum = None, 0.0
    left = smooth > 0
    for start in zip(*np.nonzero(left), strict=True):
        if not left[start]:
            continue
        cells = _connected(left, (int(start[0]), int(start[1])))
        total = float(sum(weights[cell] for cell in cells))
        if total > best_sum:
            best, best_sum = cells, total
    if best is None:
        return None
    part = np.zeros(smooth.shape, bool)
    part[tuple(np.array(best).T)] = True
    return part


def _connected(left: NDArray[np.bool_], start: tuple[int, int]) -> list[tuple[int, int]]:
    """The cells connected to `start`, each taken out of `left`."""
    height, width = left.shape
    found, open_cells = [], [start]
    left[start] = False
    while open_cells:
        y, x = open_cells.pop()
        found.append((y, x))
        for there in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= there[0] < height and 0 <= there[1] < width and left[there]:
                left[there] = False
                open_cells.append(there)
    return found


def _box(part: NDArray[np.bool_], cell_px: int) -> tuple[int, int, int, int]:
    down, across = np.nonzero(part)
    x0, y0 = int(across.min()) * cell_px, int(down.min()) * cell_px
    return x0, y0, (int(across.max()) + 1) * cell_px, (int(down.max()) + 1) * cell_px
