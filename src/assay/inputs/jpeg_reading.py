"""One picture's JPEG history read from its pixels: last grid, earlier savings, deviating parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.inputs.dct_blocks import LOW_AC
from assay.inputs.dct_history import (
    LEAST_BLOCKS,
    ONCE,
    OTHER_TABLES,
    PIXEL_NOISE,
    Blocks,
    History,
    blocks_of,
    compare,
    freest,
    known_histories,
    steps_of,
    sums_over,
)
from assay.inputs.dct_places import Places, find_places
from assay.inputs.jpeg_digits import benford_gap
from assay.inputs.jpeg_families import named_families
from assay.inputs.jpeg_grid import SQUARE_PX, TILE_PX, Grids, find_grids
from assay.types import FloatArray

GRID_MAX_PX = 1_000_000  # all 64 grids are searched in the middle of a larger picture
MOST_LAST_STEP = 10  # of the mean: beyond it the last saving hides all earlier grids
MOST_LOW_STEP = 40  # of the 14 frequencies: beyond it too few levels are left (quality 30)
ONES = (1,) * len(LOW_AC)
# Cuts, measured on pristine files: docs/detectors/jpeg_history.md.
GRID_STRENGTH = 20.0
TWICE_PER_BLOCK, STRONG_STEPS = 1.0, 6.0
OTHER_GRID_STRENGTH = 20.0
SHIFTED_NOISE = 1.8  # of the last rounding of low steps, as it appears on another grid
OTHER_PER_BLOCK = 0.3
TILE_STRENGTH, NEAR_STRENGTH = 30.0, 10.0
PLACE_GAIN, PLACE_PER_BLOCK, PLACE_BLOCKS = 400.0, 2.0, 40
PLACE_SHARE, PLACE_FILL = 0.6, 0.3
TILE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Saving:
    """An earlier saving: how, how much likelier than none (a block), from how many blocks."""

    history: History
    per_block: float
    n_blocks: int
    clear: bool


@dataclass(frozen=True, slots=True)
class OtherGrid:
    """A grid (down, across) beside the last one, how clear it is, and the saving it came from."""

    corner: tuple[int, int]
    strength: float
    saving: Saving | None


@dataclass(frozen=True, slots=True)
class GridPlace:
    """A part with a grid of its own: `tiles` (n_down, n_across) marks it, `box` in pixels."""

    corner: tuple[int, int]
    strength: float
    tiles: NDArray[np.bool_]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class JpegReading:
    """What was read; boxes count pixels of the brightness given, from its own corner.

    `corner` is the last grid (down, across), None where the pixels show none. `tile_map` is the
    clearest foreign grid's strength in each tile of 128 px, 64 px apart, from `tiles_at` (x, y).
    `digit_gap` is how far first digits lie from Benford's law, of a JPEG file only.
    """

    corner: tuple[int, int] | None
    corner_strength: float | None
    n_blocks: int
    saving: Saving | None = None
    places: Places | None = None
    other_grid: OtherGrid | None = None
    grid_place: GridPlace | None = None
    tile_map: FloatArray | None = None
    tiles_at: tuple[int, int] = (0, 0)
    digit_gap: float | None = None

    @property
    def place_is_clear(self) -> bool:
        """Whether the part with another history is told."""
        best = self.places.best if self.places else None
        return (
            best is not None
            and best.gain >= PLACE_GAIN
            and best.per_block >= PLACE_PER_BLOCK
            and best.n_blocks >= PLACE_BLOCKS
            and best.share <= PLACE_SHARE
            and best.fill >= PLACE_FILL
        )

    @property
    def rest_is_named(self) -> bool:
        """Whether the rest around the part has the steps of one quality or of a known table.

        Brightness and contrast changed after decoding leave steps that are nobody's, and parts
        that keep them differently.
        """
        best = self.places.best if self.places else None
        return best is not None and best.rest.name not in (ONCE.name, OTHER_TABLES)


def read_jpeg_history(
    values: FloatArray,
    last_table: tuple[int, ...] | None,
    check: Callable[[], None] = lambda: None,
) -> JpegReading:
    """Read a stored brightness (h, w); `last_table` (64, in rows) is that of a JPEG file.

    Without one the last grid is searched for, and steps of 1 stand for the lossless file.
    """
    part, x0, y0 = _middle(values)
    hidden = last_table is not None and last_table[0] > MOST_LAST_STEP
    grids = None if hidden else find_grids(part)
    check()
    corner: tuple[int, int] | None = (0, 0)
    strength = None
    if last_table is None:
        corner, strength = _last_grid(grids)
    if corner is None:
        return JpegReading(None, strength, 0)
    steps = ONES if last_table is None else tuple(max(1, one) for one in steps_of(last_table))
    blocks = blocks_of(values, steps, corner) if max(steps) <= MOST_LOW_STEP else None
    # The stronger the last saving, the fewer levels are left to judge by.
    cut = TWICE_PER_BLOCK * max(1.0, float(np.mean(steps)) / STRONG_STEPS)
    saving, places = _aligned(blocks, cut)
    check()
    gap = benford_gap(blocks.levels, blocks.n_bins) if blocks and last_table else None
    n_blocks = blocks.n_usable if blocks else 0
    reading = JpegReading(corner, strength, n_blocks, saving, places, digit_gap=gap)
    return reading if grids is None else _with_grids(reading, values, grids, steps, (x0, y0))


def _middle(values: FloatArray) -> tuple[FloatArray, int, int]:
    height, width = values.shape
    if height * width <= GRID_MAX_PX:
        return values, 0, 0
    shrink = (GRID_MAX_PX / (height * width)) ** 0.5
    across = min(width, max(256, int(width * shrink)))
    down = min(height, max(256, GRID_MAX_PX // across))
    across = min(across, GRID_MAX_PX // down)
    x0, y0 = (width - across) // 16 * 8, (height - down) // 16 * 8
    return values[y0 : y0 + down, x0 : x0 + across], x0, y0


def _last_grid(grids: Grids | None) -> tuple[tuple[int, int] | None, float | None]:
    if grids is None:
        return None, None
    strength = float(grids.strength.max())
    down, across = divmod(int(grids.strength.argmax()), 8)
    return ((down, across) if strength >= GRID_STRENGTH else None), strength


def _aligned(blocks: Blocks | None, cut: float) -> tuple[Saving | None, Places | None]:
    """The saving before the last one on the same grid, and parts with another one."""
    if blocks is None or blocks.n_usable < LEAST_BLOCKS:
        return None, None
    compared = compare(blocks)
    histories = known_histories(named_families())
    own = freest(compared.totals)
    named = float(sums_over(compared.totals, histories).max())
    free = float(sums_over(compared.totals, [own])[0])
    if free - named > 0.5 * blocks.n_usable and free > 1.2 * named:
        histories = [*histories, own]
    places, whole = find_places(blocks, compared, histories)
    total = float(sums_over(compared.totals, histories)[whole])
    per_block = total / blocks.n_usable
    clear = per_block >= cut
    return Saving(histories[whole], per_block, blocks.n_usable, clear), places


def _with_grids(
    reading: JpegReading,
    values: FloatArray,
    grids: Grids,
    steps: tuple[int, ...],
    at: tuple[int, int],
) -> JpegReading:
    """Add what the other 49 grids show; those in line with the last one repeat it."""
    down, across = reading.corner or (0, 0)
    strength, tiles = grids.strength.copy(), grids.tiles.copy()
    strength[down], strength[:, across] = 0, 0
    tiles[:, :, down], tiles[:, :, :, across] = 0, 0
    other = None
    if float(strength.max()) >= OTHER_GRID_STRENGTH:
        found = divmod(int(strength.argmax()), 8)
        corner = ((found[0] + at[1]) % 8, (found[1] + at[0]) % 8)
        other = OtherGrid(corner, float(strength.max()), _other_saving(values, corner, steps))
    place = _grid_place(tiles, at)
    if other is not None and place is not None and place.corner == other.corner:
        # The same grid nearly everywhere is the whole picture's; in few parts it is theirs.
        other, place = (other, None) if place.tiles.mean() > TILE_SHARE else (None, place)
    tile_map = np.asarray(tiles.max(axis=(2, 3)), np.float32)
    return replace(reading, other_grid=other, grid_place=place, tile_map=tile_map, tiles_at=at)


def _other_saving(
    values: FloatArray, corner: tuple[int, int], steps: tuple[int, ...]
) -> Saving | None:
    """The saving on another grid, seen through the noise that the last one added."""
    added = SHIFTED_NOISE * float(np.mean(np.square(steps)) / 12) ** 0.5 if max(steps) > 1 else 0.0
    blocks = blocks_of(values, ONES, corner, float(np.hypot(PIXEL_NOISE, added)))
    if blocks is None or blocks.n_usable < LEAST_BLOCKS:
        return None
    totals = compare(blocks).totals
    histories = known_histories(named_families())
    sums = sums_over(totals, histories)
    per_block = float(sums.max()) / blocks.n_usable
    clear = per_block >= OTHER_PER_BLOCK
    return Saving(histories[int(sums.argmax())], per_block, blocks.n_usable, clear)


def _grid_place(tiles: FloatArray, at: tuple[int, int]) -> GridPlace | None:
    """The clearest foreign grid that a tile and one beside it agree on."""
    down, across, v, u = (int(k) for k in np.unravel_index(int(tiles.argmax()), tiles.shape))
    own = tiles[:, :, v, u]
    if own[down, across] < TILE_STRENGTH:
        return None
    part = _around(own >= NEAR_STRENGTH, down, across)
    if part.sum() < 2:
        return None
    rows, columns = np.nonzero(part)
    box = (
        int(columns.min()) * SQUARE_PX + at[0],
        int(rows.min()) * SQUARE_PX + at[1],
        int(columns.max()) * SQUARE_PX + TILE_PX + at[0],
        int(rows.max()) * SQUARE_PX + TILE_PX + at[1],
    )
    corner = ((v + at[1]) % 8, (u + at[0]) % 8)
    return GridPlace(corner, float(own[down, across]), part, box)


def _around(marked: NDArray[np.bool_], down: int, across: int) -> NDArray[np.bool_]:
    """The marked tiles connected to one."""
    part = np.zeros_like(marked)
    part[down, across] = True
    while True:
        grown = part.copy()
        grown[1:] |= part[:-1]
        grown[:-1] |= part[1:]
        grown[:, 1:] |= part[:, :-1]
        grown[:, :-1] |= part[:, 1:]
        grown &= marked
        if (grown == part).all():
            return part
        part = grown
