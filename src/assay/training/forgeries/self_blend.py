"""Self-blended images: one face blended with a slightly changed copy of itself.

Source: Shiohara and Yamasaki, CVPR 2022. Added to the recipe: copies that pass through 48–160 px
(what the small decoders of face-swap programs leave), through JPEG, and through a little blur; and
a genuine twin that is resampled as often as not, because the copy always is, and "smoother than
its twin" would otherwise be the label in four pairs of five.
"""

from __future__ import annotations

import numpy as np

from assay.media.resample import resaved
from assay.training.forgeries.blending import blend, restore_detail
from assay.training.forgeries.faces import face_of, face_side
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.masks import HULL_KINDS, HULL_WEIGHTS, hull_mask, soften
from assay.training.forgeries.warping import draw_interpolation, moved, resampled_in_place
from assay.types import Array, FloatArray

__all__ = ["FORGER", "blend", "change_statistics", "face_side", "self_blend", "shift_copy"]


def self_blend(rgb: Array, landmarks_px: FloatArray, rng: np.random.Generator) -> Forgery:
    """Blend a face with a changed copy of itself.

    The change of colour, sharpness or resolution falls on the blended copy or on what surrounds
    it, with equal odds, so that neither blur nor colour alone tells the label.
    """
    kind = str(rng.choice(HULL_KINDS, p=HULL_WEIGHTS))
    mask = hull_mask(landmarks_px, kind, rgb.shape[:2])
    changed = change_statistics(rgb, face_side(landmarks_px), rng)
    source, target = (changed, rgb) if rng.random() < 0.5 else (rgb, changed)
    interpolation = draw_interpolation(rng)
    source, mask = shift_copy(source, mask, face_side(landmarks_px), interpolation, rng)
    if rng.random() < 0.5:
        target = resampled_in_place(target, interpolation, rng)
    mask = soften(mask, rng)
    fake = blend(source, target, mask)
    # A weak mask lays two shifted pictures over each other, which smooths nine pairs in ten.
    if mask.max() < 0.9 and rng.random() < 0.9:
        fake = restore_detail(fake, target, mask, rng)
    return Forgery(fake, target, mask, f"self_blend/{kind}")


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
    factor = float(np.clip(rng.uniform(48, 160) / max(side_px, 1.0), 0.25, 0.75))
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
    source: Array,
    mask: FloatArray,
    side_px: float,
    interpolation: int,
    rng: np.random.Generator,
) -> tuple[Array, FloatArray]:
    """Move and scale the copy with its mask by up to 4.5 % across, 3 % down, 5 % in size."""
    import cv2

    height, width = mask.shape
    scale = rng.uniform(0.95, 1 / 0.95)
    dx, dy = rng.uniform(-0.045, 0.045) * side_px, rng.uniform(-0.03, 0.03) * side_px
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-1.5, 1.5), scale)
    matrix = (matrix + np.array([[0, 0, dx], [0, 0, dy]])).astype(np.float32)
    moved_mask = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return moved(source, np.asarray(matrix, np.float32), interpolation), np.asarray(
        moved_mask, np.float32
    )


def _make(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    return self_blend(*face_of(subject), rng)


FORGER = Forger(
    name="self_blend",
    title="Face blended with a changed copy of itself",
    kind="face_altered",
    needs="face",
    source="Shiohara and Yamasaki, CVPR 2022 (arXiv 2204.08376), with the hull kinds of Li et al., "
    "CVPR 2020 (arXiv 1912.13458); own code, Apache-2.0",
    make=_make,
)
