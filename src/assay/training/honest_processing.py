"""What people do to a genuine picture without meaning to deceive: crop, tone, resize, send.

The other side of every forensic measure: a finding that these raise is a false alarm.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay.types import Array

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
SUBSAMPLING_ODDS = (0.25, 0.15, 0.6)
SENT_LONG_SIDES_PX = (1080, 2048)
SENT_QUALITIES = (70, 85)
SENT_SCALES = (0.6, 0.9)
"""Messengers shrink small pictures too."""


@dataclass(frozen=True, slots=True)
class Saving:
    """How a picture is saved in the end: JPEG at `quality`, or PNG where it is None."""

    quality: int | None
    subsampling: str = "4:2:0"

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return ".png" if self.quality is None else ".jpg"

    @property
    def words(self) -> str:
        """For a manifest: `q80 4:2:0` or `png`."""
        return "png" if self.quality is None else f"q{self.quality} {self.subsampling}"

    def encode(self, rgb: Array) -> bytes:
        """The bytes of the file, without any metadata; `rgb` is (h, w, 3) uint8."""
        from PIL import Image

        store, picture = io.BytesIO(), Image.fromarray(np.ascontiguousarray(rgb))
        if self.quality is None:
            picture.save(store, "PNG")
        else:
            picture.save(store, "JPEG", quality=self.quality, subsampling=self.subsampling)
        return store.getvalue()

    def again(self, rgb: Array) -> Array:
        """`rgb` after being saved so and opened again."""
        from PIL import Image

        with Image.open(io.BytesIO(self.encode(rgb))) as saved:
            return np.asarray(saved.convert("RGB"), np.uint8)


def draw_saving(
    rng: np.random.Generator, qualities: tuple[int, int], png_share: float = 0.0
) -> Saving:
    """JPEG of a quality in `qualities`, both ends included, or PNG in `png_share` of all."""
    quality = int(rng.integers(qualities[0], qualities[1] + 1))
    subsampling = str(rng.choice(SUBSAMPLINGS, p=SUBSAMPLING_ODDS))
    return Saving(None if rng.random() < png_share else quality, subsampling)


Processed = tuple[Array, str]


def cropped(rgb: Array, rng: np.random.Generator) -> Processed:
    """A part of 75 to 95 % of each side, at any offset: the blocks' grid moves."""
    height, width = rgb.shape[:2]
    h, w = (round(side * float(rng.uniform(0.75, 0.95))) for side in (height, width))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return np.ascontiguousarray(rgb[y : y + h, x : x + w]), f"{w} x {h} at {x} {y}"


def toned(rgb: Array, rng: np.random.Generator) -> Processed:
    """Brightness, contrast and gamma of the whole picture."""
    gain, lift = float(rng.uniform(0.85, 1.2)), float(rng.uniform(-14, 14))
    gamma = float(rng.uniform(0.85, 1.15))
    levels = 255 * (np.arange(256) / 255) ** gamma
    levels = np.clip((levels - 128) * gain + 128 + lift + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(levels[rgb], np.uint8), f"gain {gain:.2f}, lift {lift:.0f}, gamma {gamma:.2f}"


def resized_whole(rgb: Array, rng: np.random.Generator) -> Processed:
    """The whole picture shrunk to 0.5 to 0.9 or, one time in four, enlarged to 1.1 to 1.4."""
    is_grown = rng.random() < 0.25
    scale = float(rng.uniform(1.1, 1.4) if is_grown else rng.uniform(0.5, 0.9))
    return _scaled(rgb, scale, rng)


def sent(rgb: Array, rng: np.random.Generator) -> Processed:
    """As two services pass it on: shrunk to their longest side, saved at quality 70 to 85, twice.

    The last saving is the second service's: save the result without another.
    """
    limit = int(rng.integers(SENT_LONG_SIDES_PX[0], SENT_LONG_SIDES_PX[1] + 1))
    scale = min(1.0, limit / max(rgb.shape[:2]))
    if scale == 1.0 and rng.random() < 0.5:
        scale = float(rng.uniform(*SENT_SCALES))
    note = "not shrunk"
    if scale < 1:
        rgb, note = _scaled(rgb, scale, rng)
    first = draw_saving(rng, SENT_QUALITIES)
    return first.again(rgb), f"{note}, first {first.words}"


def _scaled(rgb: Array, scale: float, rng: np.random.Generator) -> Processed:
    from PIL import Image

    filters = Image.Resampling
    way = [filters.BILINEAR, filters.BICUBIC, filters.LANCZOS][int(rng.integers(3))]
    size = tuple(max(16, round(side * scale)) for side in rgb.shape[1::-1])
    small = Image.fromarray(np.ascontiguousarray(rgb)).resize((size[0], size[1]), way)
    return np.asarray(small, np.uint8), f"scale {scale:.3f} {way.name.lower()}"


def resaved(rgb: Array, rng: np.random.Generator) -> Processed:
    """Nothing but another saving."""
    return rgb, "saved again"


PROCESSING: dict[str, Callable[[Array, np.random.Generator], Processed]] = {
    "resaved": resaved,
    "crop": cropped,
    "tone": toned,
    "resize": resized_whole,
    "social": sent,
}


def process(
    kind: str, rgb: Array, saving: Saving, rng: np.random.Generator
) -> tuple[bytes, Saving, str]:
    """The bytes of `rgb` after one kind of `PROCESSING`, how they were saved, and a note.

    `saving` is used by all but `social`, which saves as services do.
    """
    changed, note = PROCESSING[kind](rgb, rng)
    if kind == "social":
        saving = draw_saving(rng, SENT_QUALITIES)
    return saving.encode(changed), saving, note
