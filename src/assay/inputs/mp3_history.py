"""Does plain sound lie on the grid of an earlier MP3 compression, and does that grid jump?

MP3 turns each granule of 576 samples into 576 coefficients and makes most of the small ones exactly
zero. The same transform over the decoded sound shows these zeros again, but only where it starts at
the same sample: one of 576 places stands out, and a piece that was cut out or put in stands on
another (Yang, Qu, Huang: ACM MM&Sec 2009; Bianchi et al.: 2013). The transform is that of ISO/IEC
11172-3: 32 bands of a 512-tap filter, then a transform of 36 samples and the alias reduction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

Values = NDArray[np.float64]
GRANULE = 576
N_BANDS = 32
N_LINES = 18
TESTED_BANDS = 22
"""Bands above hold little but what the encoder's low-pass left, wherever the grid starts."""
N_GRANULES = 24
PIECE = (N_GRANULES + 1) * GRANULE + 512 + N_BANDS
"""Samples that one look takes: a third of a second at 44.1 kHz."""
_ZERO = 0.8 / 32768
_LEAST_RMS = 2e-3
_ALIAS = (-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037)
# One half of the low-pass behind table 3-B.3 of ISO/IEC 11172-3 (65536 times its coefficients; the
# table turns the sign of every second 64).
_PROTOTYPE = (
    0, -1, -1, -1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -4, -4, -5, -5, -6, -7, -7, -8, -9, -10,
    -11, -13, -14, -16, -17, -19, -21, -24, -26, -29, -31, -35, -38, -41, -45, -49, -53, -58, -63,
    -68, -73, -79, -85, -91, -97, -104, -111, -117, -125, -132, -139, -147, -154, -161, -169,
    -176, -183, -190, -196, -202, -208, -213, -218, -222, -225, -227, -228, -228, -227, -224,
    -221, -215, -208, -200, -189, -177, -163, -146, -127, -106, -83, -57, -29, 2, 36, 72, 111,
    153, 197, 244, 294, 347, 401, 459, 519, 581, 645, 711, 779, 848, 919, 991, 1064, 1137, 1210,
    1283, 1356, 1428, 1498, 1567, 1634, 1698, 1759, 1817, 1870, 1919, 1962, 2001, 2032, 2057,
    2075, 2085, 2087, 2080, 2063, 2037, 2000, 1952, 1893, 1822, 1739, 1644, 1535, 1414, 1280,
    1131, 970, 794, 605, 402, 185, -45, -288, -545, -814, -1095, -1388, -1692, -2006, -2330,
    -2663, -3004, -3351, -3705, -4063, -4425, -4788, -5153, -5517, -5879, -6237, -6589, -6935,
    -7271, -7597, -7910, -8209, -8491, -8755, -8998, -9219, -9416, -9585, -9727, -9838, -9916,
    -9959, -9966, -9935, -9863, -9750, -9592, -9389, -9139, -8840, -8492, -8092, -7640, -7134,
    -6574, -5959, -5288, -4561, -3776, -2935, -2037, -1082, -70, 998, 2122, 3300, 4533, 5818,
    7154, 8540, 9975, 11455, 12980, 14548, 16155, 17799, 19478, 21189, 22929, 24694, 26482, 28289,
    30112, 31947, 33791, 35640, 37489, 39336, 41176, 43006, 44821, 46617, 48390, 50137, 51853,
    53534, 55178, 56778, 58333, 59838, 61289, 62684, 64019, 65290, 66494, 67629, 68692, 69679,
    70590, 71420, 72169, 72835, 73415, 73908, 74313, 74630, 74856, 74992, 75038,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the granules of an earlier MP3 begin: `offset` (0 to 575) samples from sample 0.

    `zeros` is the share of lines that are zero there; `score` how many standard deviations of the
    other 575 places it stands above their mean.
    """

    offset: int
    zeros: float
    score: float


@cache
def _filters() -> FloatArray:
    """(512, 32) float32: band k of the newest-first samples."""
    half = np.asarray(_PROTOTYPE, np.float64) / 65536 / 32
    low_pass = np.r_[half, half[255:0:-1]]
    phase = (2 * np.arange(N_BANDS)[None] + 1) * (np.arange(512)[:, None] - 16) * np.pi / 64
    return (low_pass[:, None] * np.cos(phase)).astype(np.float32)


@cache
def _transform() -> FloatArray:
    """(36, 18) float32: windowed samples of one band to lines."""
    at, line = np.arange(36)[:, None], np.arange(N_LINES)[None]
    window = np.sin(np.pi / 36 * (at + 0.5))
    found = window * np.cos(np.pi / 72 * (2 * at + 1 + N_LINES) * (2 * line + 1)) / 9
    return found.astype(np.float32)


def lines_of(samples: FloatArray, offset: int) -> FloatArray:
    """Lines (granules, bands, 18) of samples (n,) whose granules begin at `offset`.

    Only long windows; the alias reduction of the encoder is applied.
    """
    bands = _bands(samples, offset % N_BANDS)
    return _lines(bands, offset // N_BANDS)


def _bands(samples: FloatArray, start: int) -> FloatArray:
    """Band samples (t, 32), one for 32 samples."""
    views = np.lib.stride_tricks.sliding_window_view(samples[start:], 512)[::N_BANDS]
    found: FloatArray = views[:, ::-1] @ _filters()
    return found


def _lines(bands: FloatArray, phase: int) -> FloatArray:
    rows = bands[phase:].copy()
    rows[1::2, 1::2] *= -1  # the encoder turns every second sample of every second band
    blocks = np.lib.stride_tricks.sliding_window_view(rows, 36, axis=0)[::N_LINES]
    found = blocks[:N_GRANULES] @ _transform()
    c = np.asarray(_ALIAS, np.float32)
    keep, cross = 1 / np.sqrt(1 + c**2), c / np.sqrt(1 + c**2)
    below, above = found[:, :-1, :9:-1], found[:, 1:, :8]
    turned = below * keep + above * cross, above * keep - below * cross
    found[:, :-1, :9:-1], found[:, 1:, :8] = turned
    return found


def find_grid(samples: FloatArray) -> Grid | None:
    """The grid that stands out most in PIECE samples (n,); None where they are too few or quiet."""
    samples = np.ascontiguousarray(samples[:PIECE], np.float32)
    if (
        len(samples) < PIECE
        or float(np.sqrt((samples.astype(np.float64) ** 2).mean())) < _LEAST_RMS
    ):
        return None
    shares = np.zeros(GRANULE)
    for start in range(N_BANDS):
        bands = _bands(samples, start)
        for phase in range(N_LINES):
            shares[start + N_BANDS * phase] = _share_zero(_lines(bands, phase))
    best = int(shares.argmax())
    rest = np.delete(shares, [(best + d) % GRANULE for d in (-1, 0, 1)])
    score = float((shares[best] - rest.mean()) / (rest.std() + 1e-3))
    return Grid(best, float(shares[best]), score)


def _share_zero(lines: FloatArray) -> float:
    return float((np.abs(lines[:, :TESTED_BANDS]) < _ZERO).mean())


CERTAIN = 8.0
"""Score from which a grid counts as found; see docs/detectors/sound_history.md."""
ALONE, SUPPORT = 14.0, 5.0
"""For a place at which the grid jumps one look at 8 is too little: one in 80 files had it."""
LOOKS, MORE_LOOKS = 3, 9


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `at` is its first sample, `grid` counts from sample 0 of the whole sound."""

    at: int
    grid: Grid


def looks_of(samples: FloatArray) -> list[Look]:
    """Looks at three loud places spread over samples (n,), nine more where one finds a grid."""
    found = _look_at(samples, _places(samples, LOOKS))
    if any(one.grid.score >= CERTAIN for one in found):
        found += _look_at(samples, _places(samples, MORE_LOOKS))
    apart = {one.at: one for one in found}
    return sorted(apart.values(), key=lambda one: one.at)


def _places(samples: FloatArray, n_parts: int) -> list[int]:
    """The loudest piece of each of `n_parts` equal parts."""
    size = max(PIECE, len(samples) // n_parts)
    places = []
    for start in range(0, len(samples) - PIECE + 1, size):
        part = samples[start : start + size]
        n = len(part) // 1024
        level = np.square(part[: n * 1024]).reshape(n, 1024).mean(axis=1)
        loudest = start + 1024 * int(level.argmax()) - PIECE // 2
        places.append(int(np.clip(loudest, start, min(start + size, len(samples)) - PIECE)))
    return places


def _look_at(samples: FloatArray, places: list[int]) -> list[Look]:
    found = []
    for at in places:
        if at < 0:
            continue
        grid = find_grid(samples[at : at + PIECE])
        if grid is not None:
            offset = (grid.offset + at) % GRANULE
            found.append(Look(at, Grid(offset, grid.zeros, grid.score)))
    return found


def jumps_between(looks: list[Look]) -> list[tuple[Look, Look]]:
    """Neighbouring looks that find different grids, both certain: by a high score of their own, or
    by a second look that finds the same grid."""
    sure = [one for one in looks if one.grid.score >= CERTAIN and _is_supported(one, looks)]
    return [(a, b) for a, b in pairwise(sure) if a.grid.offset != b.grid.offset]


def _is_supported(look: Look, looks: list[Look]) -> bool:
    same = [one for one in looks if one.grid.offset == look.grid.offset and one.at != look.at]
    return look.grid.score >= ALONE or any(one.grid.score >= SUPPORT for one in same)
