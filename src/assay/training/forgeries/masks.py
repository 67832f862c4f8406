"""Face hulls from the 468-point mesh, and how a hull becomes a soft blending mask.

Source: Li et al., "Face X-ray for More General Face Forgery Detection", CVPR 2020 (hull kinds);
Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022 (softening).
"""

from __future__ import annotations

import numpy as np

from assay.types import FloatArray

HULL_KINDS = (
    *("oval", "forehead", "no_forehead", "inner", "lower_face"),
    *("lower", "mouth", "eyes", "upper"),
)
HULL_WEIGHTS = (0.22, 0.2, 0.15, 0.15, 0.06, 0.06, 0.06, 0.05, 0.05)

_FOREHEAD_TOP = (10, 338, 297, 332, 284, 251, 21, 54, 103, 67, 109)
_BROWS = (
    46,
    53,
    52,
    65,
    55,
    70,
    63,
    105,
    66,
    107,
    276,
    283,
    282,
    295,
    285,
    300,
    293,
    334,
    296,
    336,
)
_EYES = (33, 133, 159, 145, 362, 263, 386, 374, 110, 339)
_MOUTH = (61, 291, 0, 17, 37, 267, 84, 314, 146, 375, 185, 409, 57, 287)
_NOSE = (1, 2, 98, 327, 6, 168, 48, 278)
_CHEEKS = (50, 280, 205, 425)
_UNDER_EYES = (118, 119, 120, 347, 348, 349, 195)
# From temple to temple under the chin: with the brows, what a 68-point mesh covers.
_RIGHT_JAW = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
_LEFT_JAW = (356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377)
_CHIN = (152, 148, 377, 176, 400, 149, 378, 150, 379, 136, 365, 172, 397, 58, 288)


def hull_points(landmarks_px: FloatArray, kind: str) -> FloatArray:
    """The landmarks (n, 2) whose convex hull is the face region of that kind."""
    if kind == "oval":
        return landmarks_px
    if kind == "forehead":
        return np.concatenate([landmarks_px, _raised_forehead(landmarks_px)])
    chosen = {
        "no_forehead": _BROWS + _RIGHT_JAW + _LEFT_JAW,
        "lower_face": (*_RIGHT_JAW[3:], *_LEFT_JAW[3:], *_UNDER_EYES),
        "inner": _BROWS + _MOUTH + _NOSE + _CHEEKS,
        "lower": (*_MOUTH, *_CHIN, 2, 98, 327),
        "mouth": (*_MOUTH, 2, 18, 200),
        "eyes": _EYES + _BROWS,
        "upper": _BROWS + _EYES + _NOSE + _FOREHEAD_TOP,
    }[kind]
    return landmarks_px[list(chosen)]


def _raised_forehead(landmarks_px: FloatArray) -> FloatArray:
    top, chin = landmarks_px[10], landmarks_px[152]
    return np.asarray(landmarks_px[list(_FOREHEAD_TOP)] + 0.15 * (top - chin), np.float32)


def hull_mask(landmarks_px: FloatArray, kind: str, shape: tuple[int, int]) -> FloatArray:
    """The filled convex hull, (h, w) float32 of 0 and 1."""
    import cv2

    mask = np.zeros(shape, np.float32)
    # Far outside the picture the place of a point does not matter, and OpenCV overflows.
    limit = 4 * max(shape)
    points = np.clip(hull_points(landmarks_px, kind), -limit, limit)
    hull = cv2.convexHull(points.astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1.0)
    return mask


def soften(mask: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Deform, shrink and blur a hull at random; (h, w) float32 in [0, 1], times a random ratio."""
    import cv2

    height, width = mask.shape
    side = int(rng.integers(160, 257))
    small = cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR)
    small = _deform(np.asarray(small, np.float32), rng)
    first, second = (int(rng.integers(2, 13)) * 2 + 1 for _ in range(2))
    small = cv2.GaussianBlur(small, (first, first), 0)
    small = np.asarray(small >= 0.999 * max(float(small.max()), 1e-6), np.float32)
    small = cv2.GaussianBlur(small, (second, second), float(rng.uniform(1, second)))
    peak = max(float(small.max()), 1e-6)
    ratio = float(rng.choice([0.25, 0.5, 0.75, 1.0], p=[0.12, 0.13, 0.13, 0.62]))
    soft = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(soft / peak, 0, 1) * ratio, np.float32)


def _deform(mask: FloatArray, rng: np.random.Generator) -> FloatArray:
    import cv2

    side = mask.shape[0]
    coarse = rng.normal(0, rng.uniform(0.5, 4.0), (2, 12, 12)).astype(np.float32)
    shift = [cv2.resize(c, (side, side), interpolation=cv2.INTER_CUBIC) for c in coarse]
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    moved = cv2.remap(mask, xs + shift[0], ys + shift[1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)
