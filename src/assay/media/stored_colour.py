"""The colour of a JPEG as it is stored, before it is enlarged to the size of the picture."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from assay.types import FloatArray

MAX_PX = 24_000_000  # of the picture; its colour then takes 48 MB
BLUE_TO_LEVELS, RED_TO_LEVELS = 1.772, 1.402  # ITU-T T.871: what a step of Cb and Cr stands for


def stored_colour(path: Path) -> tuple[FloatArray, FloatArray] | None:
    """Blue and red minus brightness at half the size, two of (h / 2, w / 2) float32, in levels.

    Most JPEGs store colour at half size. Viewers enlarge it smoothly, which blurs it; decoding at
    half size leaves it as it is stored. None for other files, grey or CMYK ones, pictures above 24
    megapixels, and whatever cannot be decoded. The picture is not turned by its EXIF rotation.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("JPEG",)) as picture:
                return _half(picture)
    except Exception:  # hostile bytes: there is nothing to read
        return None


def _half(picture: object) -> tuple[FloatArray, FloatArray] | None:
    from PIL.JpegImagePlugin import JpegImageFile

    if not isinstance(picture, JpegImageFile) or picture.mode != "RGB":
        return None
    width, height = picture.size
    if width * height > MAX_PX or min(width, height) < 2:
        return None
    picture.draft("YCbCr", (width // 2, height // 2))
    if picture.mode != "YCbCr" or picture.size != ((width + 1) // 2, (height + 1) // 2):
        return None
    stored = np.asarray(picture).astype(np.float32) - np.float32(128)
    blue: FloatArray = stored[..., 1] * np.float32(BLUE_TO_LEVELS)
    red: FloatArray = stored[..., 2] * np.float32(RED_TO_LEVELS)
    return blue[: height // 2, : width // 2], red[: height // 2, : width // 2]
