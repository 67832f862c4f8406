"""Rhythms that resizing and turning leave between neighbouring pixels.

A pixel that was interpolated is foretold by its neighbours better than one that was not, and by how
much repeats with the resizing (Popescu and Farid, 2005); a fixed predictor shows the same rhythm
(Kirchner, 2008). Two directions are always resampled alike, so each peak of the spectrum must have
its twin a quarter turn away: lines of a fence or a fabric have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

TILE_PX, STEP_PX = 64, 32
MAX_PX = 2_000_000
SLOWEST = 0.07
"""Below this many cycles a pixel the picture itself has rhythms."""
GRID = 8
NEAR_BINS = 1


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The strongest peak: `excess` in units of its noise, at `across` and `down` cycles a pixel."""

    excess: float
    across: float
    down: float


def surprise(values: FloatArray) -> FloatArray:
    """How far each pixel (h, w) lies from what its eight neighbours foretell, log."""
    rest = np.zeros_like(values)
    sides = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    corners = values[:-2, :-2] + values[:-2, 2:] + values[2:, :-2] + values[2:, 2:]
    rest[1:-1, 1:-1] = np.abs(values[1:-1, 1:-1] - sides / 2 + corners / 4)
    usual = max(0.5, float(np.median(rest[::3, ::3])))
    return np.asarray(np.log(rest + np.float32(0.5 * usual)), np.float32)


def tile_powers(surprises: FloatArray) -> FloatArray:
    """Power spectra (ny, nx, 64, 33) of half overlapping tiles, each of mean one."""
    windows = np.lib.stride_tricks.sliding_window_view(surprises, (TILE_PX, TILE_PX))
    tiles = windows[::STEP_PX, ::STEP_PX]
    found = np.empty((*tiles.shape[:2], TILE_PX, TILE_PX // 2 + 1), np.float32)
    line = np.hanning(TILE_PX + 1)[:-1].astype(np.float32)
    taper = np.outer(line, line)
    for row, of_row in enumerate(tiles):
        middle = of_row - of_row.mean(axis=(1, 2), keepdims=True)
        spectra = np.fft.rfft2(middle * taper)
        power = spectra.real**2 + spectra.imag**2
        usual = power[:, told_bins()].mean(axis=1)
        # A flat tile has no rhythm: its spectrum is one everywhere.
        found[row] = (power + 1e-6) / (usual + 1e-6)[:, None, None]
    return found


@lru_cache(maxsize=1)
def told_bins() -> NDArray[np.bool_]:
    """(64, 33): frequencies that are neither slow nor multiples of an eighth, as JPEG makes."""
    down = np.abs(np.fft.fftfreq(TILE_PX))[:, None]
    across = np.fft.rfftfreq(TILE_PX)[None]
    step = TILE_PX // GRID
    near = [np.abs(f * TILE_PX - np.rint(f * GRID) * step) <= NEAR_BINS for f in (down, across)]
    return np.asarray((np.hypot(down, across) > SLOWEST) & ~(near[0] & near[1]))


@lru_cache(maxsize=1)
def _twins() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of each frequency's twin a quarter turn away, in the half spectrum."""
    rows, columns = np.indices((TILE_PX, TILE_PX // 2 + 1))
    down = np.where(rows <= TILE_PX // 2, rows, rows - TILE_PX)
    upper = down >= 0
    return np.where(upper, -columns, columns) % TILE_PX, np.abs(down)


def paired(levels: FloatArray) -> FloatArray:
    """The lower of each level (..., 64, 33) and its twin's."""
    rows, columns = _twins()
    return np.asarray(np.minimum(levels, levels[..., rows, columns]))


def whole_rhythm(powers: FloatArray) -> Rhythm:
    """The strongest pair of peaks of the picture as a whole."""
    n_tiles = powers.shape[0] * powers.shape[1]
    # The median: a part that was put in must not pass for the whole.
    usual = np.log(np.median(powers, axis=(0, 1)))
    levels = paired(np.asarray(usual - _surroundings(usual), np.float32))
    # Half overlapping tiles count about half.
    return _strongest(levels * np.float32(np.sqrt(max(1.0, n_tiles / 2))))


def _surroundings(levels: FloatArray) -> FloatArray:
    """Medians of the squares of 9 bins about each frequency."""
    rows = np.concatenate([levels[-4:], levels, levels[:4]])
    left = np.roll(rows[::-1], 1, axis=0)[:, 4:0:-1]
    right = np.roll(rows[::-1], 1, axis=0)[:, -2:-6:-1]
    padded = np.concatenate([left, rows, right], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
    return np.asarray(np.median(windows, axis=(2, 3)), np.float32)


def _strongest(levels: FloatArray) -> Rhythm:
    told = np.where(told_bins(), levels, -np.inf)
    row, column = divmod(int(told.argmax()), told.shape[1])
    down = float(np.fft.fftfreq(TILE_PX)[row])
    return Rhythm(float(told[row, column]), float(np.fft.rfftfreq(TILE_PX)[column]), down)


def local_excess(powers: FloatArray) -> FloatArray:
    """How far the strongest pair of peaks about each tile (ny, nx) exceeds the rest of the picture.

    A logarithm of powers: of three by three tiles over the usual one of all.
    """
    usual = np.median(powers, axis=(0, 1))
    levels = np.log(_with_neighbours(powers)) - np.log(usual)
    return np.asarray(paired(levels.astype(np.float32))[..., told_bins()].max(axis=-1), np.float32)


def _with_neighbours(powers: FloatArray) -> FloatArray:
    """Means over three by three tiles; edges repeat."""
    padded = np.pad(powers, ((1, 1), (1, 1), (0, 0), (0, 0)), mode="edge")
    total = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((total[:, :-2] + total[:, 1:-1] + total[:, 2:]) / 9)


def factors_of(rhythm: Rhythm) -> tuple[float, ...]:
    """Sizes over the size before, from 0.5 to 2, that give this rhythm; none where it is turned."""
    slow, fast = sorted((abs(rhythm.across), abs(rhythm.down)))
    if slow > 0.5 / TILE_PX:
        return ()
    candidates = [1 / f for f in (fast, 1 - fast, 1 + fast, 2 - fast) if f > 0]
    return tuple(sorted(round(one, 2) for one in candidates if 0.5 <= one <= 2 and one != 1))
