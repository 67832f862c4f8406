from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from assay.subjects import faces
from assay.subjects.faces import Face, find_faces, overlap
from tests.real_faces import (
    grey,
    pasted,
    portrait,
    portrait_mesh,
    portrait_of_size,
    shared_portraits,
    textured,
)

PLACES = ((100, 100), (700, 300), (1500, 150), (300, 800), (1000, 850), (1780, 950))


def covers(found: list[Face], x: float, y: float) -> int:
    return sum(f.box_px[0] < x < f.box_px[2] and f.box_px[1] < y < f.box_px[3] for f in found)


def test_one_portrait_is_one_face_with_its_points_in_order() -> None:
    found = find_faces(portrait())
    assert len(found) == 1
    assert overlap(found[0].box_px, portrait_mesh().box_px) > 0.6
    right_eye, left_eye, nose, mouth = found[0].points_px[:4]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1]
    assert found[0].score > 0.8


def test_faces_of_24_px_are_found_in_a_1080p_frame() -> None:
    small, box = portrait_of_size(24)
    crowd = grey()
    for place in PLACES:
        crowd = pasted(crowd, small, place)
    centre = (box[:2] + box[2:]) / 2
    found = find_faces(crowd)
    assert [covers(found, x + centre[0], y + centre[1]) for x, y in PLACES] == [1] * len(PLACES)
    assert len(found) == len(PLACES)
    assert all(15 < face.side_px < 36 for face in found)


def test_only_the_thorough_search_pays_for_the_finest_tiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows: list[tuple[int, int, int, int]] = []
    search = faces._search

    def counted(rgb: np.ndarray, window: tuple[int, int, int, int], *rest: object) -> list[Face]:
        windows.append(window)
        return search(rgb, window, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(faces, "_search", counted)
    find_faces(grey(288, 512), thorough=False)
    quick = len(windows)
    find_faces(grey(288, 512), thorough=True)
    assert quick == 3  # the whole frame by two networks, and once with a border
    assert len(windows) - quick > quick


def test_a_face_that_fills_the_frame_is_found() -> None:
    x0, y0, x1, y1 = portrait_mesh().box_px.astype(int)
    close_up = np.ascontiguousarray(portrait()[y0:y1, x0:x1])
    found = find_faces(close_up, thorough=False)
    assert len(found) == 1
    assert found[0].side_px > 0.7 * max(close_up.shape[:2])
    # The full-range network alone sees it, too, and only with a border around it.
    assert len(find_faces(close_up, thorough=False, ranges=("full",))) == 1
    whole = (0, 0, close_up.shape[1], close_up.shape[0])
    assert faces._search(close_up, whole, "full", faces.MIN_SCORE) == []


def test_boxes_come_back_in_the_pixels_of_a_large_frame() -> None:
    large = np.repeat(np.repeat(portrait(), 5, axis=0), 5, axis=1)
    assert max(large.shape) > faces.MAX_SEARCH_SIDE_PX
    found = find_faces(large, thorough=False)
    assert len(found) == 1
    assert overlap(found[0].box_px / 5, portrait_mesh().box_px) > 0.6


def test_faces_of_several_sizes_come_largest_first() -> None:
    scene = grey(720, 1280)
    for face_px, place in ((160, (60, 60)), (60, (900, 100)), (100, (700, 350))):
        scene = pasted(scene, portrait_of_size(face_px)[0], place)
    sides = [face.side_px for face in find_faces(scene)]
    assert len(sides) == 3
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (1, 1000), (700, 2), (3, 3)])
def test_black_frames_of_any_shape_hold_no_face(shape: tuple[int, int]) -> None:
    assert find_faces(np.zeros((*shape, 3), np.uint8)) == []


def test_texture_and_noise_hold_no_face() -> None:
    assert find_faces(textured(240, 320)) == []
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    assert find_faces(noise) == []


@pytest.mark.parametrize(("width", "height", "side"), [(1920, 1080, 288), (1000, 400, 960)])
def test_tiles_cover_the_frame_and_overlap(width: int, height: int, side: int) -> None:
    tiles = faces._tiles(width, height, side)
    covered = np.zeros((height, width), int)
    for x0, y0, x1, y1 in tiles:
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert x1 - x0 == min(side, width)
        covered[y0:y1, x0:x1] += 1
    assert covered.min() >= 1
    starts = sorted({x0 for x0, *_ in tiles})
    steps = [b - a for a, b in pairwise(starts)]
    assert all(step <= (1 - faces.TILE_OVERLAP) * side + 1 for step in steps)


def test_overlap_is_intersection_over_union() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        low = rng.integers(0, 30, (2, 2))
        size = rng.integers(1, 30, (2, 2))
        a, b = (np.r_[low[i], low[i] + size[i]].astype(np.float32) for i in (0, 1))
        masks = []
        for box in (a, b):
            mask = np.zeros((64, 64), bool)
            mask[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
            masks.append(mask)
        expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
        assert overlap(a, b) == pytest.approx(expected)
        assert overlap(b, a) == pytest.approx(expected)


def test_a_part_of_a_face_is_not_a_second_face() -> None:
    def face(box: tuple[float, ...], score: float) -> Face:
        return Face(np.array(box, np.float32), np.zeros((6, 2), np.float32), score)

    whole, eyes = face((0, 0, 100, 100), 0.9), face((30, 20, 60, 40), 0.7)
    beside = face((90, 0, 190, 100), 0.6)
    assert faces._without_duplicates([eyes, beside, whole]) == [whole, beside]


@pytest.mark.shared
@pytest.mark.parametrize(("method", "least"), [("cfp", 11), ("unsplash", 11), ("utkface", 11)])
def test_real_portraits_are_found(method: str, least: int) -> None:
    pictures = shared_portraits(method, 12)
    found = [bool(find_faces(rgb, thorough=False)) for _, rgb in pictures]
    assert sum(found) >= least
