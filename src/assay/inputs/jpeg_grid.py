"""On which grids of 8 by 8 pixels a picture was compressed, of all 64, as a whole and in parts.

On the grid of an earlier saving the coefficients gather near multiples of its steps, even after a
crop and another saving; on the other 63 they do not (Bianchi, Piva 2012, with the mean of a block;
here three frequencies, and the mean cosine of coefficient over step as the measure). What the
content does is alike on all 64 grids, so their median is what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.dct_blocks import BASIS, BLOCK_PX
from assay.types import FloatArray

FREQUENCIES = ((0, 0), (0, 1), (1, 0))
STEPS = np.arange(2, 15)  # larger ones fit periodic content by chance
SQUARE_PX = 64
TILE_PX = 2 * SQUARE_PX
LEAST_PX = 128
_FINENESS = 4  # levels a unit of a coefficient
_LEAST_BUSY = 4.0  # summed size of three low frequencies; a flat block lies on any grid
_LEAST_COUNT = 50
_MOST_LEVEL = 1100 * _FINENESS


@dataclass(frozen=True, slots=True)
class Grids:
    """How clearly each grid (down, across) was used, and with which steps.

    `strength` (8, 8) of the whole, `tiles` (n_down, n_across, 8, 8) of tiles of 128 px that lie
    64 px apart; both are near 5 to 10 by chance. `steps` (8, 8, 3) are those that fit best.
    """

    strength: FloatArray
    tiles: FloatArray
    steps: NDArray[np.intp]


def find_grids(values: FloatArray) -> Grids | None:
    """Search a brightness (h, w) in [0, 255]; None where it has fewer than 128 px a side."""
    n_down, n_across = (values.shape[0] - 7) // SQUARE_PX, (values.shape[1] - 7) // SQUARE_PX
    if min(n_down, n_across) * SQUARE_PX < LEAST_PX:
        return None
    shape = (n_down, n_across)
    whole, tiled = np.zeros((8, 8)), np.zeros((n_down - 1, n_across - 1, 8, 8))
    steps = []
    for is_mean, levels in _frequencies(values, shape):
        pairs = [_waves(int(step), is_mean) for step in STEPS]
        sums = np.stack([_square_sums(wave.take(levels), shape) for wave, _ in pairs], -1)
        if is_mean:
            n = _square_sums((levels > 0).astype(np.float32), shape)[..., None]
        else:
            n = np.stack([_square_sums(counts.take(levels), shape) for _, counts in pairs], -1)
        excess = _excess(sums.sum(axis=(0, 1)), n.sum(axis=(0, 1)))
        steps.append(STEPS[excess.argmax(axis=-1)])
        whole += excess.max(axis=-1)
        tiled += _excess(_tiles(sums), _tiles(n)).max(axis=-1)
    return Grids(
        np.asarray(whole, np.float32), np.asarray(tiled, np.float32), np.stack(steps, axis=-1)
    )


def _frequencies(
    values: FloatArray, shape: tuple[int, int]
) -> Iterator[tuple[bool, NDArray[np.intp]]]:
    """Whether it is the mean, and the coefficients of the block at each pixel in quarters."""
    height, width = shape[0] * SQUARE_PX, shape[1] * SQUARE_PX
    part = values[: height + 7, : width + 7] - np.float32(128)
    rows = [_filtered(part, BASIS[u], 1, width) for u in range(3)]
    maps = {
        (v, u): _filtered(rows[u], BASIS[v], 0, height)
        for v, u in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
    }
    busy = np.abs(maps[1, 1]) + np.abs(maps[0, 2]) + np.abs(maps[2, 0]) > _LEAST_BUSY
    for v, u in FREQUENCIES:
        own = maps[v, u]
        is_mean = (v, u) == (0, 0)
        kept = busy if is_mean else busy & (np.abs(own) > 1.0)
        yield is_mean, np.where(kept, np.rint(own * _FINENESS) + _MOST_LEVEL, 0).astype(np.intp)


def _filtered(values: FloatArray, weights: FloatArray, axis: int, length: int) -> FloatArray:
    shape = (values.shape[0], length) if axis else (length, values.shape[1])
    out = np.zeros(shape, np.float32)
    for place in range(BLOCK_PX):
        moved = values[:, place : place + length] if axis else values[place : place + length]
        out += weights[place] * moved
    return out


def _waves(step: int, is_mean: bool) -> tuple[FloatArray, FloatArray]:
    """By place: the cosine that is 1 at multiples of the step, and 1 where it counts.

    Place 0 is for what does not count. Coefficients nearer to 0 than to a step do not either: in
    smooth parts they are near 0 on every grid.
    """
    levels = np.arange(-_MOST_LEVEL, _MOST_LEVEL + 1)
    counts = np.ones(len(levels)) if is_mean else (2 * np.abs(levels) >= step * _FINENESS) * 1.0
    counts[0] = 0.0
    wave = np.cos(levels * (2 * np.pi / (step * _FINENESS))) * counts
    return np.asarray(wave, np.float32), np.asarray(counts, np.float32)


def _square_sums(values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """(n_down, n_across, 8, 8): sums over squares of 64 px, apart by grid."""
    blocks = SQUARE_PX // BLOCK_PX
    parts = values.reshape(shape[0], blocks, BLOCK_PX * shape[1] * SQUARE_PX).sum(axis=1)
    parts = parts.reshape(shape[0], BLOCK_PX, shape[1], blocks, BLOCK_PX).sum(axis=3)
    return np.asarray(parts.transpose(0, 2, 1, 3), np.float32)


def _tiles(squares: FloatArray) -> FloatArray:
    rows = squares[:-1] + squares[1:]
    return np.asarray(rows[:, :-1] + rows[:, 1:])


def _excess(sums: FloatArray, n: FloatArray) -> NDArray[np.float64]:
    """(..., 8, 8, steps) squared sums in units of chance, over twice the middle of all grids."""
    enough = n >= _LEAST_COUNT
    energy = np.maximum(sums, 0) ** 2 / np.maximum(n, 1) * enough
    usual = np.median(energy, axis=(-3, -2), keepdims=True)
    return np.asarray(np.maximum(energy - 2 * usual, 0) / (1 + usual))
