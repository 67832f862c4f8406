from __future__ import annotations

import numpy as np
import pytest

from assay.subjects.light import face_frame, skin_light
from assay.types import Array, FloatArray
from tests.real_faces import golden_landmarks

SKIN = np.array([190.0, 140.0, 115.0])


def lit(landmarks: FloatArray, slope: float, neck_slope: float | None = None) -> Array:
    """Skin everywhere, its log brightness rising by `slope` an eye distance to the right; below
    the chin by `neck_slope`."""
    frame = face_frame(landmarks)
    ys, xs = np.mgrid[:600, :512].astype(np.float32)
    x = frame.inward(np.stack([xs, ys], axis=-1))[..., 0]
    slopes = np.full(x.shape, slope)
    if neck_slope is not None:
        chin = frame.inward(landmarks[152])
        below = frame.inward(np.stack([xs, ys], axis=-1))[..., 1] > chin[1] + 0.05
        slopes[below] = neck_slope
    light = np.exp(slopes * x)[..., None]
    return np.clip(0.6 * SKIN * light, 0, 255).astype(np.uint8)


def test_the_frame_of_a_face_goes_there_and_back() -> None:
    landmarks = golden_landmarks()
    frame = face_frame(landmarks)
    points = frame.inward(landmarks)
    assert frame.outward(points) == pytest.approx(landmarks, abs=1e-2)
    assert points[[33, 133]].mean(axis=0) == pytest.approx([-0.5, 0.0], abs=1e-4)
    assert points[[362, 263]].mean(axis=0) == pytest.approx([0.5, 0.0], abs=1e-4)
    assert points[152, 1] > 1.0  # the chin lies below


@pytest.mark.parametrize("slope", [-0.4, 0.0, 0.3])
def test_the_slope_is_the_one_that_was_painted(slope: float) -> None:
    landmarks = golden_landmarks()
    found = skin_light(lit(landmarks, slope), landmarks)
    assert found is not None
    assert found.cheeks == pytest.approx(slope, abs=0.05)
    assert found.rim == pytest.approx(slope, abs=0.06)
    assert found.neck == pytest.approx(slope, abs=0.1)


def test_a_neck_lit_from_the_other_side_is_seen() -> None:
    landmarks = golden_landmarks()
    found = skin_light(lit(landmarks, 0.3, neck_slope=-0.3), landmarks)
    assert found is not None
    assert found.neck is not None
    assert found.cheeks - found.neck > 0.4


def test_mirroring_the_picture_turns_the_slope_round() -> None:
    landmarks = golden_landmarks()
    rgb = lit(landmarks, 0.3)
    mirrored = landmarks.copy()
    mirrored[:, 0] = rgb.shape[1] - 1 - mirrored[:, 0]
    # Left and right points change places by their mirror image across the frame's axis.
    plain = skin_light(rgb, landmarks)
    frame = face_frame(mirrored)
    assert plain is not None
    assert frame.along_px[0] < 0
    assert plain.cheeks > 0.2


def test_a_collar_is_no_neck() -> None:
    landmarks = golden_landmarks()
    rgb = lit(landmarks, 0.2)
    rgb[int(landmarks[152, 1]) + 3 :] = (20, 40, 160)
    found = skin_light(rgb, landmarks)
    assert found is not None
    assert found.neck is None
    assert found.rim is not None


def test_a_face_outside_of_the_picture_has_no_light() -> None:
    landmarks = golden_landmarks()
    assert skin_light(lit(landmarks, 0.1), landmarks + 5000) is None
    assert skin_light(np.zeros((1, 1, 3), np.uint8), landmarks) is None


def test_landmarks_in_one_point_do_not_raise() -> None:
    found = skin_light(np.zeros((9, 9, 3), np.uint8), np.full((468, 2), 4, np.float32))
    assert found is None or np.isfinite(found.cheeks)
