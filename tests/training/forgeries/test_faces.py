from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.faces import face_box, face_of, face_side, shape_distances
from assay.training.forgeries.forgery import Subject
from tests.real_faces import golden_landmarks, textured


def test_a_subject_with_a_face_is_taken_apart() -> None:
    rgb, landmarks = face_of(Subject(textured(), golden_landmarks().astype(np.float64)))
    assert np.array_equal(rgb, textured())
    assert landmarks.dtype == np.float32


@pytest.mark.parametrize(
    "subject",
    [
        None,
        Subject(textured(20, 20)),
        Subject(textured(20, 20), golden_landmarks()[:5]),
        Subject(textured(20, 20), golden_landmarks() * np.float32(np.nan)),
        Subject(textured(20, 20)[..., 0], golden_landmarks()),
        Subject(textured(20, 20).astype(np.float32), golden_landmarks()),
        Subject(np.zeros((0, 5, 3), np.uint8), golden_landmarks()),
    ],
    ids=["nobody", "no face", "few points", "nan", "grey", "floats", "empty"],
)
def test_what_is_no_face_is_refused(subject: Subject | None) -> None:
    with pytest.raises(InputError):
        face_of(subject)


def test_face_side_is_the_longer_side_of_the_landmarks() -> None:
    assert face_side(np.array([[0, 10], [30, 12], [5, 90]], np.float32)) == 80.0


def test_the_box_is_cut_to_the_picture_or_absent() -> None:
    points = np.array([[10, 20], [50, 60]], np.float32)
    assert face_box(points, (100, 100), 0.0) == (10, 20, 50, 60)
    assert face_box(points, (100, 100), 0.5) == (0, 0, 70, 80)
    assert face_box(points, (100, 30), 0.0) == (10, 20, 30, 60)
    assert face_box(points + 500, (100, 100), 0.1) is None


def test_distance_knows_shape_and_no_place_size_or_turn() -> None:
    own = golden_landmarks()
    turned = (own @ np.array([[0.6, 0.8], [-0.8, 0.6]]) * 3 + 40).astype(np.float32)
    narrow = own * (0.7, 1)
    narrower = own * (0.5, 1)
    mirrored = own * (-1, 1)
    distances = shape_distances(own, [own, turned, narrow, narrower, mirrored])
    assert distances[:2].max() < 0.005
    assert 0.05 < distances[2] < distances[3]
    assert distances[4] > distances[1]
    assert np.isfinite(shape_distances(own, [np.full((468, 2), 4.0, np.float32)])).all()
