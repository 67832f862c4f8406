"""Self-blended images: one face blended with a slightly changed copy of itself.

Source: Shiohara and Yamasaki, CVPR 2022. Added to the recipe: copies that pass through 48–160 px
(what the small decoders of face-swap programs leave), through JPEG, and through a little blur.
"""

from __future__ import annotations

import numpy as np

from assay.media.resample import resaved
from assay.training.forgeries.forgery import Forgery
from assay.training.forgeries.masks import HULL_KINDS, HULL_WEIGHTS, hull_mask, soften
from assay.types import Array, FloatArray


def self_blend(rgb: Array, landmarks_px: FloatArray, rng: np.random.Generator) -> Forgery:
    """Blend a face with a changed copy of itself.

    The change of colour, sharpness or resolution falls on the blended copy or on what surrounds
    it, with equal odds, so that neither blur nor colour alone tells the label.
    """
    kind = str(rng.choice(HULL_KINDS, p=HULL_WEIGHTS))
    mask = hull_mask(landmarks_px, kind, rgb.shape[:2])
    changed = change_statistics(rgb, face_side(landmarks_px), rng)
    source, target = (changed, rgb) if rng.random() < 0.5 else (rgb, changed)
    source, mask = shift_copy(source, mask, face_side(landmarks_px), rng)
    mask = soften(mask, rng)
    return Forgery(blend(source, target, mask), target, mask, f"self_blend/{kind}")


def face_side(landmarks_px: FloatArray) -> float:
    """The longer side of the landmarks' box, in px."""
    return float((landmarks_px.max(axis=0) - landmarks_px.min(axis=0)).max())


def blend(source: Array, target: Array, mask: FloatArray) -> Array:
    """mask * source + (1 - mask) * target, rounded to uint8."""
    weight = mask[..., None]
    mixed = source.astype(np.float32) * weight + target.astype(np.float32) * (1 - weight)
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def change_statistics(rgb: Array, side_px: float, rng: np.random.Generator) -> Array:
    """A copy with other colours, brightness, and sharpness or resolution."""
    out = rgb.astype(np.float32)
    if rng.random() < 0.4:
        out = out + rng.uniform(-20, 20, 3).astype(np.float32)
    if rng.random() < 0.8:
        gain, offset = rng.uniform(0.88, 1.12), rng.uniform(-0.1, 0.1) * 255
        mean = out.mean()
        out = (out - mean) * gain + mean + offset * rng.random()
    changed = np.asarray(np.clip(out, 0, 255), np.uint8)
    if rng.random() < 0.3:
        changed = _shift_hue(changed, rng)
    way = rng.random()
    if way < 0.45:
        return _coarser(changed, side_px, rng)
    if way < 0.7:
        return _sharpened(changed, float(rng.uniform(0.2, 0.9)))
    if way < 0.85:
        return _blurred(changed, float(rng.uniform(0.4, 1.6)) * max(1.0, side_px / 200))
    return resaved(changed, int(rng.integers(40, 92)))


def _shift_hue(rgb: Array, rng: np.random.Generator) -> Array:
    import cv2

    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + rng.integers(-6, 7)) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.8, 1.2), 0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)


def _coarser(rgb: Array, side_px: float, rng: np.random.Generator) -> Array:
    import cv2

    height, width = rgb.shape[:2]
    # Small decoders draw the face at 48-160 px; never more than a quarter of the detail is lost.
    factor = float(np.clip(rng.uniform(48, 160) / side_px, 0.25, 0.75))
    down = int(rng.choice([cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST], p=[0.5, 0.3, 0.2]))
    up = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    size = (max(2, round(width * factor)), max(2, round(height * factor)))
    small = cv2.resize(rgb, size, interpolation=down)
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def _sharpened(rgb: Array, amount: float) -> Array:
    import cv2

    smooth = cv2.GaussianBlur(rgb, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(rgb, 1 + amount, smooth, -amount, 0), np.uint8)


def _blurred(rgb: Array, sigma: float) -> Array:
    import cv2

    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


def shift_copy(
    source: Array, mask: FloatArray, side_px: float, rng: np.random.Generator
) -> tuple[Array, FloatArray]:
    """Move and scale the copy with its mask by up to 3 % across, 1.5 % down, 5 % in size."""
    import cv2

    height, width = mask.shape
    scale = rng.uniform(0.95, 1 / 0.95)
    dx, dy = rng.uniform(-0.045, 0.045) * side_px, rng.uniform(-0.03, 0.03) * side_px
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-1.5, 1.5), scale)
    matrix = matrix + np.array([[0, 0, dx], [0, 0, dy]])
    moved = cv2.warpAffine(
        source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    moved_mask = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8), np.asarray(moved_mask, np.float32)
