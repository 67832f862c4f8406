from __future__ import annotations

import numpy as np
import pytest

from assay.media.resample import resized
from assay.subjects.eyes import PATCH_PX, PATCH_REACH, Eye, cut, find_eyes, iris_patches
from assay.types import Array
from tests.real_faces import golden_landmarks, portrait, textured


def eye(x: float, y: float, radius: float = 8.0, gap: float = 8.0, mirrored: bool = False) -> Eye:
    """A level eye, its lids `gap` px above and below the corners' line at most."""
    along = np.linspace(-20, 20, 9) * (-1 if mirrored else 1)
    bow = gap * np.cos(np.linspace(-np.pi / 2, np.pi / 2, 9))
    lower, upper = (np.stack([x + along, y + sign * bow], 1) for sign in (1, -1))
    ring = np.array([[0, 0], [-1, 0], [0, -1], [1, 0], [0, 1]]) * radius + (x, y)
    return Eye(np.array([x, y]), radius, ring, lower, upper)


def test_the_eyes_of_a_portrait_lie_where_a_person_sees_them() -> None:
    rgb, landmarks = portrait(), golden_landmarks()
    eyes = find_eyes(rgb, landmarks)
    for found, corners in zip(eyes, ((33, 133), (362, 263)), strict=True):
        ends = landmarks[list(corners)]
        width = float(np.linalg.norm(ends[1] - ends[0]))
        assert np.linalg.norm(found.centre_px - ends.mean(axis=0)) < 0.25 * width
        # An iris is 11.7 mm wide, the opening between the lids about 30 mm.
        assert 0.28 < 2 * found.radius_px / width < 0.52
        assert 0.1 < found.openness < 0.6
        assert 0.3 < found.position < 0.7
    assert eyes[0].centre_px[0] < eyes[1].centre_px[0]


def test_a_mirrored_face_has_mirrored_eyes() -> None:
    rgb, landmarks = portrait(), golden_landmarks()
    width = rgb.shape[1]
    flipped = landmarks.copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    # In the mirror the viewer's left corner pair is the other one, and runs the other way.
    swapped = flipped.copy()
    swapped[[33, 133, 362, 263]] = flipped[[263, 362, 133, 33]]
    found = find_eyes(rgb, landmarks)
    mirrored = find_eyes(np.ascontiguousarray(rgb[:, ::-1]), swapped)
    for one, other in zip(found, mirrored[::-1], strict=True):
        assert width - 1 - other.centre_px[0] == pytest.approx(one.centre_px[0], abs=0.6)
        assert other.radius_px == pytest.approx(one.radius_px, rel=0.05)
        assert other.position == pytest.approx(one.position, abs=0.02)


def test_openness_and_position_read_off_the_lids() -> None:
    assert eye(50, 50, gap=8).openness == pytest.approx(16 / 40)
    assert eye(50, 50, gap=0).openness == 0
    assert eye(50, 50).position == pytest.approx(0.5)
    moved = eye(50, 50)
    aside = Eye(moved.centre_px + np.array([10, 0]), 8.0, moved.iris_px, *(moved.lower_lid_px,) * 2)
    assert aside.position == pytest.approx(0.75)


def ringed(eyes: tuple[Eye, Eye]) -> Array:
    """A grey picture with a dark disc per iris and a white dot to the right of its centre."""
    ys, xs = np.mgrid[:100, :200].astype(np.float32)
    rgb = np.full((100, 200, 3), 200, np.uint8)
    for one in eyes:
        rgb[np.hypot(xs - one.centre_px[0], ys - one.centre_px[1]) < one.radius_px] = 40
        spot = one.centre_px + np.array([one.radius_px / 2, 0])
        rgb[np.hypot(xs - spot[0], ys - spot[1]) < one.radius_px / 5] = 255
    return rgb


@pytest.mark.parametrize("second_radius", [8.0, 14.0])
def test_iris_patches_have_one_scale_and_are_not_mirrored(second_radius: float) -> None:
    eyes = eye(50, 50), eye(150, 50, second_radius, mirrored=True)
    first, second = iris_patches(ringed(eyes), eyes)
    for patch in (first, second):
        grey = patch.rgb.astype(float).mean(axis=2)
        assert patch.rgb.shape == (PATCH_PX, PATCH_PX, 3)
        assert grey[patch.radii > 1.1].min() > 150
        spot = np.argwhere((grey > 180) & (patch.radii < 0.8)).mean(axis=0)
        expected = PATCH_PX // 2 * (1 + 0.5 / PATCH_REACH)
        assert spot == pytest.approx([PATCH_PX // 2, expected], abs=1.5)


def test_iris_patches_are_level_in_a_tilted_face() -> None:
    eyes = eye(50, 50), eye(150, 50)
    upright = ringed(eyes)
    tilted = np.ascontiguousarray(np.rot90(upright))

    def turned(one: Eye) -> Eye:
        def turn(points: np.ndarray) -> np.ndarray:
            return np.stack([points[..., 1], 199 - points[..., 0]], axis=-1)

        lids = turn(one.lower_lid_px), turn(one.upper_lid_px)
        return Eye(turn(one.centre_px), one.radius_px, turn(one.iris_px), *lids)

    expected = iris_patches(upright, eyes)
    found = iris_patches(tilted, (turned(eyes[0]), turned(eyes[1])))
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one.rgb.astype(int) - other.rgb).mean() < 2
        assert (one.open == other.open).mean() > 0.97


def test_what_the_lids_cover_is_not_open() -> None:
    eyes = eye(50, 50, gap=4), eye(150, 50, gap=30)
    narrow, wide = iris_patches(ringed(eyes), eyes)
    iris = narrow.radii < 1
    assert 0.2 < narrow.open[iris].mean() < 0.7
    assert wide.open[iris].all()
    assert narrow.open[PATCH_PX // 2, PATCH_PX // 2]


def test_a_cut_shrinks_by_area_and_keeps_its_place() -> None:
    rgb = textured(400, 400, seed=3)
    by_four = np.array([[4, 0, 41.5], [0, 4, 61.5]], np.float32)
    patch = cut(rgb, by_four, 60)
    wanted = resized(rgb[60:300, 40:280], (60, 60))
    here = np.abs(patch.astype(int) - wanted).mean()
    assert here < np.abs(rgb[61:300:4, 41:280:4].astype(int) - wanted).mean()
    for shift in (-2, 2):
        beside = cut(rgb, by_four + np.array([[0, 0, shift], [0, 0, 0]], np.float32), 60)
        assert np.abs(beside.astype(int) - wanted).mean() > here + 1


@pytest.mark.parametrize("place", [(-500.0, 20.0), (900.0, 900.0), (0.0, 0.0)])
def test_a_cut_outside_of_the_picture_is_black_there(place: tuple[float, float]) -> None:
    rgb = np.full((40, 30, 3), 77, np.uint8)
    patch = cut(rgb, np.array([[1, 0, place[0]], [0, 1, place[1]]], np.float32), 50)
    assert patch.shape == (50, 50, 3)
    assert set(np.unique(patch)) <= {0, 77}
    assert patch[45, 45].sum() == 0


def test_eyes_in_one_point_do_not_raise() -> None:
    rgb = np.zeros((1, 1, 3), np.uint8)
    eyes = find_eyes(rgb, np.zeros((468, 2), np.float32))
    patches = iris_patches(rgb, eyes)
    assert all(np.isfinite(one.centre_px).all() for one in eyes)
    assert all(patch.rgb.shape == (PATCH_PX, PATCH_PX, 3) for patch in patches)
