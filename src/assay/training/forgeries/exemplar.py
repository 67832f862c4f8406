"""Fill a hole with patches of the same picture, from coarse to fine.

Source: Wexler et al., "Space-Time Video Completion", CVPR 2004 (patches that vote); Barnes et al.,
"PatchMatch", SIGGRAPH 2009 (finding them by propagation and random search).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.errors import InputError
from assay.types import Array, FloatArray

REACH_PX = 3
PASSES = 4
SEARCHES = 3
SMALLEST_SIDE_PX = 24

Places = NDArray[np.intp]
Hole = NDArray[np.bool_]


def fill_by_patches(rgb: Array, hole: Hole, rng: np.random.Generator) -> Array:
    """`rgb` (h, w, 3) uint8 with `hole` (h, w) filled by pixels from around it.

    Patches are taken from a window that reaches the hole's own size beyond it on each side.
    Raises InputError where the picture has no whole patch outside the hole.
    """
    rows, columns = np.nonzero(hole)
    if not len(rows):
        return rgb.copy()
    reach = max(int(np.ptp(rows)), int(np.ptp(columns)), 32) + 1
    part = np.s_[
        max(0, rows.min() - reach) : rows.max() + reach + 1,
        max(0, columns.min() - reach) : columns.max() + reach + 1,
    ]
    out = rgb.copy()
    drawn = _complete(rgb[part].astype(np.float32), hole[part], rng)
    out[part][hole[part]] = np.clip(np.rint(drawn[hole[part]]), 0, 255).astype(np.uint8)
    return out


def _complete(rgb: FloatArray, hole: Hole, rng: np.random.Generator) -> FloatArray:
    import cv2

    levels = _levels(rgb, hole)
    current, gap = levels[-1]
    start = cv2.inpaint(current.astype(np.uint8), gap.astype(np.uint8), 3, cv2.INPAINT_TELEA)
    current = np.where(gap[..., None], start, current).astype(np.float32)
    sources: FloatArray | None = None
    for picture, gap in reversed(levels):
        if current.shape != picture.shape:
            size = (gap.shape[1], gap.shape[0])
            enlarged = cv2.resize(current, size, interpolation=cv2.INTER_LINEAR)
            current = np.where(gap[..., None], enlarged, picture).astype(np.float32)
        current, sources = _Level(current, gap, rng).refined(sources)
    return current


def _levels(rgb: FloatArray, hole: Hole) -> list[tuple[FloatArray, Hole]]:
    """The picture and its hole, halved while patches are left to fill it with; finest first."""
    import cv2

    levels = [(rgb, hole)]
    while min(hole.shape) >= 2 * SMALLEST_SIDE_PX and hole.sum() > 64:
        size = (hole.shape[1] // 2, hole.shape[0] // 2)
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
        share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        hole = np.asarray(share > 0)
        if not _patches(hole)[1].any():
            break
        levels.append((rgb, hole))
    return levels


def _patches(hole: Hole) -> tuple[Hole, Hole]:
    """The middles of whole patches that touch the hole, and of those that do not."""
    import cv2

    side = 2 * REACH_PX + 1
    near = cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    whole = np.zeros(hole.shape, np.bool_)
    whole[REACH_PX:-REACH_PX, REACH_PX:-REACH_PX] = True
    return np.asarray(near & whole), np.asarray(whole & ~near)


@dataclass(slots=True)
class _Level:
    """One size of the picture: `picture` (h, w, 3) with its hole filled as well as yet known."""

    picture: FloatArray
    hole: Hole
    rng: np.random.Generator

    def refined(self, coarser: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """The picture with the hole redrawn, and each pixel's source (h, w, 2) as (y, x)."""
        touching, allowed = _patches(self.hole)
        if not allowed.any():
            raise InputError("The hole leaves no whole patch to fill it with.")
        targets = np.argwhere(touching)
        field = self._start(coarser, allowed)
        for last in (False,) * (PASSES - 1) + (True,):
            distances = self._search(field, targets, allowed)
            self._vote(field, targets, distances, last)
        return self.picture, field.astype(np.float32)

    def _start(self, coarser: FloatArray | None, allowed: Hole) -> Places:
        """A source for every pixel: the coarser level's, doubled, or any at random."""
        import cv2

        height, width = self.hole.shape
        pool = np.argwhere(allowed)
        field = pool[self.rng.integers(len(pool), size=(height, width))]
        if coarser is not None:
            doubled = cv2.resize(coarser, (width, height), interpolation=cv2.INTER_NEAREST) * 2
            grid = np.indices((height, width)).transpose(1, 2, 0)
            doubled = np.rint(doubled).astype(np.intp) + grid % 2
            doubled = np.clip(doubled, 0, (height - 1, width - 1))
            good = allowed[doubled[..., 0], doubled[..., 1]]
            field = np.where(good[..., None], doubled, field)
        return np.asarray(field, np.intp)

    def _search(self, field: Places, targets: Places, allowed: Hole) -> FloatArray:
        """Improve the targets' sources in place; gives their distances, (n,)."""
        limit = np.array(self.hole.shape) - 1
        best = field[targets[:, 0], targets[:, 1]]
        distances = self._distances(targets, best)
        reach = max(self.hole.shape)
        for _ in range(SEARCHES):
            tried = []
            for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                beside = np.clip(targets - step, 0, limit)
                tried.append(field[beside[:, 0], beside[:, 1]] + step)
            radius = float(reach)
            while radius >= 1:
                away = self.rng.uniform(-radius, radius, best.shape)
                tried.append(best + np.rint(away).astype(np.intp))
                radius /= 3
            for sources in tried:
                sources = np.clip(sources, 0, limit)
                good = allowed[sources[:, 0], sources[:, 1]]
                new = np.full(len(targets), np.inf, np.float32)
                new[good] = self._distances(targets[good], sources[good])
                better = new < distances
                best[better], distances[better] = sources[better], new[better]
            field[targets[:, 0], targets[:, 1]] = best
        return distances

    def _distances(self, targets: Places, sources: Places) -> FloatArray:
        """Mean squared differences of two lists of patches, (n,)."""
        total = np.zeros(len(targets), np.float32)
        for dy in range(-REACH_PX, REACH_PX + 1, 2):
            for dx in range(-REACH_PX, REACH_PX + 1, 2):
                a = self.picture[targets[:, 0] + dy, targets[:, 1] + dx]
                b = self.picture[sources[:, 0] + dy, sources[:, 1] + dx]
                total += ((a - b) ** 2).sum(axis=1)
        return total / np.float32(3 * (REACH_PX + 1) ** 2)

    def _vote(self, field: Places, targets: Places, distances: FloatArray, last: bool) -> None:
        """Redraw the hole: each patch votes for what it covers, the likeliest loudest.

        The last time only the nearest patches vote: averages over many would blur the filling.
        """
        sources = field[targets[:, 0], targets[:, 1]]
        spread = max(float(np.percentile(distances, 75)), 1.0)
        loudness = np.exp(-distances / spread).astype(np.float32)[:, None] + np.float32(1e-6)
        total, weight = np.zeros_like(self.picture), np.zeros((*self.hole.shape, 1), np.float32)
        reach = 0 if last else REACH_PX
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                y, x = targets[:, 0] + dy, targets[:, 1] + dx
                total[y, x] += loudness * self.picture[sources[:, 0] + dy, sources[:, 1] + dx]
                weight[y, x] += loudness
        drawn = self.hole & (weight[..., 0] > 0)
        self.picture[drawn] = (total / np.maximum(weight, 1e-9))[drawn]
