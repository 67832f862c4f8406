"""The brightness of a picture as the file stores it: not turned, not converted, its grid in place.

Traces of compression lie in the stored picture. Of a JPEG, the decoder gives the brightness plane
itself, so no colour conversion rounds it; of other formats it is weighed from red, green and blue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import UnsupportedMediaError
from assay.findings import Box
from assay.media.files import printable, reopen
from assay.media.image import decoding, open_picture, orientation, refuse_large, to_rgb
from assay.media.sniff import FORMATS
from assay.types import Array, FloatArray, Media

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PX = 16_000_000  # of one picture: 64 MB as float32
GRID_PX = 8
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as JPEG weighs them
_TRANSPOSED = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class StoredLuma:
    """`values` (h, w) float32 in [0, 255]: the part `box_px` of the stored picture.

    `box_px` (x0, y0, x1, y1) begins at multiples of 8. `size_px` (width, height) is as stored,
    `orientation` the EXIF orientation. `exact` where the values are the decoder's own plane.
    """

    values: FloatArray
    box_px: tuple[int, int, int, int]
    size_px: tuple[int, int]
    orientation: int = 1
    exact: bool = False

    @property
    def whole(self) -> bool:
        """Whether the part is the whole picture."""
        return self.box_px == (0, 0, *self.size_px)


def middle_window(width: int, height: int, max_px: int = MAX_PX) -> tuple[int, int, int, int]:
    """The middle of a picture with at most `max_px`, its corner on multiples of 8, shape kept."""
    if width * height <= max_px:
        return 0, 0, width, height
    shrink = (max_px / (width * height)) ** 0.5
    across = min(width, max(GRID_PX, int(width * shrink)))
    down = min(height, max(GRID_PX, max_px // across))
    across = min(width, max(across, max_px // down))
    x0 = (width - across) // 2 // GRID_PX * GRID_PX
    y0 = (height - down) // 2 // GRID_PX * GRID_PX
    return x0, y0, x0 + across, y0 + down


def read_stored_luma(
    media: Media, max_megapixels: float = 200.0, max_px: int = MAX_PX
) -> StoredLuma:
    """Decode the stored brightness of a picture, of its middle where it has more than `max_px`.

    Raises TooLargeError from the header alone, UnsupportedMediaError for truncated and damaged
    files, whose missing part would be taken for a trace, and the errors of `reopen`.
    """
    if {"truncated", "damaged"} & set(media.notes):
        raise UnsupportedMediaError(f"{printable(media.name)} is not complete.")
    with reopen(media) as file:
        picture = open_picture(file, FORMATS[media.container])
        refuse_large(picture.size, max_megapixels, media.name)
        turn = orientation(picture)
        with decoding(f"The picture {printable(media.name)}"):
            plane, exact = _plane(picture)
    height, width = plane.shape[:2]
    box = middle_window(width, height, max_px)
    part = plane[box[1] : box[3], box[0] : box[2]]
    values = np.asarray(part if part.ndim == 2 else part @ _LUMA, np.float32)
    return StoredLuma(np.ascontiguousarray(values), box, (width, height), turn, exact)


def luma_of_rgb(rgb: Array, max_px: int = MAX_PX) -> StoredLuma:
    """The same of a decoded picture (h, w, 3) uint8, for a frame of a video."""
    height, width = rgb.shape[:2]
    box = middle_window(width, height, max_px)
    part = rgb[box[1] : box[3], box[0] : box[2]]
    values = np.matmul(part, _LUMA, dtype=np.float32)
    return StoredLuma(values, box, (width, height))


def _plane(picture: Picture) -> tuple[Array, bool]:
    """(h, w) uint8 of the decoder, or (h, w, 3) where colours must be weighed; and whether exact.

    Pillow's draft mode asks libjpeg for the brightness plane alone, which also spares the colour.
    """
    if picture.format in ("JPEG", "MPO") and picture.mode in ("RGB", "L"):
        was_colour = picture.mode == "RGB"
        picture.draft("L", picture.size)
        picture.load()
        if picture.mode == "L":
            stored = not was_colour or picture.info.get("adobe_transform", 1) != 0
            return np.asarray(picture, np.uint8), stored
    decoded = getattr(picture, "decoded", None)  # libheif's pictures decode themselves
    if decoded is not None:
        return to_rgb(decoded()), False
    picture.load()
    return to_rgb(picture), False


def as_viewed(values: FloatArray, value: int) -> FloatArray:
    """A map (h, w) over the stored picture, turned as EXIF orientation `value` shows it."""
    turned = values.T if value in _TRANSPOSED else values
    across, down = _flips(value)
    turned = turned[:, ::-1] if across else turned
    turned = turned[::-1] if down else turned
    return np.ascontiguousarray(turned)


def box_as_viewed(box_px: Box, size_px: tuple[int, int], value: int) -> Box:
    """A box (x0, y0, x1, y1) of a stored picture of `size_px`, as orientation `value` shows it."""
    x0, y0, x1, y1 = box_px
    width, height = size_px
    if value in _TRANSPOSED:
        x0, y0, x1, y1 = y0, x0, y1, x1
        width, height = height, width
    across, down = _flips(value)
    if across:
        x0, x1 = width - x1, width - x0
    if down:
        y0, y1 = height - y1, height - y0
    return x0, y0, x1, y1


def _flips(value: int) -> tuple[bool, bool]:
    """Whether an orientation, after its transposition, mirrors across and down."""
    if value in _TRANSPOSED:
        return value in (6, 7), value in (7, 8)
    return value in (2, 3), value in (3, 4)
