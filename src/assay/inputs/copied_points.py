"""Places of a picture that look alike though turned or scaled: points, descriptors, and a vote.

Blobs on a pyramid, described by oriented histograms of gradients (Lowe, 2004), matched within the
picture only where a match stands out of the next best ones (Amerini et al., IEEE TIFS 2011), and
gathered into similarities by the sample consensus of Fischler and Bolles (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.copied_regions import Move, WorkPicture, blurred, even_detail
from assay.types import FloatArray

N_LEVELS = 5
STEP = 2 ** (1 / 3)
CELL_PX = 32
POINTS_A_CELL = 6
MOST_POINTS = 2400
EDGE_PX = 18
LEAST_CONTRAST = 1.0
PATCH, CELLS, BINS = 16, 4, 8
SPACING_PX = 1.25
LEAST_LIKENESS = 0.88
RATIO = 0.6
MOST_PER_POINT = 3
APART_PX = 24.0
LEAST_MATCHES = 5
MOST_MOVES, MOST_TRIES = 4, 12
TOLERANCE_PX = 3.0
LEAST_SCALE, MOST_SCALE = 0.4, 2.5
LEAST_PATCH_LIKENESS, LEAST_VOTES, MOST_VOTED = 0.75, 4, 6


@dataclass(frozen=True, slots=True)
class Points:
    """`places` (n, 2) x, y in the work picture, `angles` (n,) rad, `sizes` and `descriptors`."""

    places: FloatArray
    angles: FloatArray
    sizes: FloatArray
    descriptors: FloatArray


def find_points(values: FloatArray) -> Points:
    """Blobs of a picture (h, w), at most 2400 in all, evenly spread, with descriptors (n, 128)."""
    found: list[Points] = []
    level, size = values, 1.0
    for k in range(N_LEVELS):
        if min(level.shape) < 3 * EDGE_PX:
            break
        found.append(_points_of(level, size, MOST_POINTS // (2**k) if k else MOST_POINTS // 2))
        size *= STEP
        level = _resized(values, size)
    if not found:
        empty = np.zeros(0, np.float32)
        return Points(empty.reshape(0, 2), empty, empty, np.zeros((0, 128), np.float32))
    return Points(
        np.concatenate([one.places for one in found]),
        np.concatenate([one.angles for one in found]),
        np.concatenate([one.sizes for one in found]),
        np.concatenate([one.descriptors for one in found]),
    )


def _resized(values: FloatArray, factor: float) -> FloatArray:
    from PIL import Image

    height, width = values.shape
    size = max(1, round(width / factor)), max(1, round(height / factor))
    picture = Image.fromarray(values, mode="F")
    return np.asarray(picture.resize(size, Image.Resampling.HAMMING), np.float32)


def _points_of(level: FloatArray, size: float, most: int) -> Points:
    smooth = blurred(blurred(level, 3), 3)
    blobs = smooth - blurred(blurred(smooth, 5), 3)
    rows, columns = _peaks(blobs, most)
    across, down = np.zeros_like(smooth), np.zeros_like(smooth)
    across[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    down[1:-1] = smooth[2:] - smooth[:-2]
    angles = _orientations(across, down, rows, columns)
    descriptors = _descriptors(across, down, rows, columns, angles)
    # The middle of pixel (0, 0) of a level lies at (size - 1) / 2 of the picture.
    places = (np.stack([columns, rows], axis=1) + 0.5) * size - 0.5
    sizes = np.full(len(rows), size, np.float32)
    return Points(places.astype(np.float32), angles, sizes, descriptors)


def _peaks(
    blobs: FloatArray, most: int, cell_px: int = CELL_PX
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of local extremes that are no edges, the best six of each cell."""
    strength = np.abs(blobs)
    around = strength
    for axis in (0, 1):
        stack = around
        for by in (-2, -1, 1, 2):
            stack = np.maximum(stack, np.roll(around, by, axis))
        around = stack
    inner = np.zeros(blobs.shape, bool)
    inner[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX] = True
    rows, columns = np.nonzero((strength == around) & inner & (strength > LEAST_CONTRAST))
    told = _round_ones(blobs, rows, columns)
    rows, columns = rows[told], columns[told]
    found = strength[rows, columns]
    cell = rows // cell_px * (blobs.shape[1] // cell_px + 1) + columns // cell_px
    order = np.lexsort((-found, cell))
    ordered = cell[order]
    first = np.searchsorted(ordered, ordered)
    rank = np.arange(len(order)) - first
    kept = order[rank < POINTS_A_CELL]
    kept = kept[np.argsort(-found[kept], kind="stable")][:most]
    return rows[kept], columns[kept]


def _round_ones(
    blobs: FloatArray, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Where the curvature of one direction is at most ten times that of the other."""
    middle = blobs[rows, columns]
    xx = blobs[rows, columns + 1] + blobs[rows, columns - 1] - 2 * middle
    yy = blobs[rows + 1, columns] + blobs[rows - 1, columns] - 2 * middle
    corners = blobs[rows + 1, columns + 1] + blobs[rows - 1, columns - 1]
    xy = (corners - blobs[rows + 1, columns - 1] - blobs[rows - 1, columns + 1]) / 4
    determinant, trace = xx * yy - xy**2, xx + yy
    return np.asarray((determinant > 0) & (trace**2 < 12.1 * determinant))


def _orientations(
    across: FloatArray, down: FloatArray, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> FloatArray:
    """The main direction of the gradients around each point, rad."""
    offsets = np.arange(-8, 9)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 4.0**2)).ravel()
    dy, dx = (one.ravel() for one in np.meshgrid(offsets, offsets, indexing="ij"))
    places = (rows[:, None] + dy) * across.shape[1] + columns[:, None] + dx
    gx, gy = across.ravel()[places], down.ravel()[places]
    n_bins = 36
    turns = (np.arctan2(gy, gx) / (2 * np.pi)) % 1
    bins = (turns * n_bins).astype(np.intp) % n_bins
    strength = (np.hypot(gx, gy) * weights).ravel()
    keys = (np.arange(len(rows))[:, None] * n_bins + bins).ravel()
    found: Any = np.bincount(keys, strength, len(rows) * n_bins).reshape(-1, n_bins)
    for _ in range(3):
        found = (np.roll(found, 1, 1) + found + np.roll(found, -1, 1)) / 3
    best = found.argmax(axis=1)
    index = np.arange(len(rows))
    left, right = found[index, best - 1], found[index, (best + 1) % n_bins]
    middle = found[index, best]
    # The top of a parabola through three bins; a flat one has its top in the middle.
    curved = np.minimum(left + right - 2 * middle, -1e-9)
    by = np.clip((left - right) / (2 * curved), -0.5, 0.5)
    return np.asarray((best + 0.5 + by) / n_bins * 2 * np.pi, np.float32)


@lru_cache(maxsize=1)
def _cell_shares() -> FloatArray:
    """(256, 16): how much each sample of a patch counts in each of its sixteen cells."""
    along = (np.arange(PATCH) + 0.5) / PATCH * CELLS - 0.5
    one = np.maximum(0, 1 - np.abs(along[:, None] - np.arange(CELLS)[None]))
    weights = np.exp(-(((np.arange(PATCH) - 7.5) / 8) ** 2) / 2)
    one = one * weights[:, None]
    return np.asarray(np.einsum("ia,jb->ijab", one, one).reshape(PATCH**2, CELLS**2), np.float32)


def _descriptors(
    across: FloatArray,
    down: FloatArray,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    angles: FloatArray,
) -> FloatArray:
    """(n, 128) histograms of gradients in the point's own direction, of length one."""
    steps = (np.arange(PATCH) - (PATCH - 1) / 2) * SPACING_PX
    v, u = (one.ravel() for one in np.meshgrid(steps, steps, indexing="ij"))
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    xs = np.rint(columns[:, None] + cos * u - sin * v).astype(np.intp)
    ys = np.rint(rows[:, None] + sin * u + cos * v).astype(np.intp)
    flat = np.clip(ys, 0, across.shape[0] - 1) * across.shape[1]
    flat += np.clip(xs, 0, across.shape[1] - 1)
    gx, gy = across.ravel()[flat], down.ravel()[flat]
    strength = np.hypot(gx, gy)
    turn = ((np.arctan2(gy, gx) - angles[:, None]) / (2 * np.pi)) % 1 * BINS
    shares = _cell_shares()
    found = np.empty((len(rows), CELLS**2, BINS), np.float32)
    for k in range(BINS):
        away = np.abs((turn - k + BINS / 2) % BINS - BINS / 2)
        found[:, :, k] = (strength * np.maximum(0, 1 - away)) @ shares
    flat_found = found.reshape(len(rows), CELLS**2 * BINS)
    for _ in range(2):
        length = np.linalg.norm(flat_found, axis=1, keepdims=True)
        flat_found = np.minimum(flat_found / np.maximum(length, 1e-6), 0.2)
    length = np.linalg.norm(flat_found, axis=1, keepdims=True)
    return np.asarray(flat_found / np.maximum(length, 1e-6), np.float32)


def match_points(points: Points) -> NDArray[np.intp]:
    """Pairs (m, 2) of points far apart whose likeness stands out of the next best ones."""
    likeness = points.descriptors @ points.descriptors.T
    x, y = points.places.T
    near = (np.abs(x[:, None] - x) < APART_PX) & (np.abs(y[:, None] - y) < APART_PX)
    likeness[near] = -1
    rows = np.flatnonzero(likeness.max(axis=1, initial=-1) > LEAST_LIKENESS)
    likeness = likeness[rows]
    chosen, found = [], []
    for _ in range(MOST_PER_POINT + 1):
        best = likeness.argmax(axis=1) if likeness.size else np.zeros(0, np.intp)
        found.append(likeness[np.arange(len(rows)), best])
        chosen.append(best)
        # Neighbours of a match are the same match at another size.
        likeness[near[best]] = -1
    pairs = []
    distance = np.sqrt(np.maximum(2 - 2 * np.array(found), 0))
    stands_out = np.zeros(len(rows), bool)
    for k in range(MOST_PER_POINT - 1, -1, -1):
        stands_out |= (distance[k] < RATIO * distance[k + 1]) & (found[k] > LEAST_LIKENESS)
        pairs.append(np.stack([rows[stands_out], chosen[k][stands_out]], axis=1))
    ordered = np.sort(np.concatenate(pairs), axis=1)
    return np.unique(ordered, axis=0)


def turned_moves(work: WorkPicture) -> tuple[list[Move], int]:
    """Similarities that at least five matches agree on, the best supported first; and matches."""
    points = find_points(work.values)
    if len(points.places) < LEAST_MATCHES:
        return [], 0
    pairs = match_points(points)
    # Each pair in both directions: which place is the first is chance.
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    n_matches = len(pairs) // 2
    moves: list[Move] = []
    for _ in range(MOST_TRIES):
        if len(pairs) < LEAST_MATCHES or len(moves) == MOST_MOVES:
            break
        move, inliers = _best_move(points, pairs)
        if move is not None:
            moves.append(move)
        used = {tuple(sorted(pair)) for pair in pairs[inliers].tolist()}
        left = [pair for pair in pairs.tolist() if tuple(sorted(pair)) not in used]
        pairs = np.array(left, np.intp).reshape(-1, 2)
    return moves, n_matches


def _best_move(points: Points, pairs: NDArray[np.intp]) -> tuple[Move | None, NDArray[np.bool_]]:
    """The similarity with most matches, each match proposing one by its own turn and size.

    With it which of the matches are used up, by it or by one that is too little spread.
    """
    here, there = points.places[pairs[:, 0]], points.places[pairs[:, 1]]
    turn = points.angles[pairs[:, 1]] - points.angles[pairs[:, 0]]
    scale = points.sizes[pairs[:, 1]] / points.sizes[pairs[:, 0]]
    factor = scale * np.exp(1j * turn)
    start, end = here @ np.array([1, 1j]), there @ np.array([1, 1j])
    shift = end - factor * start
    proposals = np.arange(len(pairs))[:400]
    away = np.abs(factor[proposals, None] * start + shift[proposals, None] - end)
    reach = np.abs(start[proposals, None] - start)
    inliers = away < TOLERANCE_PX + 0.1 * np.minimum(reach, 200)
    best = inliers[int(inliers.sum(axis=1).argmax())]
    for tolerance in (2 * TOLERANCE_PX, TOLERANCE_PX, TOLERANCE_PX):
        if not _spread_out(start[best], end[best]):
            return None, best
        fitted, by = _fit(start[best], end[best])
        closer = np.abs(fitted * start + by - end) < tolerance
        if not _spread_out(start[closer], end[closer]):
            return None, best
        best = closer
    fitted, by = _fit(start[best], end[best])
    if not LEAST_SCALE < abs(fitted) < MOST_SCALE:
        return None, best
    matrix = np.array([[fitted.real, -fitted.imag, by.real], [fitted.imag, fitted.real, by.imag]])
    low, high = here[best].min(axis=0), here[best].max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Move(matrix, box, int(best.sum()), "points"), best


def _fit(start: NDArray[np.complex128], end: NDArray[np.complex128]) -> tuple[complex, complex]:
    """Least squares of end = factor · start + shift in the complex plane."""
    centred = start - start.mean()
    factor = complex(
        (end - end.mean()) @ centred.conj() / max(float(np.abs(centred @ centred.conj())), 1e-9)
    )
    return factor, complex(end.mean() - factor * start.mean())


def _spread_out(start: NDArray[np.complex128], end: NDArray[np.complex128]) -> bool:
    """Whether enough different places match: one blob at several sizes is one place."""
    distinct = {
        (round(a.real / 6), round(a.imag / 6), round(b.real / 6), round(b.imag / 6))
        for a, b in zip(start, end, strict=True)
    }
    return len(distinct) >= LEAST_MATCHES


def shifted_moves(work: WorkPicture) -> list[Move]:
    """Shifts that at least four small upright patches agree on: small copies, after compression.

    A patch says little, but two that say the same of a million shifts hardly do so by chance.
    """
    detail = blurred(even_detail(work.values), 3)
    rows, columns = _peaks(detail * 8, MOST_POINTS, CELL_PX // 2)
    if len(rows) < LEAST_VOTES:
        return []
    patches = _patches(detail, rows, columns)
    likeness = patches @ patches.T
    near = (np.abs(rows[:, None] - rows) < APART_PX) & (
        np.abs(columns[:, None] - columns) < APART_PX
    )
    likeness[near] = -1
    votes = []
    for _ in range(2):
        best = likeness.argmax(axis=1)
        told = np.flatnonzero(likeness[np.arange(len(rows)), best] > LEAST_PATCH_LIKENESS)
        other = best[told]
        ahead = rows[other] * 100_000 + columns[other] > rows[told] * 100_000 + columns[told]
        here, there = np.where(ahead, told, other), np.where(ahead, other, told)
        votes.append(np.stack([here, there], axis=1))
        likeness[np.arange(len(rows)), best] = -1
    pairs = np.unique(np.concatenate(votes), axis=0)
    return _voted(rows, columns, pairs)


def _patches(detail: FloatArray, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> FloatArray:
    """(n, 169) squares of 13 px about each point, without mean and of length one."""
    offsets = np.arange(-6, 7)
    flat = (rows[:, None, None] + offsets[:, None]) * detail.shape[1]
    found = detail.ravel()[(flat + columns[:, None, None] + offsets).reshape(len(rows), -1)]
    found = found - found.mean(axis=1, keepdims=True)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6))


def _voted(
    rows: NDArray[np.intp], columns: NDArray[np.intp], pairs: NDArray[np.intp]
) -> list[Move]:
    """The shifts with most votes, counted in squares of 3 px on four grids half a square apart."""
    here, there = pairs.T
    dy, dx = rows[there] - rows[here], columns[there] - columns[here]
    ballots: list[tuple[int, NDArray[np.bool_]]] = []
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        keys = (dy + 2 * down) // 3 * 100_000 + (dx + 2 * across) // 3
        names, counts = np.unique(keys, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:MOST_VOTED]
        ballots += [(int(counts[k]), keys == names[k]) for k in order if counts[k] >= LEAST_VOTES]
    moves: list[Move] = []
    for count, chosen in sorted(ballots, key=lambda one: -one[0]):
        by_y, by_x = float(np.median(dy[chosen])), float(np.median(dx[chosen]))
        known = ((m.matrix[0, 2] - by_x, m.matrix[1, 2] - by_y) for m in moves)
        if len(moves) == MOST_VOTED or any(abs(x) + abs(y) < 4 for x, y in known):
            continue
        matrix = np.array([[1.0, 0.0, by_x], [0.0, 1.0, by_y]])
        xs, ys = columns[here[chosen]], rows[here[chosen]]
        box = (float(xs.min()) - 6, float(ys.min()) - 6, float(xs.max()) + 7, float(ys.max()) + 7)
        moves.append(Move(matrix, box, count, "patches"))
    return moves
