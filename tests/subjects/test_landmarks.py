from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from assay.subjects.faces import Face, find_faces
from assay.subjects.landmarks import Mesh, find_landmarks, five_points
from tests.real_faces import golden_landmarks, portrait, portrait_mesh, scaled, textured

SIDE_PX = 200.0  # of the portrait's face


def turned(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The portrait turned about its middle, and the (2, 3) matrix that did it."""
    rgb = portrait()
    middle = np.array([rgb.shape[1] / 2, rgb.shape[0] / 2])
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])
    image = Image.fromarray(rgb).rotate(degrees, Image.Resampling.BILINEAR)
    return np.array(image), np.c_[turn, middle - turn @ middle]


def face_at(x: float, y: float, side: float) -> Face:
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    right_eye, left_eye = (x - side / 5, y - side / 6), (x + side / 5, y - side / 6)
    points = np.array([right_eye, left_eye, *[(x, y)] * 4], np.float32)
    return Face(box, points, 0.9)


def test_the_mesh_is_where_it_was_checked_by_eye() -> None:
    mesh = portrait_mesh()
    assert mesh.landmarks_px.shape == (468, 2)
    assert mesh.landmarks_px.dtype == np.float32
    assert mesh.score > 0.9
    distance = np.linalg.norm(mesh.landmarks_px - golden_landmarks(), axis=1)
    assert distance.mean() < 0.01 * SIDE_PX


def test_five_points_stand_as_in_a_face() -> None:
    right_eye, left_eye, nose, mouth_right, mouth_left = five_points(portrait_mesh().landmarks_px)
    assert right_eye[0] < nose[0] < left_eye[0]
    assert mouth_right[0] < nose[0] < mouth_left[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])


def test_the_box_is_tight() -> None:
    mesh = Mesh(np.array([[3, 9], [5, 2], [4, 4]], np.float32), 1.0)
    assert mesh.box_px.tolist() == [3, 2, 5, 9]


@pytest.mark.parametrize("degrees", [-25, 25])
def test_the_mesh_turns_with_the_face(degrees: float) -> None:
    rgb, matrix = turned(degrees)
    mesh = find_landmarks(rgb, find_faces(rgb, thorough=False)[0])
    expected = portrait_mesh().landmarks_px @ matrix[:, :2].T + matrix[:, 2]
    assert mesh.score > 0.9
    assert np.linalg.norm(mesh.landmarks_px - expected, axis=1).mean() < 0.04 * SIDE_PX


@pytest.mark.parametrize("scale", [0.3, 2.5])
def test_the_mesh_scales_with_the_picture(scale: float) -> None:
    rgb = scaled(portrait(), scale)
    mesh = find_landmarks(rgb, find_faces(rgb, thorough=False)[0])
    distance = np.linalg.norm(mesh.landmarks_px / scale - portrait_mesh().landmarks_px, axis=1)
    assert distance.mean() < 0.03 * SIDE_PX


def test_half_a_face_at_the_edge_still_gives_finite_landmarks() -> None:
    box = portrait_mesh().box_px
    middle = int((box[0] + box[2]) / 2)
    half = np.ascontiguousarray(portrait()[:, middle:])
    x, y = float(box[2] - middle) / 2, float(box[1] + box[3]) / 2
    assert np.isfinite(find_landmarks(half, face_at(x, y, SIDE_PX)).landmarks_px).all()


@pytest.mark.parametrize("place", [(160, 120, 80), (0, 0, 3), (-500, -500, 60), (9000, 50, 400)])
def test_where_no_face_is_the_score_is_low(place: tuple[float, float, float]) -> None:
    mesh = find_landmarks(textured(240, 320), face_at(*place))
    assert mesh.score < 0.5
    assert np.isfinite(mesh.landmarks_px).all()
