"""How exactly one place of a picture lies upon another: what tells a copy from a pattern.

Windows, bricks and petals look alike, but the world puts them anywhere and at any angle. A copy
lies a whole number of pixels away, or was turned and scaled and never skewed. So the place is
fitted freely, six numbers for the plane and two for the light, by the method of Lucas and Kanade
(1981), and then it is asked how far the fit lies from what an editor would have done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.inputs.copied_regions import CopiedRegion, WorkPicture, sampled
from assay.types import Array, FloatArray

Numbers = NDArray[np.float64]
MOST_SAMPLES = 8000
ROUNDS = 8
MOST_STEP_PX = 1.5
MOST_OFF_PX = 0.12
"""A copy lies on the grid of the pixels; a pattern of the world does so by chance only."""
MOST_GAIN = 0.06
LEAST_FINE = 0.2
MOST_SKEW_PX = 0.12
LEAST_TURN_PX = 0.8
"""Below this a turned copy cannot be told from a pattern seen at a slight angle."""
MOST_TURNED_GAIN = 0.15
LEAST_TURNED_FINE = 0.5
LEAST_TURNED_MATCHES = 6
DRAWN_SHARE, DRAWN_LEVELS = 0.6, 35.0


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the one place lies at the other, in pixels of the whole picture.

    `matrix` (2, 3) takes (x, y, 1) there. Over the region, in pixels: `off_px` how far it lies from
    a shift by whole pixels, `turn_px` how much it is turned and scaled, `skew_px` how much skewed.
    `gain` is contrast over contrast, `agreement` and `fine` are correlations of the brightness and
    of its finest detail. `equal_share` is the share of pixels that are the same in all three
    colours (None: not a shift); `drawn` tells letters and other pictures of two levels.
    """

    matrix: Numbers
    off_px: float
    turn_px: float
    skew_px: float
    gain: float
    agreement: float
    fine: float
    equal_share: float | None
    drawn: bool

    @property
    def rotation_deg(self) -> float:
        """Turn from the one place to the other."""
        m = self.matrix
        return math.degrees(math.atan2(m[1, 0] - m[0, 1], m[0, 0] + m[1, 1]))

    @property
    def scale(self) -> float:
        """Size at the other place over the size at the one."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    @property
    def shifted(self) -> bool:
        """Whether it is what copying without any turn makes."""
        return (
            self.off_px < MOST_OFF_PX and abs(self.gain - 1) < MOST_GAIN and self.fine > LEAST_FINE
        )

    @property
    def turned(self) -> bool:
        """Whether it is what copying with a turn or another size makes."""
        return (
            self.skew_px < MOST_SKEW_PX
            and self.turn_px > LEAST_TURN_PX
            and abs(self.gain - 1) < MOST_TURNED_GAIN
            and self.fine > LEAST_TURNED_FINE
        )


def is_copy(region: CopiedRegion, fit: Fit) -> bool:
    """Whether a free fit comes to lie where an editor would have put it."""
    return fit.shifted or (fit.turned and region.move.n_matches >= LEAST_TURNED_MATCHES)


def fit_region(rgb: Array, work: WorkPicture, region: CopiedRegion) -> Fit:
    """The place of a region, fitted on at most 8000 of its pixels in the picture (h, w, 3)."""
    xs, ys = _samples(region, work.shrink)
    start = _in_full(region.move.matrix, work.shrink)
    matrix, gain = _fitted(work.full, xs, ys, start)
    there = _there(matrix, xs, ys)
    off_x, off_y = there[0] - xs, there[1] - ys
    shift = np.rint([off_x.mean(), off_y.mean()])
    radius = math.sqrt(float(((xs - xs.mean()) ** 2 + (ys - ys.mean()) ** 2).mean()))
    turn, skew = _turn_and_skew(matrix)
    off_px = math.sqrt(float(((off_x - shift[0]) ** 2 + (off_y - shift[1]) ** 2).mean()))
    here_values, there_values = sampled(work.full, (xs, ys)), sampled(work.full, there)
    x0, y0 = work.box_px[:2]
    whole = matrix.copy()
    whole[:, 2] += np.array([x0, y0]) - matrix[:, :2] @ np.array([x0, y0])
    equal = _equal_share(rgb, (xs + x0, ys + y0), shift) if off_px < MOST_OFF_PX else None
    return Fit(
        whole,
        off_px,
        turn * radius,
        skew * radius,
        gain,
        _correlation(here_values, there_values),
        _correlation(_fine(work.full, (xs, ys)), _fine(work.full, there)),
        equal,
        _is_drawn(here_values),
    )


def _samples(region: CopiedRegion, shrink: int) -> tuple[FloatArray, FloatArray]:
    """Whole places (x, y) of the full picture in the region, evenly thinned."""
    rows, columns = np.nonzero(region.mask)
    step = max(1, len(rows) // MOST_SAMPLES)
    xs, ys = (one[::step] * shrink + shrink // 2 for one in (columns, rows))
    return xs.astype(np.float32), ys.astype(np.float32)


def _in_full(matrix: Numbers, shrink: int) -> Numbers:
    """The matrix of a shrunken picture for the full one; pixel middles lie at half numbers."""
    moved = matrix.copy()
    half = np.full(2, (shrink - 1) / 2)
    moved[:, 2] = matrix[:, 2] * shrink + half - matrix[:, :2] @ half
    return moved


def _there(matrix: Numbers, xs: FloatArray, ys: FloatArray) -> tuple[FloatArray, FloatArray]:
    m = matrix
    there = (m[k, 0] * xs + m[k, 1] * ys + m[k, 2] for k in (0, 1))
    x, y = (np.asarray(one, np.float32) for one in there)
    return x, y


def _fitted(
    full: FloatArray, xs: FloatArray, ys: FloatArray, start: Numbers
) -> tuple[Numbers, float]:
    """The matrix that brings both places upon each other best, and the ratio of contrasts."""
    matrix, gain = start.copy(), 1.0
    middle = np.array([float(xs.mean()), float(ys.mean())])
    radius = max(1.0, math.sqrt(float(((xs - middle[0]) ** 2 + (ys - middle[1]) ** 2).mean())))
    u, v = (xs - middle[0]) / radius, (ys - middle[1]) / radius
    here = sampled(full, (xs, ys)).astype(np.float64)
    for _ in range(ROUNDS):
        slopes = _slopes(full, _there(matrix, xs, ys))
        there, across, down = slopes
        columns = [across * u, across * v, across, down * u, down * v, down, there - there.mean()]
        design = np.stack([*columns, np.ones_like(there)], axis=1).astype(np.float64)
        rest = here - there
        away = np.abs(rest - np.median(rest))
        weights = 1 / (1 + (away / (3 * np.median(away) + 1)) ** 2)
        normal = (design * weights[:, None]).T @ design
        normal[np.diag_indices(8)] += 1e-6 * np.trace(normal) / 8 + 1e-9
        step = np.linalg.solve(normal, (design * weights[:, None]).T @ rest)
        gain = 1 + float(step[6])
        by = np.clip(step[:6], -MOST_STEP_PX, MOST_STEP_PX).reshape(2, 3)
        matrix[:, :2] += by[:, :2] / radius
        matrix[:, 2] += by[:, 2] - by[:, :2] @ middle / radius
    return matrix, gain


def _slopes(
    full: FloatArray, places: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Brightness at places (x, y), clipped to the picture, and its slopes across and down."""
    height, width = full.shape
    xs, ys = np.clip(places[0], 1, width - 2), np.clip(places[1], 1, height - 2)
    across = sampled(full, (xs + 1, ys)) - sampled(full, (xs - 1, ys))
    down = sampled(full, (xs, ys + 1)) - sampled(full, (xs, ys - 1))
    half = np.float32(0.5)
    return sampled(full, (xs, ys)), across * half, down * half


def _fine(full: FloatArray, places: tuple[FloatArray, FloatArray]) -> FloatArray:
    """What the brightness at (x, y) differs from the mean of its eight neighbours' and its own."""
    height, width = full.shape
    xs, ys = np.clip(places[0], 1, width - 2), np.clip(places[1], 1, height - 2)
    near = [sampled(full, (xs + i, ys + j)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.asarray(near[4] - np.mean(near, axis=0), np.float32)


def _turn_and_skew(matrix: Numbers) -> tuple[float, float]:
    """How far the plane part lies from the identity: turned and scaled, and skewed."""
    (a, b), (c, d) = matrix[:, :2]
    return math.hypot((a + d) / 2 - 1, (c - b) / 2), max(abs(a - d), abs(b + c))


def _correlation(one: FloatArray, other: FloatArray) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = math.sqrt(float((one * one).sum()) * float((other * other).sum()))
    return float((one * other).sum()) / scale if scale > 0 else 0.0


def _equal_share(rgb: Array, places: tuple[FloatArray, FloatArray], shift: Numbers) -> float:
    xs, ys = (one.astype(np.intp) for one in places)
    there_x, there_y = xs + int(shift[0]), ys + int(shift[1])
    height, width = rgb.shape[:2]
    inside = (there_x >= 0) & (there_x < width) & (there_y >= 0) & (there_y < height)
    if not inside.any():
        return 0.0
    equal = (rgb[ys[inside], xs[inside]] == rgb[there_y[inside], there_x[inside]]).all(axis=1)
    return float(equal.mean())


def _is_drawn(values: FloatArray) -> bool:
    """Whether most of it has one of two levels far apart, as letters on paper have."""
    counts = np.sort(np.bincount((values / 16).astype(np.intp), minlength=16))[::-1]
    share = float(counts[:2].sum()) / max(1, values.size)
    return share > DRAWN_SHARE and float(values.std()) > DRAWN_LEVELS
