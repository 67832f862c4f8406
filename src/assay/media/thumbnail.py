"""Compare a smaller picture inside a JPEG (EXIF thumbnail, preview) with the picture itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from assay.types import Array

SIDE_PX = 32
MIN_CONTRAST = 6.0
MAX_PREVIEW_SIDE_PX = 4096
SHOWN_PX, GAP_PX = 320, 8
MIN_SIDE_PX = 2
MAX_PX, MAX_PROGRESSIVE_PX = 200_000_000, 30_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike a picture and its preview are (correlation in [-1, 1]), and both side by side.

    `size_px` is the preview's; `rgb` (h, w, 3) uint8 has the picture left, the preview right.
    """

    likeness: float
    size_px: tuple[int, int]
    rgb: Array


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A JPEG decoded small, and the shape (width / height) of the whole."""

    picture: Image
    shape: float


def shrink_jpeg(path: str) -> Shrunk | None:
    """A JPEG for comparisons; None where it is too large to be decoded for this.

    Raises OSError or ValueError where it cannot be decoded.
    """
    from PIL import Image

    with Image.open(path, formats=("JPEG", "MPO")) as picture:
        n_px = picture.width * picture.height
        # A progressive one is held whole in memory while it is decoded.
        if n_px > (MAX_PROGRESSIVE_PX if picture.info.get("progressive") else MAX_PX):
            return None
        shape = picture.width / picture.height
        # The JPEG decoder shrinks while decoding, which is what keeps this quick.
        picture.draft("RGB", (SHOWN_PX, SHOWN_PX))
        return Shrunk(picture.convert("RGB"), shape)


def compare_preview(whole: Shrunk, preview: bytes, orientation: int = 1) -> Comparison | None:
    """A JPEG and a preview inside it; None where one of them is too flat or small to compare.

    Both are compared as stored (unrotated) at 32 x 32 grey, the preview also with its bars cut
    off; the best counts. `orientation` (EXIF) turns only what is shown. Raises OSError or
    ValueError where the preview cannot be decoded.
    """
    from PIL import Image

    with Image.open(io.BytesIO(preview), formats=("JPEG",)) as small:
        size = small.size
        if max(size) > MAX_PREVIEW_SIDE_PX or min(size) < MIN_SIDE_PX:
            return None
        small.draft("RGB", (SHOWN_PX, SHOWN_PX))
        inner = small.convert("RGB")
    views = (inner, _without_bars(inner, whole.shape))
    likenesses = [_correlation(_grey(whole.picture), _grey(view)) for view in views]
    known = [likeness for likeness in likenesses if likeness is not None]
    if not known:
        return None
    return Comparison(max(known), size, _beside(whole.picture, inner, orientation))


def _beside(left: Image, right: Image, orientation: int) -> Array:
    import numpy as np
    from PIL import Image

    shown = [_turned(one, orientation) for one in (left, right)]
    for at, one in enumerate(shown):
        scale = SHOWN_PX / max(one.size)
        size = (max(1, round(one.width * scale)), max(1, round(one.height * scale)))
        way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
        shown[at] = one.resize(size, way)
    height, width = max(one.height for one in shown), shown[0].width + GAP_PX + shown[1].width
    canvas = Image.new("RGB", (width, height), (255, 255, 255))
    canvas.paste(shown[0], (0, 0))
    canvas.paste(shown[1], (shown[0].width + GAP_PX, 0))
    return np.asarray(canvas)


def _turned(picture: Image, orientation: int) -> Image:
    """As viewers show it (Exif 3.0, table 6)."""
    from PIL import Image

    turn = Image.Transpose
    ways = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_270, 7: turn.TRANSVERSE, 8: turn.ROTATE_90,
    }  # fmt: skip
    return picture.transpose(ways[orientation]) if orientation in ways else picture


def _grey(picture: Image) -> Array:
    import numpy as np
    from PIL import Image

    grey = picture.convert("L").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float64)


def _without_bars(small: Image, shape: float) -> Image:
    """The middle of the preview with the picture's own shape (width / height)."""
    width, height = small.size
    inner_width, inner_height = min(width, height * shape), min(height, width / shape)
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    box = (round(left), round(top), round(left + inner_width), round(top + inner_height))
    has_area = box[2] > box[0] and box[3] > box[1]
    return small.crop(box) if has_area else small


def _correlation(first: Array, second: Array) -> float | None:
    first, second = first - first.mean(), second - second.mean()
    if min(first.std(), second.std()) < MIN_CONTRAST:
        return None
    return float((first * second).mean() / (first.std() * second.std()))
