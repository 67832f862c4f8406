"""Faces as the face forgers see them: checked landmarks, sizes, boxes, likeness of shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.forgery import Subject
from assay.types import Array, FloatArray

N_LANDMARKS = 468
Box = tuple[int, int, int, int]


def face_of(subject: Subject | None) -> tuple[Array, FloatArray]:
    """The picture (h, w, 3) uint8 and the landmarks (468, 2) float32 of a subject.

    Raises InputError where there is no picture, no face, or no finite mesh.
    """
    if subject is None or subject.landmarks_px is None:
        raise InputError("This forgery needs a picture with a face.")
    rgb = np.ascontiguousarray(subject.rgb)
    landmarks = np.asarray(subject.landmarks_px, np.float32)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise InputError("A picture to forge is (h, w, 3) uint8.")
    if landmarks.shape != (N_LANDMARKS, 2) or not np.isfinite(landmarks).all():
        raise InputError(f"A face to forge has {N_LANDMARKS} finite mesh points.")
    return rgb, landmarks


def face_side(landmarks_px: FloatArray) -> float:
    """The longer side of the landmarks' box, in px."""
    return float((landmarks_px.max(axis=0) - landmarks_px.min(axis=0)).max())


def face_box(landmarks_px: FloatArray, shape: tuple[int, ...], margin: float) -> Box | None:
    """The landmarks' box (x0, y0, x1, y1), grown by `margin` of its side and cut to the picture;
    None where less than 4 px of it lie in the picture."""
    low, high = landmarks_px.min(axis=0), landmarks_px.max(axis=0)
    grow = margin * float((high - low).max())
    limits = (shape[1], shape[0])
    x0, y0 = (int(np.clip(np.floor(v - grow), 0, n)) for v, n in zip(low, limits, strict=True))
    x1, y1 = (int(np.clip(np.ceil(v + grow), 0, n)) for v, n in zip(high, limits, strict=True))
    return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= 4 else None


def normal_shape(landmarks_px: FloatArray) -> FloatArray:
    """The mesh centred and of unit norm; (n, 2) float32."""
    points = landmarks_px - landmarks_px.mean(axis=0)
    return np.asarray(points / max(float(np.linalg.norm(points)), 1e-6), np.float32)


def shape_distances(landmarks_px: FloatArray, candidates: Sequence[FloatArray]) -> FloatArray:
    """Full Procrustes distances in [0, 1] of each candidate (468, 2) to this face: place, size
    and turn do not count, pose and expression do (Dryden and Mardia, 1998)."""
    x, y = normal_shape(landmarks_px).T
    others = np.stack([normal_shape(candidate) for candidate in candidates])
    u, v = others[..., 0], others[..., 1]
    likeness = np.hypot(u @ x + v @ y, u @ y - v @ x)
    return np.asarray(np.sqrt(np.clip(1 - likeness**2, 0, 1)), np.float32)
