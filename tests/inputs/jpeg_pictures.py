"""Pictures with a known JPEG history: textured, never compressed, then saved as told."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image

from assay.types import Array, FloatArray


@lru_cache(maxsize=8)
def textured(height: int = 512, width: int = 512, seed: int = 0) -> Array:
    """Noise with the spectrum of a photograph, (h, w, 3) uint8; never compressed."""
    random = np.random.default_rng(seed)
    white = np.fft.fft2(random.normal(size=(height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    pink = np.fft.ifft2(white / np.maximum(frequency, 1 / 64) ** 1.1).real
    grey = 128 + 45 * pink / pink.std()
    tint = np.stack([grey + 4, grey, grey - 6], axis=2) + random.normal(0, 1, (height, width, 3))
    out = np.clip(np.rint(tint), 2, 253).astype(np.uint8)
    out.flags.writeable = False
    return out


def saved(rgb: Array, quality: int) -> bytes:
    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "JPEG", quality=quality)
    return store.getvalue()


def opened(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def resaved(rgb: Array, quality: int) -> Array:
    return opened(saved(rgb, quality))


def luma(data: bytes) -> FloatArray:
    """The brightness plane of a JPEG as the decoder gives it."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.draft("L", picture.size)
        return np.asarray(picture, np.float32)


def grey(rgb: Array) -> FloatArray:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114]), np.float32)


def with_part(rest: Array, part: Array, box: tuple[int, int, int, int]) -> Array:
    """`rest` with the same place of `part` in it; `box` is (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    out = rest.copy()
    out[y0:y1, x0:x1] = part[y0:y1, x0:x1]
    return out
