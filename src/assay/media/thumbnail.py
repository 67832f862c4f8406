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
LOCAL_SIDE_PX, WINDOW_PX, MIN_WINDOW_CONTRAST = 48, 8, 8.0
MAX_PREVIEW_SIDE_PX = 4096
SHOWN_PX, GAP_PX = 320, 8
MIN_SIDE_PX = 2
MAX_PX, MAX_PROGRESSIVE_PX = 200_000_000, 30_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike a picture and its preview are (correlation in [-1, 1]), and both side by side.

    `least_alike` is the likeness of the window (a sixth of each side) that is least alike, 1 where
    no window has contrast, and `where` that window as shares (x0, y0, x1, y1) of the picture as a
    viewer shows it. `size_px` is the preview's; `rgb` (h, w, 3) uint8 has the picture left, the
    preview right.
    """

    likeness: float
    least_alike: float
    where: tuple[float, float, float, float]
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
    likenesses = [
        (likeness, view)
        for view in (inner, _without_bars(inner, whole.shape))
        if (likeness := _correlation(_grey(whole.picture), _grey(view))) is not None
    ]
    if not likenesses:
        return None
    likeness, best = max(likenesses, key=lambda one: one[0])
    first, second = _grey(whole.picture, LOCAL_SIDE_PX), _grey(best, LOCAL_SIDE_PX)
    least, row, column = _least_alike(first, second)
    where = _turned_window(row, column, orientation)
    beside = _beside(whole.picture, inner, orientation)
    return Comparison(likeness, least, where, size, beside)


def _least_alike(first: Array, second: Array) -> tuple[float, int, int]:
    """The smallest correlation of two windows (with contrast in both), and its corner."""
    import numpy as np

    means = [_windows(one) for one in (first, second, first**2, second**2, first * second)]
    variances = means[2] - means[0] ** 2, means[3] - means[1] ** 2
    shared = means[4] - means[0] * means[1]
    clear = np.minimum(*variances) > MIN_WINDOW_CONTRAST**2
    spread = np.sqrt(np.maximum(variances[0] * variances[1], 1e-9))
    alike = np.where(clear, shared / spread, 1.0)
    row, column = np.unravel_index(int(alike.argmin()), alike.shape)
    return float(alike.min()), int(row), int(column)


def _windows(values: Array) -> Array:
    """The mean of each window, by its corner."""
    import numpy as np

    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = WINDOW_PX
    return (sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / n**2


def _turned_window(row: int, column: int, orientation: int) -> tuple[float, float, float, float]:
    from PIL import Image

    mask = Image.new("L", (LOCAL_SIDE_PX, LOCAL_SIDE_PX))
    mask.paste(255, (column, row, column + WINDOW_PX, row + WINDOW_PX))
    box = _turned(mask, orientation).getbbox() or (0, 0, LOCAL_SIDE_PX, LOCAL_SIDE_PX)
    x0, y0, x1, y1 = (side / LOCAL_SIDE_PX for side in box)
    return x0, y0, x1, y1


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


def _grey(picture: Image, side_px: int = SIDE_PX) -> Array:
    import numpy as np
    from PIL import Image

    grey = picture.convert("L").resize((side_px, side_px), Image.Resampling.BOX)
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
