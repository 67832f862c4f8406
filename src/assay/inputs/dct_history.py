"""How a picture was saved before its last saving: what the histograms of its coefficients keep.

Saved with steps q1 and again with steps q2, a coefficient is a multiple of q1 that was rounded to
a multiple of q2: some values come too often, others never (Lukáš, Fridrich 2003; Popescu, Farid
2004). For each q1 the histogram is predicted from the same picture on a shifted grid, where the
first saving left nothing regular, and compared as a likelihood (Bianchi, Piva 2012, for the
comparison of single and double). A picture without a JPEG's steps is one saved last with steps
of 1, so that a JPEG kept as PNG is read in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.dct_blocks import LOW_AC, low_frequencies
from assay.inputs.jpeg_families import ijg_luma_table
from assay.types import FloatArray

MOST_STEP = 48  # the largest first step that is looked for
QUALITIES = tuple(range(30, 101))
LEAST_BLOCKS = 150
PIXEL_NOISE = 0.4  # of a coefficient, from rounding to whole values and colours between two savings
N_CLASSES, N_SCALES = 6, 6
MOST_SAMPLES = 20_000
_SHIFTS = ((4, 4), (2, 6), (6, 2))
_SPREADS = (0.8, 0.87, 0.94, 1.0, 1.06, 1.13, 1.2, 1.28, 1.37)
_BACKGROUND = 0.05  # of blocks that any history leaves unexplained
_INDEX = [8 * v + u for v, u in LOW_AC]
IntArray = NDArray[np.intp]
Model = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is compared: levels of 14 frequencies in each block, grouped by how busy they are.

    `levels` (h, w, 14) counts |coefficient| in last steps, `n_bins` where it is larger or the
    block is of no use (saturated, flat); `usable` (h, w) are the others. `classes` (h, w) is how
    busy the surroundings of a block are; `scales` (6, 6) how busy in each class; `shapes` (m, 14)
    sorted |coefficient| over busyness on shifted grids.
    """

    levels: IntArray
    n_bins: int
    steps: FloatArray
    classes: IntArray
    scales: FloatArray
    shapes: FloatArray
    noise: float
    usable: NDArray[np.bool_]
    n_usable: int


def steps_of(table: Sequence[int]) -> tuple[int, ...]:
    """The 14 steps of a quantisation table (64, in rows) in the order of the frequencies."""
    return tuple(int(table[index]) for index in _INDEX)


def blocks_of(
    values: FloatArray,
    steps: Sequence[int],
    corner: tuple[int, int] = (0, 0),
    noise: float = PIXEL_NOISE,
) -> Blocks | None:
    """Read the blocks of a brightness (h, w) whose grid starts at `corner` (down, across).

    `steps` are the 14 last steps. None where the picture is too small to tell anything.
    """
    own = values[corner[0] :, corner[1] :]
    here = low_frequencies(own)
    height, width = here.shape[0] - 1, here.shape[1] - 1
    if min(height, width) < 4 or height * width < LEAST_BLOCKS:
        return None
    usual = np.abs(here).mean(axis=(0, 1)) + 0.5
    busy = _busy(here, usual)
    around, shapes = _shifted(own, busy, usual)
    around = around[:height, :width]
    last = np.asarray(steps, np.float32)
    n_bins = int(np.clip(96 / last.mean(), 24, 72))
    levels = np.abs(np.rint(here[:height, :width] / last)).astype(np.intp)
    levels = np.minimum(levels, n_bins)
    # A block without any of the 14 keeps no history; its zeros would speak for large steps.
    usable = ((levels > 0) & (levels < n_bins)).any(axis=-1) & ~_saturated(own, height, width)
    levels[~usable] = n_bins
    places = np.quantile(around, (np.arange(N_CLASSES * N_SCALES) + 0.5) / (N_CLASSES * N_SCALES))
    cuts = np.quantile(around, np.arange(1, N_CLASSES) / N_CLASSES)
    classes = np.searchsorted(cuts, around)
    scales = np.asarray(places, np.float32).reshape(N_CLASSES, N_SCALES)
    return Blocks(levels, n_bins, last, classes, scales, shapes, noise, usable, int(usable.sum()))


def _shifted(own: FloatArray, busy: FloatArray, usual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How busy each block's surroundings are, and the shapes of shifted blocks, sorted."""
    around: FloatArray | None = None
    found: list[FloatArray] = []
    for down, across in _SHIFTS:
        there = low_frequencies(own, down, across)
        if around is None:
            around = _busy(there, usual)
        n_down, n_across = there.shape[:2]
        shapes = np.abs(there) / busy[:n_down, :n_across, None]
        flat = shapes.reshape(-1, shapes.shape[-1])
        found.append(np.asarray(flat[:: 1 + len(flat) // MOST_SAMPLES], np.float32))
        if sum(map(len, found)) >= MOST_SAMPLES // 2:
            break
    assert around is not None
    return around, np.sort(np.concatenate(found), axis=0)


def _busy(low: FloatArray, usual: FloatArray) -> FloatArray:
    """(h, w): mean size of a block's coefficients, each frequency by its own usual size."""
    return np.asarray(np.abs(low) @ (1 / (usual * usual.size)) + np.float32(0.02))


def _saturated(own: FloatArray, height: int, width: int) -> NDArray[np.bool_]:
    """Blocks that touch black or white, where clipping left other coefficients than were saved."""
    part = own[: height * 8, : width * 8]
    clipped = (part >= 254.5) | (part <= 0.5)
    rows = clipped.reshape(height, 8, width * 8).any(axis=1)
    return np.asarray(rows.reshape(height, width, 8).any(axis=2))


@dataclass(frozen=True, slots=True)
class Comparison:
    """`gains` (classes, 14, 49, n_bins + 1): how much likelier a level is after first step q1.

    Natural logarithms against a picture saved once; index 0 is that picture itself, and all zero.
    `totals` (14, 49) are sums over the picture.
    """

    gains: FloatArray
    totals: Model


def compare(blocks: Blocks) -> Comparison:
    """Predict the levels for each first step from 1 to 48 and compare them with those found."""
    n = blocks.n_bins
    gains = np.zeros((N_CLASSES, len(_INDEX), MOST_STEP + 1, n + 1), np.float32)
    totals = np.zeros((len(_INDEX), MOST_STEP + 1))
    for k in range(len(_INDEX)):
        place = (blocks.classes * (n + 1) + blocks.levels[..., k]).ravel()
        found = np.bincount(place, minlength=N_CLASSES * (n + 1)).reshape(N_CLASSES, n + 1)
        gains[:, k] = _gains(blocks, k, found)
        totals[k] = np.einsum("cn,cqn->q", found.astype(np.float64), gains[:, k])
    return Comparison(gains, totals)


def _gains(blocks: Blocks, k: int, found: IntArray) -> FloatArray:
    """(classes, 49, n_bins + 1) of one frequency."""
    n, last = blocks.n_bins, float(blocks.steps[k])
    shapes = blocks.shapes[:, k]
    scales = blocks.scales * _spread(shapes, blocks.scales, last, found)
    fineness = max(0.5, last / 20)
    grid = np.arange(0, (n + 1) * last * 1.5 + MOST_STEP, fineness)
    below = np.searchsorted(shapes, grid / scales[..., None]).mean(axis=1) / len(shapes)

    def share_below(edges: NDArray[Any]) -> Model:
        """(classes, edges): how many coefficients are smaller, before any saving."""
        at = np.clip(edges / fineness, 0, len(grid) - 1.001)
        low = at.astype(np.intp)
        part = at - low
        return np.asarray(below[:, low] * (1 - part) + below[:, low + 1] * part)

    once = np.diff(share_below((np.arange(n + 2) - 0.5) * last), axis=1)
    all_p = [once]
    for first in range(1, MOST_STEP + 1):
        n_first = int(grid[-1] / first)
        mass = np.diff(share_below((np.arange(n_first + 1) - 0.5) * first), axis=1)
        all_p.append(mass @ _transition(first, last, n, n_first, blocks.noise))
    p = np.stack(all_p, axis=1)[..., :n] + 1e-4
    p /= p.sum(axis=-1, keepdims=True)
    p = (1 - _BACKGROUND) * p + _BACKGROUND * p[:, :1]
    gains = np.zeros((*p.shape[:2], n + 1), np.float32)
    gains[..., :n] = np.log(p / p[:, :1])
    return gains


def _spread(shapes: FloatArray, scales: FloatArray, last: float, found: IntArray) -> float:
    """By how much the shifted grid understates coefficients: the factor that fits best."""
    n = found.shape[1] - 1
    edges = np.maximum((np.arange(n + 1) - 0.5) * last, 0)
    fits = []
    for factor in _SPREADS:
        at = np.searchsorted(shapes, edges / (scales[..., None] * factor)).mean(axis=1)
        p = np.diff(at / len(shapes), axis=1) + 1e-4
        fits.append(float((found[:, :n] * np.log(p / p.sum(axis=1, keepdims=True))).sum()))
    return _SPREADS[int(np.argmax(fits))]


@lru_cache(maxsize=768)
def _transition(first: int, last: float, n_bins: int, n_first: int, noise: float) -> Model:
    """(n_first, n_bins + 1): where multiples of the first step land in last steps, with noise."""
    offsets = np.linspace(-2.7, 2.7, 41)
    weights = np.exp(-(offsets**2) / 2)
    weights /= weights.sum()
    values = (np.arange(n_first) * first)[:, None] + noise * offsets
    level = np.minimum(np.abs(np.rint(values / last)).astype(np.intp), n_bins + 1)
    out = np.zeros((n_first, n_bins + 2))
    rows = np.repeat(np.arange(n_first), len(offsets))
    np.add.at(out, (rows, level.ravel()), np.tile(weights, n_first))
    return out[:, : n_bins + 1]


@dataclass(frozen=True, slots=True)
class History:
    """One way in which the picture may have been saved before: its name and 14 first steps.

    `qualities` are the IJG qualities with these steps (first, last), None for other tables.
    Steps of 0 stand for "not saved before".
    """

    name: str
    steps: tuple[int, ...]
    qualities: tuple[int, int] | None = None


ONCE = History("not saved before on this grid", (0,) * len(LOW_AC))

OTHER_TABLES = "other tables"


def known_histories(families: Mapping[str, Sequence[int]] | None = None) -> list[History]:
    """`ONCE`, all IJG qualities from 30 (those alike in the 14 steps joined), then families."""
    by_steps: dict[tuple[int, ...], list[int]] = {}
    for quality in QUALITIES:
        steps = tuple(min(step, MOST_STEP) for step in steps_of(ijg_luma_table(quality)))
        by_steps.setdefault(steps, []).append(quality)
    found = [ONCE]
    for steps, alike in by_steps.items():
        found.append(History(_quality_name(alike), steps, (alike[0], alike[-1])))
    for name, table in (families or {}).items():
        steps = steps_of(table)
        if steps not in by_steps and max(steps) <= MOST_STEP:
            by_steps[steps] = []
            found.append(History(name, steps))
    return found


def _quality_name(alike: Sequence[int]) -> str:
    if len(alike) == 1:
        return f"quality {alike[0]}"
    return f"quality {alike[0]} to {alike[-1]}"


def sums_over(gains: NDArray[Any], histories: Sequence[History]) -> NDArray[Any]:
    """(..., n_histories) from gains (..., 14, 49): each history's steps picked and summed."""
    index = np.array([one.steps for one in histories])
    out = np.zeros((*gains.shape[:-2], len(histories)), gains.dtype)
    for k in range(index.shape[1]):
        out += gains[..., k, :][..., index[:, k]]
    return out


def freest(totals: Model) -> History:
    """The history whose 14 steps each fit best by themselves, of no named family."""
    return History(OTHER_TABLES, tuple(int(best) for best in totals.argmax(axis=1)))
