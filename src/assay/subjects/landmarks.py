"""468 landmarks of one face (Kartynnik et al., "Real-time Facial Surface Geometry", 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.bundles import open_network
from assay.media.resample import quickly_resized, warped
from assay.subjects.faces import Face
from assay.types import Array, FloatArray

N_LANDMARKS = 468
INPUT_PX = 192
REGION_SCALE = 1.5
# Left, right eye corners, nose tip, mouth corners: the five points faces are aligned by.
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
NOSE_TIP, MOUTH_RIGHT, MOUTH_LEFT = 1, 61, 291


@dataclass(frozen=True, slots=True)
class Mesh:
    """`landmarks_px` (468, 2) in frame pixels; `score` in [0, 1]: how sure a face is there."""

    landmarks_px: FloatArray
    score: float

    @property
    def box_px(self) -> FloatArray:
        """The tight xyxy box around all landmarks."""
        low, high = self.landmarks_px.min(axis=0), self.landmarks_px.max(axis=0)
        return np.concatenate([low, high]).astype(np.float32)


def find_landmarks(rgb: Array, face: Face) -> Mesh:
    """The mesh of one found face; upright by its eyes, then mapped back to the frame."""
    region = _region(face)
    patch, to_frame = _cut_upright(rgb, *region)
    outputs = open_network("face_mesh").run(patch[None].astype(np.float32) / 255.0)
    raw = next(v for v in outputs.values() if v.size == 3 * N_LANDMARKS)
    presence = next(v for v in outputs.values() if v.size == 1)
    points = raw.reshape(N_LANDMARKS, 3)[:, :2]
    ones = np.ones((N_LANDMARKS, 1), np.float32)
    landmarks = np.concatenate([points, ones], axis=1) @ to_frame.T
    score = 1.0 / (1.0 + np.exp(-float(presence.ravel()[0])))
    return Mesh(landmarks.astype(np.float32), float(score))


def five_points(landmarks_px: FloatArray) -> FloatArray:
    """Eye centres, nose tip and mouth corners, (5, 2), from the mesh."""
    right = landmarks_px[list(RIGHT_EYE)].mean(axis=0)
    left = landmarks_px[list(LEFT_EYE)].mean(axis=0)
    rest = landmarks_px[[NOSE_TIP, MOUTH_RIGHT, MOUTH_LEFT]]
    return np.concatenate([[right, left], rest]).astype(np.float32)


def _region(face: Face) -> tuple[FloatArray, float, float]:
    """Centre (2,), side in px, angle in radians of the square that the mesh is cut from."""
    eyes = face.points_px[1] - face.points_px[0]
    angle = float(np.arctan2(eyes[1], eyes[0]))
    centre = (face.box_px[:2] + face.box_px[2:]) / 2
    return centre.astype(np.float32), max(4.0, face.side_px * REGION_SCALE), angle


def _cut_upright(
    rgb: Array, centre: FloatArray, side: float, angle: float
) -> tuple[Array, FloatArray]:
    # A warp samples without an area filter, so a large region is shrunk before it is turned.
    reach = side * 0.75
    height, width = rgb.shape[:2]
    x0, y0 = (int(max(0, v)) for v in np.floor(centre - reach))
    x1, y1 = int(min(width, centre[0] + reach + 1)), int(min(height, centre[1] + reach + 1))
    part = rgb[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    shrink = min(1.0, INPUT_PX / side)
    if part.size == 0:
        part = rgb[:1, :1]
    if shrink < 1.0:
        size = (max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink)))
        part = quickly_resized(part, size)
    cos, sin = np.cos(angle) * side / INPUT_PX, np.sin(angle) * side / INPUT_PX
    half = INPUT_PX / 2
    to_frame = np.array(
        [
            [cos, -sin, centre[0] - (cos - sin) * half],
            [sin, cos, centre[1] - (sin + cos) * half],
        ]
    )
    to_part = to_frame.copy()
    to_part[:, 2] -= (x0, y0)
    to_part *= shrink
    patch = warped(part, to_part, (INPUT_PX, INPUT_PX))
    return patch, to_frame.astype(np.float32)
