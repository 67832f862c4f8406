from __future__ import annotations

import numpy as np
import pytest

from assay.subjects.landmarks import Mesh
from assay.subjects.views import VIEW_MAX_PX, cut_view
from assay.types import FaceView
from tests.real_faces import frame, textured


def mesh_in(x0: float, y0: float, x1: float, y1: float) -> Mesh:
    """A mesh whose box is exactly this."""
    rng = np.random.default_rng(1)
    points = rng.uniform((x0, y0), (x1, y1), (468, 2))
    points[:2] = (x0, y0), (x1, y1)
    return Mesh(points.astype(np.float32), 0.9)


def view_of(box: tuple[float, ...], height: int = 400, width: int = 640) -> FaceView:
    return cut_view(frame(textured(height, width), 7), mesh_in(*box), 3)


def origin(view: FaceView) -> np.ndarray:
    return view.frame_box_px[:2] - view.box_px[:2] / view.scale


def test_a_view_is_about_twice_the_face_and_cut_at_its_place() -> None:
    view = view_of((200, 100, 300, 220))
    assert view.rgb.shape == (241, 240, 3) or view.rgb.shape == (240, 240, 3)
    x, y = origin(view).round().astype(int)
    expected = textured(400, 640)[y : y + view.rgb.shape[0], x : x + view.rgb.shape[1]]
    assert np.array_equal(view.rgb, expected)
    assert (view.track_id, view.frame_index, view.time_s) == (3, 7, pytest.approx(1.4))
    assert view.scale == 1.0
    assert view.score == 0.9


def test_box_and_landmarks_move_with_the_view() -> None:
    box = (200.0, 100.0, 300.0, 220.0)
    view = view_of(box)
    assert view.frame_box_px.tolist() == list(box)
    back = view.landmarks_px / view.scale + origin(view)
    assert back == pytest.approx(mesh_in(*box).landmarks_px, abs=1e-3)
    assert view.landmarks_px.min(axis=0) == pytest.approx(view.box_px[:2], abs=1e-3)
    assert view.landmarks_px.max(axis=0) == pytest.approx(view.box_px[2:], abs=1e-3)


def test_a_large_face_is_shrunk_and_its_coordinates_with_it() -> None:
    view = cut_view(frame(textured(1500, 1800)), mesh_in(400, 300, 1200, 1100), 1)
    assert max(view.rgb.shape[:2]) == VIEW_MAX_PX
    assert view.scale == pytest.approx(VIEW_MAX_PX / 1500, rel=0.1)
    assert view.box_px[2] - view.box_px[0] == pytest.approx(800 * view.scale, rel=1e-3)
    back = view.landmarks_px / view.scale + origin(view)
    assert back == pytest.approx(mesh_in(400, 300, 1200, 1100).landmarks_px, abs=0.05)


@pytest.mark.parametrize(
    "box",
    [
        (-30, -20, 60, 90),
        (600, 350, 680, 430),
        (-100, -100, 900, 700),
        (639, 399, 641, 401),
        (-50, -50, -10, -10),
        (5000, 5000, 5100, 5100),
    ],
)
def test_a_face_that_leaves_the_frame_is_clipped_to_it(box: tuple[float, ...]) -> None:
    view = view_of(box)
    assert view.rgb.size > 0
    assert view.rgb.shape[0] <= 400
    assert view.rgb.shape[1] <= 640


def test_a_view_does_not_keep_its_frame_alive() -> None:
    whole = frame(textured(300, 300))
    view = cut_view(whole, mesh_in(50, 50, 250, 250), 1)
    assert not np.shares_memory(view.rgb, whole.rgb)
    assert view.rgb.flags.c_contiguous
