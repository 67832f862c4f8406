"""Find the visible marks that some generators stamp into the lower right corner of a picture.

Each mark is drawn here from plain shapes, and is looked for only where its program puts it: its
distance from the edges is tied to its size, so that a resized picture is still recognised, a
cropped one is not, and a star or a coloured tile elsewhere in a picture is no mark.

- the four-pointed sparkle of Google Gemini: half-transparent white, 48 px wide and 32 px from both
  edges in pictures up to 1024 px, twice that in larger ones;
- the five coloured squares of OpenAI's DALL-E 2: each 16 px in a picture of 1024 px, flush with
  the corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from assay.findings import Box
from assay.types import Array, FloatArray

# The sparkle, on a canvas that shows the last two widths of the mark at the corner.
CANVAS_PX = 96
SPARKLE_PX = 48
MARGIN_PX = 32
SHAPE = 0.7  # |x|^0.7 + |y|^0.7 = r^0.7: four points with hollow sides
REACH = 0.52  # r, in widths of the mark
RIM_PX = 6  # of the surroundings that a match takes in
SLACK_PX = 4  # on the canvas: how far from its place the mark may lie
SMALLEST_PX, LARGEST_PX, GROWTH = 14.0, 160.0, 1.05
SPARKLE_CUT = 0.82  # correlation; measured, see docs/detectors/watermarks.md

SQUARES = ((255, 255, 102), (66, 255, 255), (81, 218, 76), (255, 110, 60), (60, 70, 255))
SQUARE_SMALLEST_PX, SQUARE_LARGEST_PX, SQUARE_STEP_PX = 4.0, 40.0, 0.5
SQUARE_CUT = 36.0  # levels: the largest difference of a square's mean colour in any channel


@dataclass(frozen=True, slots=True)
class Mark:
    """A visible mark: `box_px` (x0, y0, x1, y1); `likeness` in [0, 1] is above `cut` if found."""

    name: str
    writer: str
    box_px: Box
    likeness: float
    cut: float

    @property
    def found(self) -> bool:
        """Whether the likeness reaches the measured cut."""
        return self.likeness >= self.cut


def find_marks(rgb: Array) -> list[Mark]:
    """The best place of each known mark in (h, w, 3) uint8; empty for pictures below 64 px."""
    if min(rgb.shape[:2]) < 64:
        return []
    return [best_sparkle(rgb), best_squares(rgb)]


def sparkle_template() -> FloatArray:
    """(60, 60) the sparkle as drawn here with its rim: 1 inside, 0 outside, soft at the edge."""
    finer, side = 4, SPARKLE_PX + 2 * RIM_PX
    steps = (np.arange(side * finer) + 0.5) / finer - side / 2
    x, y = np.meshgrid(np.abs(steps), np.abs(steps))
    inside = (x**SHAPE + y**SHAPE) <= (REACH * SPARKLE_PX) ** SHAPE
    template: FloatArray = inside.reshape(side, finer, side, finer).mean(axis=(1, 3), dtype="f4")
    return template


def best_sparkle(rgb: Array) -> Mark:
    """Where the lower right corner looks most like the sparkle, over all sizes it could have."""
    height, width = rgb.shape[:2]
    template = sparkle_template()
    best, box = 0.0, (0.0, 0.0, 1.0, 1.0)
    size = SMALLEST_PX
    largest = min(LARGEST_PX, min(height, width) / 2)
    corner = Image.fromarray(_corner(rgb, 2 * largest))
    while size <= largest:
        likeness, x, y = _sparkle_of_size(corner, size, template)
        if likeness > best:
            scale = 2 * size / CANVAS_PX
            x0, y0 = width - 2 * size + x * scale, height - 2 * size + y * scale
            best, box = likeness, (x0, y0, x0 + size, y0 + size)
        size *= GROWTH
    return Mark("sparkle", "Google Gemini", box, best, SPARKLE_CUT)


def _corner(rgb: Array, side_px: float) -> Array:
    side = int(np.ceil(side_px))
    return np.ascontiguousarray(rgb[max(0, len(rgb) - side) :, max(0, rgb.shape[1] - side) :])


def _sparkle_of_size(
    corner: Image.Image, size: float, template: FloatArray
) -> tuple[float, float, float]:
    """The likeness at this size, and the mark's place (x, y) on the canvas."""
    left, top = max(0.0, corner.width - 2 * size), max(0.0, corner.height - 2 * size)
    box = (left, top, float(corner.width), float(corner.height))
    canvas = corner.resize((CANVAS_PX, CANVAS_PX), Image.Resampling.BOX, box)
    # The darkest channel: white lifts all three, a coloured thing does not.
    grey = np.asarray(canvas).min(axis=2).astype(np.float32)
    first = CANVAS_PX - MARGIN_PX - SPARKLE_PX - RIM_PX - SLACK_PX
    area = grey[first : first + len(template) + 2 * SLACK_PX]
    area = area[:, first : first + len(template) + 2 * SLACK_PX]
    likeness = correlation(area, template)
    row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return float(likeness.max()), float(first + RIM_PX + column), float(first + RIM_PX + row)


def correlation(area: FloatArray, template: FloatArray) -> FloatArray:
    """Normalised correlation of the template with each place of the area; 0 where it is flat."""
    windows = np.lib.stride_tricks.sliding_window_view(area, template.shape)
    shape, n_px = windows.shape[:2], template.size
    flat = windows.reshape(-1, n_px)
    centred = (template - template.mean()).ravel()
    variance = np.einsum("ij,ij->i", flat, flat) / n_px - flat.mean(axis=1) ** 2
    scale = np.sqrt(np.maximum(variance, 1e-6) * n_px * float(centred @ centred))
    # Below one level of spread there is no shape, only rounding.
    likeness: FloatArray = np.where(variance > 1.0, flat @ centred / scale, 0.0)
    return np.clip(likeness, -1.0, 1.0).reshape(shape)


def best_squares(rgb: Array) -> Mark:
    """Where the lower right corner looks most like a row of the five coloured squares."""
    height, width = rgb.shape[:2]
    largest = min(SQUARE_LARGEST_PX, width / 5, height)
    sides = np.arange(SQUARE_SMALLEST_PX, largest + 1e-6, SQUARE_STEP_PX)
    differences = np.array([_squares_of_side(rgb, float(side)) for side in sides])
    best = float(differences.min())
    # Neighbouring sizes fit as well, for only the middles of the squares are compared.
    side = float(np.median(sides[differences <= best + 1.0]))
    box = (width - 5 * side, height - side, float(width), float(height))
    likeness, cut = 1.0 - best / 255.0, 1.0 - SQUARE_CUT / 255.0
    return Mark("coloured squares", "OpenAI DALL-E 2", box, likeness, cut)


def _squares_of_side(rgb: Array, side: float) -> float:
    """The largest difference of any square's middle from its colour, in levels."""
    height, width = rgb.shape[:2]
    rows = slice(int(height - 0.75 * side), max(int(height - 0.25 * side), 1))
    worst = 0.0
    for index, colour in enumerate(SQUARES):
        left = width - (5 - index) * side
        columns = slice(int(left + 0.25 * side), int(left + 0.75 * side))
        middle = rgb[rows, columns].reshape(-1, 3)
        if not len(middle):
            return 255.0
        worst = max(worst, float(np.abs(middle.mean(axis=0) - colour).max()))
    return worst
