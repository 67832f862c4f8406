"""JPEG ghosts (Farid 2009): what of a picture changes unlike the rest when it is saved again.

A part that was once saved at a lower quality changes least when saved at that quality again; a
part put into a picture that was saved so does not, where the rest does. Both are a difference to
the picture's own median. The saving is imitated on the 14 lowest frequencies of each block, which
is the same up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.inputs.dct_blocks import BLOCK_PX, low_frequencies
from assay.inputs.dct_history import steps_of
from assay.inputs.jpeg_families import ijg_luma_table
from assay.types import FloatArray

QUALITIES = (45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95)  # the first and last only compare
MOST_CELLS = 10_000
LARGE_PX = 3_000_000
_GHOST_QUANTILE = 0.98
_LEAST_DIP = 0.03  # that is drawn as bright as can be; smaller ones are noise
_FLAT = 0.05  # squared units: cells that hardly change at any quality are flat


@dataclass(frozen=True, slots=True)
class Ghosts:
    """`values` (h, w) in [0, 1], 1 where saving at `quality` acts least as elsewhere, by cells."""

    values: FloatArray
    quality: int
    cell_px: int


def find_ghosts(values: FloatArray, corner: tuple[int, int] = (0, 0)) -> Ghosts | None:
    """The quality at which parts differ most from the rest, and how much; None if small."""
    thinned = 1 + (values.size > LARGE_PX)  # of a large picture every second block will do
    low = low_frequencies(values, *corner)[::thinned, ::thinned]
    size = max(2, int(np.ceil((low.shape[0] * low.shape[1] / MOST_CELLS) ** 0.5)))
    down, across = low.shape[0] // size, low.shape[1] // size
    if min(down, across) < 3:
        return None
    low = low[: down * size, : across * size]
    changes = np.stack([_change(low, quality, size) for quality in QUALITIES])
    least, most = changes.min(axis=0), changes.max(axis=0)
    relative = (changes - least) / np.maximum(most - least, _FLAT)
    relative[:, most - least < _FLAT] = np.median(relative)
    # Change falls with quality everywhere; a ghost is where it is lower than on both sides of it.
    dips = np.minimum(relative[:-2], relative[2:]) - relative[1:-1]
    # The whole picture was saved at some quality too: only what differs from most of it stands out.
    unlike = np.abs(dips - np.median(dips, axis=(1, 2), keepdims=True))
    usual = np.median(unlike, axis=(1, 2)) + _LEAST_DIP
    chosen = int((np.quantile(unlike, _GHOST_QUANTILE, axis=(1, 2)) / usual).argmax())
    most = max(float(np.quantile(unlike[chosen], 0.995)), _LEAST_DIP)
    shown = np.asarray(np.clip(unlike[chosen] / most, 0, 1), np.float32)
    return Ghosts(shown, QUALITIES[chosen + 1], size * thinned * BLOCK_PX)


def _change(low: FloatArray, quality: int, size: int) -> FloatArray:
    """Mean squared change a coefficient in cells of `size` blocks, smoothed over neighbours."""
    steps = np.asarray(steps_of(ijg_luma_table(quality)), np.float32)
    change = np.square(low - np.rint(low / steps) * steps).mean(axis=-1)
    down, across = low.shape[0] // size, low.shape[1] // size
    cells = change.reshape(down, size, across, size).mean(axis=(1, 3))
    padded = np.pad(cells, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9, np.float32)
