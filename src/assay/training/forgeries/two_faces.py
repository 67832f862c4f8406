"""Blend another person's face into this one (Li et al., "Face X-ray", CVPR 2020)."""

from __future__ import annotations

import numpy as np

from assay.training.forgeries.forgery import Forgery
from assay.training.forgeries.masks import hull_mask, soften
from assay.training.forgeries.self_blend import blend, change_statistics, face_side
from assay.types import Array, FloatArray

TWO_FACE_HULLS = ("oval", "inner", "lower", "forehead")


def swap_faces(
    rgb: Array,
    landmarks_px: FloatArray,
    donor_rgb: Array,
    donor_landmarks_px: FloatArray,
    rng: np.random.Generator,
) -> Forgery:
    """Warp the donor's face onto this one by its landmarks, match its colours, blend it in."""
    import cv2

    height, width = rgb.shape[:2]
    matrix, _ = cv2.estimateAffine2D(donor_landmarks_px, landmarks_px, method=cv2.LMEDS)
    if matrix is None:
        matrix = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    donor_rgb, matrix = _shrunk_for(donor_rgb, np.asarray(matrix, np.float32))
    warped = cv2.warpAffine(
        donor_rgb, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    kind = str(rng.choice(TWO_FACE_HULLS))
    mask = hull_mask(landmarks_px, kind, (height, width))
    warped = match_colours(np.asarray(warped, np.uint8), rgb, mask)
    if rng.random() < 0.6:
        warped = change_statistics(warped, face_side(landmarks_px), rng)
    mask = soften(mask, rng)
    mask = mask / max(float(mask.max()), 1e-6)
    return Forgery(blend(warped, rgb, mask), rgb, mask, f"two_faces/{kind}")


def _shrunk_for(rgb: Array, matrix: FloatArray) -> tuple[Array, FloatArray]:
    import cv2

    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if not 0.05 < scale < 0.9:
        return rgb, matrix
    size = (max(2, round(rgb.shape[1] * scale)), max(2, round(rgb.shape[0] * scale)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    adjusted = matrix.copy()
    adjusted[:, :2] /= scale
    return small, adjusted


def match_colours(source: Array, target: Array, mask: FloatArray) -> Array:
    """Give `source` the target's mean and spread within the mask, in Lab (Reinhard, 2001)."""
    import cv2

    inside = mask > 0.5
    if not inside.any():
        return source
    own = cv2.cvtColor(source, cv2.COLOR_RGB2LAB).astype(np.float32)
    wanted = cv2.cvtColor(target, cv2.COLOR_RGB2LAB).astype(np.float32)
    for channel in range(3):
        a, b = own[..., channel], wanted[..., channel]
        gain = float(np.clip(b[inside].std() / max(float(a[inside].std()), 1.0), 0.5, 2.0))
        own[..., channel] = (a - a[inside].mean()) * gain + b[inside].mean()
    matched = cv2.cvtColor(np.clip(own, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.asarray(matched, np.uint8)
