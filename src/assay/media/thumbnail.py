"""Compare the small picture that EXIF carries with the picture itself."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

SIDE_PX = 32
MIN_CONTRAST = 6.0
MAX_THUMBNAIL_PX = 1024


def thumbnail_likeness(path: str, thumbnail: bytes) -> float | None:
    """The correlation of a JPEG and its EXIF thumbnail in [-1, 1]; None where it says nothing.

    Both are compared as stored (unrotated) at 32 x 32 grey, the thumbnail also with its bars cut
    off; the best counts. Raises OSError or ValueError where one cannot be decoded.
    """
    from PIL import Image

    with Image.open(path, formats=("JPEG",)) as picture:
        shape = picture.width / picture.height
        # The JPEG decoder shrinks while decoding, which is what keeps this quick.
        picture.draft("L", (SIDE_PX * 2, SIDE_PX * 2))
        whole = _grey(picture)
    with Image.open(io.BytesIO(thumbnail), formats=("JPEG",)) as small:
        if max(small.size) > MAX_THUMBNAIL_PX:
            return None
        views = [_grey(small), _grey(_without_bars(small, shape))]
    likenesses = [_correlation(whole, view) for view in views]
    known = [likeness for likeness in likenesses if likeness is not None]
    return max(known, default=None)


def _grey(picture: Image) -> NDArray:
    import numpy as np
    from PIL import Image

    grey = picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float64)


def _without_bars(small: Image, shape: float) -> Image:
    """The middle of the thumbnail with the picture's own shape (width / height)."""
    width, height = small.size
    inner_width, inner_height = min(width, height * shape), min(height, width / shape)
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    box = (round(left), round(top), round(left + inner_width), round(top + inner_height))
    has_area = box[2] > box[0] and box[3] > box[1]
    return small.crop(box) if has_area else small


def _correlation(first: NDArray, second: NDArray) -> float | None:
    first, second = first - first.mean(), second - second.mean()
    if min(first.std(), second.std()) < MIN_CONTRAST:
        return None
    return float((first * second).mean() / (first.std() * second.std()))
