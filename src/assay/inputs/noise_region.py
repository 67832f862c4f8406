"""One region of a map of noise that stands out, and how far it does so beside its texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.noise_map import CELL_PX, GrainMap
from assay.types import FloatArray

Flags = NDArray[np.bool_]
LEAST_SHARE, MOST_SHARE = 0.01, 0.4
LEAST_CELLS = 6
CUTS = np.linspace(0.5, 0.97, 48)
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class StandingOut:
    """The largest connected part of what stands out, on the map's grid.

    `cells` (rows, columns) marks it, `share` is its part of the map, `filled` its part of its own
    box, `concentrated` its part of all that stands out. `apart` says how many standard deviations
    its grain lies from what brightness and texture predict there from the rest of the picture.
    """

    cells: Flags
    share: float
    filled: float
    concentrated: float
    apart: float

    def box_px(self, offset_px: tuple[int, int] = (0, 0)) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) about it, in pixels of the picture; `offset_px` is the map's corner."""
        return box_of(self.cells, CELL_PX, offset_px)


def standing_out(grain: GrainMap) -> StandingOut | None:
    """The largest region above the cut that parts the map best (Otsu), None where there is none."""
    cut = best_cut(grain.distance[grain.used])
    hot = grain.used & (grain.distance > cut)
    cells = largest_part(hot)
    if int(cells.sum()) < LEAST_CELLS:
        return None
    return StandingOut(
        cells,
        share=float(cells.mean()),
        filled=filled(cells),
        concentrated=float(cells.sum() / hot.sum()),
        apart=_apart(grain, cells),
    )


def best_cut(values: FloatArray) -> float:
    """The value that parts the upper 3 to 50 % from the rest with the most variance between."""
    ordered = np.sort(values.astype(np.float64))
    n = len(ordered)
    below = np.clip((CUTS * n).astype(int), 1, max(1, n - 1))
    total = np.cumsum(ordered)
    low = total[below - 1] / below
    high = (total[-1] - total[below - 1]) / np.maximum(1, n - below)
    between = below / n * (1 - below / n) * (high - low) ** 2
    return float(ordered[below[int(between.argmax())] - 1])


def _apart(grain: GrainMap, cells: Flags) -> float:
    """Mahalanobis distance of the region's mean from the rest, after brightness and texture.

    0 where the region or the rest is too small to say.
    """
    blocks = grain.blocks
    rows, columns = blocks.used.shape
    shift = blocks.cells // 2
    inside = cells[shift : shift + rows, shift : shift + columns] & blocks.used
    outside = blocks.used & ~inside
    points = blocks.patterns @ grain.directions
    if inside.sum() < LEAST_CELLS or outside.sum() < 2 * LEAST_CELLS:
        return 0.0
    given = _given(blocks.light, blocks.texture)
    kept, told = given[outside].astype(np.float64), points[outside].astype(np.float64)
    ridge = RIDGE * len(kept) * np.eye(kept.shape[1])
    weights = np.linalg.solve(kept.T @ kept + ridge, kept.T @ told)
    left = told - kept @ weights
    spread = left.T @ left / len(left)
    spread += np.eye(len(spread)) * (RIDGE * np.trace(spread) + 1e-12)
    gap = (points[inside] - given[inside] @ weights).mean(axis=0) - left.mean(axis=0)
    return float(np.sqrt(max(0.0, gap @ np.linalg.solve(spread, gap))))


def _given(light: FloatArray, texture: FloatArray) -> FloatArray:
    """(rows, columns, 5): one, brightness and texture and their squares, evened out."""
    columns = [np.ones_like(light)]
    for plain in (light, texture):
        even = (plain - plain.mean()) / (plain.std() + 1e-6)
        columns += [even, even**2 - 1]
    return np.stack(columns, axis=2)


def largest_part(flags: Flags) -> Flags:
    """The largest connected part (side by side) of `flags` (rows, columns)."""
    rows, columns = flags.shape
    left = flags.copy()
    best: list[tuple[int, int]] = []
    for start in zip(*np.nonzero(flags), strict=True):
        if not left[start]:
            continue
        left[start] = False
        found = [(int(start[0]), int(start[1]))]
        for y, x in found:  # it grows while it is walked
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < rows and 0 <= u < columns and left[v, u]:
                    left[v, u] = False
                    found.append((v, u))
        if len(found) > len(best):
            best = found
    part = np.zeros_like(flags)
    if best:
        part[tuple(np.array(best).T)] = True
    return part


def filled(cells: Flags) -> float:
    """The part of its own box that a region fills, 0 for none."""
    if not cells.any():
        return 0.0
    x0, y0, x1, y1 = box_of(cells, 1)
    return float(cells.sum() / ((x1 - x0) * (y1 - y0)))


def box_of(
    cells: Flags, cell_px: int, offset_px: tuple[int, int] = (0, 0)
) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) about the marked cells of `cell_px` each."""
    rows, columns = np.nonzero(cells.any(axis=1))[0], np.nonzero(cells.any(axis=0))[0]
    x, y = offset_px
    return (
        float(x + columns[0] * cell_px),
        float(y + rows[0] * cell_px),
        float(x + (columns[-1] + 1) * cell_px),
        float(y + (rows[-1] + 1) * cell_px),
    )
