"""Tell people apart: a face embedding (MobileFaceNet, Chen et al., 2018)."""

from __future__ import annotations

import numpy as np

from assay.bundles import open_network
from assay.subjects.landmarks import five_points
from assay.types import Array, FloatArray

INPUT_PX = 112
# Where ArcFace-style networks expect eyes, nose and mouth corners in a 112 px crop.
_TARGET_PX = np.array(
    [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], np.float32
)


def embed_face(rgb: Array, landmarks_px: FloatArray) -> FloatArray:
    """A unit vector (192,) that is alike for one person; compare by dot product.

    The same face gives about .9, different people at most about .3.
    """
    aligned = _align(rgb, five_points(landmarks_px)).astype(np.float32)
    # The network's graph was exported for two faces at a time; the mirrored face is the second.
    batch = np.stack([aligned, aligned[:, ::-1]]) / 128.0 - 127.5 / 128.0
    both = open_network("face_identity").run(batch)["embeddings"]
    vector = both.sum(axis=0)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _align(rgb: Array, points_px: FloatArray) -> Array:
    import cv2

    matrix, _ = cv2.estimateAffinePartial2D(points_px, _TARGET_PX, method=cv2.LMEDS)
    if matrix is None:
        matrix = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    aligned = cv2.warpAffine(rgb, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR)
    return np.asarray(aligned, np.uint8)
