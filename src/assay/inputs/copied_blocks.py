"""Translations that bring a part of a picture onto another: by equal blocks, and by an echo.

Equal blocks: hashes of 8 px squares, sorted, their distances counted (Fridrich, Soukal and Lukas,
2003, with hashes for coefficients). Echo: a shifted copy ripples the spectrum, and the cepstrum
(Bogert, Healy and Tukey, 1963) has a peak at the shift; it outlives compression.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.inputs.copied_regions import Move, WorkPicture, blurred, even_detail
from assay.types import Array, FloatArray

BLOCK_PX = 8
KEPT = 16
"""Of the blocks one in so many is kept, chosen by its own content: copies are kept as well."""
MOST_ALIKE = 6
"""More equal blocks than this are a pattern or nothing."""
LEAST_VALUES = 24
"""A block with fewer different greens is flat, saturated or drawn."""
LEAST_VOTES = 8
MOST_SHIFTS = 6
LEAST_SHIFT_PX = 24
ECHO_PX = 500_000
LEAST_ECHO = 6.0
TILE_PX = 16
LEAST_TILES = 4
_PRIMES = (np.uint32(2654435761), np.uint32(2246822519), np.uint32(3266489917))


def equal_blocks(rgb: Array, work: WorkPicture) -> list[Move]:
    """Shifts between squares that are equal in every pixel of the full picture."""
    x0, y0, x1, y1 = work.box_px
    part = rgb[y0:y1, x0:x1]
    if min(part.shape[:2]) < 2 * BLOCK_PX:
        return []
    ys, xs, groups = _alike(part)
    shifts = _shifts(ys, xs, groups)
    return [_as_move(votes, work.shrink) for votes in _most_voted(shifts)]


def _hashes(part: Array) -> NDArray[np.uint32]:
    """A hash of the square of 8 px at each place, made by doubling its side three times."""
    pixels = part.astype(np.uint32)
    hashed = pixels[..., 0] + (pixels[..., 1] << np.uint32(8)) + (pixels[..., 2] << np.uint32(16))
    for side in (1, 2, 4):
        factor = np.uint32(pow(int(_PRIMES[0]), side, 2**32))
        hashed = hashed[:, :-side] + factor * hashed[:, side:]
        # Between the doublings the bits are stirred, else a sum of products keeps patterns.
        hashed ^= hashed >> np.uint32(15)
    for side in (1, 2, 4):
        factor = np.uint32(pow(int(_PRIMES[1]), side, 2**32))
        hashed = hashed[:-side] + factor * hashed[side:]
        hashed ^= hashed >> np.uint32(13)
    hashed *= _PRIMES[2]
    hashed ^= hashed >> np.uint32(16)
    return hashed


def _alike(part: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Places (y, x) of textured squares that are there more than once, with their group."""
    hashed = _hashes(part)
    flat = np.flatnonzero((hashed & np.uint32(KEPT - 1)).ravel() == 0)
    keys = hashed.ravel()[flat]
    order = np.argsort(keys, kind="stable")
    keys, flat = keys[order], flat[order]
    first = np.r_[True, keys[1:] != keys[:-1]] if keys.size else np.zeros(0, bool)
    groups = np.cumsum(first) - 1
    size = np.bincount(groups, minlength=1)[groups]
    told = (size > 1) & (size <= MOST_ALIKE)
    flat, groups = flat[told], groups[told]
    ys, xs = np.divmod(flat, hashed.shape[1])
    textured = _n_values(part[..., 1], ys, xs) >= LEAST_VALUES
    return ys[textured], xs[textured], groups[textured]


def _n_values(green: Array, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many different values each square has."""
    offsets = np.arange(BLOCK_PX)
    squares = green[ys[:, None, None] + offsets[:, None], xs[:, None, None] + offsets]
    ordered = np.sort(squares.reshape(len(ys), BLOCK_PX**2), axis=1)
    return np.asarray((np.diff(ordered, axis=1) != 0).sum(axis=1) + 1)


def _shifts(
    ys: NDArray[np.intp], xs: NDArray[np.intp], groups: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Rows (dy, dx, y, x), one a pair of equal squares, from the upper to the lower one."""
    rows = []
    for apart in range(1, MOST_ALIKE):
        same = groups[apart:] == groups[:-apart]
        dy, dx = ys[apart:] - ys[:-apart], xs[apart:] - xs[:-apart]
        same &= np.hypot(dy, dx) >= LEAST_SHIFT_PX
        rows.append(np.stack([dy, dx, ys[:-apart], xs[:-apart]], axis=1)[same])
    return np.concatenate(rows).astype(np.int64)


def _most_voted(shifts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    if not len(shifts):
        return []
    keys = shifts[:, 0] * 2**32 + shifts[:, 1]
    names, counts = np.unique(keys, return_counts=True)
    best = np.argsort(-counts, kind="stable")[:MOST_SHIFTS]
    return [shifts[keys == names[k]] for k in best if counts[k] >= LEAST_VOTES]


def _as_move(votes: NDArray[np.int64], shrink: int) -> Move:
    dy, dx = votes[0, :2] / shrink
    matrix = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    (y0, x0), (y1, x1) = votes[:, 2:].min(axis=0), votes[:, 2:].max(axis=0) + BLOCK_PX
    box = (x0 / shrink, y0 / shrink, x1 / shrink, y1 / shrink)
    return Move(matrix, box, len(votes), "exact")


def echoes(work: WorkPicture) -> list[Move]:
    """Shifts of which the cepstrum has a peak and at which squares of 16 px agree."""
    detail = even_detail(work.values)
    height, width = (_easy(size) for size in detail.shape)
    if min(height, width) < 4 * TILE_PX:
        return []
    moves = []
    for dy, dx in _echo_peaks(detail[:height, :width]):
        move = _agreeing_tiles(detail, dy, dx)
        if move is not None:
            moves.append(move)
    return moves


def _easy(size: int) -> int:
    """The largest even size up to this one whose only prime factors are 2, 3 and 5."""
    for candidate in range(size // 2 * 2, 1, -2):
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
    return 1


def _echo_peaks(detail: FloatArray) -> list[tuple[int, int]]:
    """(dy, dx) of the strongest peaks of the cepstrum, both signs of a wrapped shift."""
    height, width = detail.shape
    power = np.log(np.abs(np.fft.rfft2(detail)) + 1e-3)
    ripple = power - blurred(power, 15)
    # Narrow lines are periodic patterns, JPEG's blocks among them; a copy ripples everywhere.
    ripple = np.clip(ripple, -2.0, 1.0)
    cepstrum = np.fft.irfft2(ripple, s=detail.shape)
    near = LEAST_SHIFT_PX
    rows, columns = np.arange(height), np.arange(width)
    close = (
        np.minimum(rows, height - rows)[:, None] ** 2 + np.minimum(columns, width - columns) ** 2
    )
    cepstrum[close < near**2] = 0
    noise = float(np.sqrt((cepstrum**2).mean()))
    best = np.argpartition(cepstrum.ravel(), -4 * MOST_SHIFTS)[-4 * MOST_SHIFTS :]
    best = best[np.argsort(-cepstrum.ravel()[best])]
    found: list[tuple[int, int]] = []
    for k in best:
        dy, dx = divmod(int(k), width)
        if cepstrum[dy, dx] < LEAST_ECHO * noise or dy > height // 2:
            continue
        signs = [(dy, dx), (dy, dx - width), (dy - height, dx), (dy - height, dx - width)]
        found += [
            one for one in signs if all(abs(one[0] - o[0]) + abs(one[1] - o[1]) > 2 for o in found)
        ]
    return found[: 4 * MOST_SHIFTS]


def _agreeing_tiles(detail: FloatArray, dy: int, dx: int) -> Move | None:
    """The shift with the box of the tiles that agree, None where hardly any does."""
    height, width = detail.shape
    y0, y1, x0, x1 = max(0, -dy), min(height, height - dy), max(0, -dx), min(width, width - dx)
    if min(y1 - y0, x1 - x0) < 2 * TILE_PX:
        return None
    here = detail[y0:y1, x0:x1]
    there = detail[y0 + dy : y1 + dy, x0 + dx : x1 + dx]
    shared = _tiles(here * there)
    scale = np.sqrt(_tiles(here * here) * _tiles(there * there))
    agree = (shared > 0.6 * scale) & (scale > 0.15 * TILE_PX**2)
    rows, columns = np.nonzero(agree & _has_neighbours(agree))
    if len(rows) < LEAST_TILES:
        return None
    box = (
        x0 + float(columns.min()) * TILE_PX,
        y0 + float(rows.min()) * TILE_PX,
        x0 + float(columns.max() + 1) * TILE_PX,
        y0 + float(rows.max() + 1) * TILE_PX,
    )
    matrix = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])
    return Move(matrix, box, len(rows), "dense")


def _tiles(values: FloatArray) -> FloatArray:
    height, width = (size // TILE_PX for size in values.shape)
    cut = values[: height * TILE_PX, : width * TILE_PX]
    cut = cut.reshape(height, TILE_PX, width, TILE_PX)
    return np.asarray(cut.sum(axis=1).sum(axis=-1))


def _has_neighbours(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where at least two of the eight neighbours are set."""
    padded = np.pad(mask.astype(np.int8), 1)
    across = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray(across[:-2] + across[1:-1] + across[2:] - mask >= 2)
