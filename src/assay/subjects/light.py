"""From which side a face is lit: slopes of brightness over the skin of face, rim and neck.

A lamp at the right makes every patch of skin brighter to the right, on cheeks, forehead, jaw and
neck alike; a face put on another body keeps its own lamp (Johnson and Farid, "Exposing digital
forgeries in complex lighting environments", 2007, fit spherical harmonics; with the few hundred
pixels of skin here only the slope from side to side is stable).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.media.resample import blurred, quickly_resized
from assay.subjects.landmarks import LEFT_EYE, RIGHT_EYE
from assay.types import Array, FloatArray

# Points of the mesh that mirror each other: the viewer's left one first.
CHEEKS = ((50, 280), (101, 330), (36, 266), (205, 425), (118, 347))
FOREHEAD = ((54, 284), (103, 332), (67, 297), (104, 333), (69, 299))
JAW = ((172, 397), (136, 365), (135, 364), (138, 367), (214, 434), (213, 433))
CHIN = 152
# Where the neck is looked for, in eye distances beside and below the chin.
NECK_ASIDE, NECK_BELOW, NECK_WIDTH = (0.25, 0.4, 0.55), (0.2, 0.35, 0.5), 0.8
MIN_NECK_POINTS = 4
SKIN_CHROMA, SKIN_DARKER, SKIN_BRIGHTER = 0.3, -1.5, 0.6
WORKING_EYE_DISTANCE_PX = 24
SMOOTHING_PX = 1.5
FLOOR = 6.0  # of 255, added before logarithms: noise in black is no slope
WEIGHTS = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """The coordinates of a face: origin between the eyes, one eye distance long, level with them.

    `origin_px` (2,), `along_px` (2,) from the viewer's left eye to the right one.
    """

    origin_px: FloatArray
    along_px: FloatArray

    @property
    def eye_distance_px(self) -> float:
        """From the middle of one eye to the middle of the other."""
        return float(np.linalg.norm(self.along_px))

    def inward(self, points_px: FloatArray) -> FloatArray:
        """Pixels (..., 2) to eye distances."""
        x, y = self.along_px / max(self.eye_distance_px**2, 1e-9)
        return np.asarray((points_px - self.origin_px) @ np.array([[x, -y], [y, x]]), np.float32)

    def outward(self, points: FloatArray) -> FloatArray:
        """Eye distances (..., 2) to pixels."""
        x, y = self.along_px
        return np.asarray(points @ np.array([[x, y], [-y, x]]) + self.origin_px, np.float32)


def face_frame(landmarks_px: FloatArray) -> FaceFrame:
    """The frame of a mesh (468, 2)."""
    left, right = (landmarks_px[list(corners)].mean(axis=0) for corners in (RIGHT_EYE, LEFT_EYE))
    return FaceFrame((left + right) / 2, right - left)


@dataclass(frozen=True, slots=True)
class SkinLight:
    """Slopes of log brightness per eye distance, positive where the viewer's right is brighter:
    on the cheeks, on forehead and jaw, on the neck (None: covered, or out of the picture)."""

    cheeks: float
    rim: float | None
    neck: float | None


def skin_light(rgb: Array, landmarks_px: FloatArray) -> SkinLight | None:
    """Measure one face; None where the cheeks are not in the picture. Medians over mirrored
    points, so that a strand of hair or a beard's edge does not decide."""
    frame = face_frame(landmarks_px)
    samples = _Samples(rgb, frame)
    cheeks, skin = _slopes(samples, landmarks_px, CHEEKS)
    rim, _ = _slopes(samples, landmarks_px, FOREHEAD + JAW)
    if len(cheeks) < 3:
        return None
    neck = _neck_slope(samples, frame, landmarks_px, skin)
    return SkinLight(
        cheeks=float(np.median(cheeks)),
        rim=float(np.median(rim)) if len(rim) >= 6 else None,
        neck=neck,
    )


class _Samples:
    """Smooth colours of the picture at any place, NaN outside."""

    def __init__(self, rgb: Array, frame: FaceFrame) -> None:
        scale = min(1.0, WORKING_EYE_DISTANCE_PX / max(frame.eye_distance_px, 1.0))
        height, width = rgb.shape[:2]
        small = quickly_resized(rgb, (max(1, round(width * scale)), max(1, round(height * scale))))
        self._smooth = blurred(small, SMOOTHING_PX).astype(np.float32)
        self._factor = np.array([small.shape[1] / width, small.shape[0] / height])

    def at(self, points_px: FloatArray) -> FloatArray:
        """(..., 3) float."""
        places = np.floor(points_px * self._factor)
        limit = np.array([self._smooth.shape[1], self._smooth.shape[0]])
        inside = ((places >= 0) & (places < limit)).all(axis=-1)
        x, y = np.where(inside[..., None], places, 0).astype(int).reshape(-1, 2).T
        found = self._smooth[y, x].reshape(*inside.shape, 3)
        return np.where(inside[..., None], found, np.nan).astype(np.float32)


def _slopes(
    samples: _Samples, landmarks_px: FloatArray, pairs: tuple[tuple[int, int], ...]
) -> tuple[FloatArray, FloatArray]:
    """The slopes (n,) of the pairs that lie in the picture, and the mean colours (n, 3)."""
    left, right = np.array(pairs).T
    first, second = samples.at(landmarks_px[left]), samples.at(landmarks_px[right])
    frame = face_frame(landmarks_px)
    across = (frame.inward(landmarks_px[right]) - frame.inward(landmarks_px[left]))[:, 0]
    slopes = (_log_luma(second) - _log_luma(first)) / np.maximum(across, 0.3)
    kept = np.isfinite(slopes)
    return slopes[kept], ((first + second) / 2)[kept]


def _log_luma(colour: FloatArray) -> FloatArray:
    return np.asarray(np.log(colour @ WEIGHTS + FLOOR), np.float32)


def _neck_slope(
    samples: _Samples, frame: FaceFrame, landmarks_px: FloatArray, skin: FloatArray
) -> float | None:
    chin = frame.inward(landmarks_px[CHIN])
    sides = []
    for sign in (-1, 1):
        grid = [(chin[0] + sign * x, chin[1] + y) for x in NECK_ASIDE for y in NECK_BELOW]
        colour = samples.at(frame.outward(np.array(grid, np.float32)))
        colour = colour[_like_skin(colour, np.median(skin, axis=0))]
        if len(colour) < MIN_NECK_POINTS:
            return None
        sides.append(float(np.median(_log_luma(colour))))
    return (sides[1] - sides[0]) / NECK_WIDTH


def _like_skin(colour: FloatArray, skin: FloatArray) -> Array:
    """Which colours (n, 3) may be the same skin in other light; collars and hair are left out."""
    darker = _log_luma(colour) - _log_luma(skin)
    hue = np.log(colour + FLOOR) - np.log(skin + FLOOR) - darker[:, None]
    with np.errstate(invalid="ignore"):
        near = np.abs(hue).max(axis=1) < SKIN_CHROMA
        return np.asarray(near & (darker > SKIN_DARKER) & (darker < SKIN_BRIGHTER), np.bool_)
