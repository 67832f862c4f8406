from __future__ import annotations

import math

import numpy as np
import pytest

from assay.inputs.copied_points import find_points, match_points, shifted_moves, turned_moves
from assay.inputs.copied_regions import work_picture
from tests.inputs.made_copies import resaved, scene, with_copy, with_turned_copy


def test_points_are_spread_and_their_descriptors_have_length_one() -> None:
    points = find_points(work_picture(scene()).values)
    assert len(points.places) > 300
    assert np.linalg.norm(points.descriptors, axis=1) == pytest.approx(1, abs=1e-3)
    assert points.places.min() >= 0
    assert (points.places.max(axis=0) < (520, 420)).all()
    assert points.sizes.max() > 2


def test_nothing_matches_in_an_untouched_scene() -> None:
    moves, n_matches = turned_moves(work_picture(scene()))
    assert moves == []
    assert n_matches < 40


def test_a_turned_copy_gives_its_similarity() -> None:
    rgb = with_turned_copy(scene(), (120, 140), (380, 260), 70, 25.0)
    moves, _ = turned_moves(work_picture(rgb))
    found = moves[0].matrix
    factor = complex(found[0, 0], found[1, 0])
    if abs(factor) < 1:  # which of the two places is the first is chance
        factor = 1 / factor
    assert abs(factor) == pytest.approx(1.2, abs=0.03)
    assert abs(math.degrees(np.angle(factor))) == pytest.approx(25, abs=1)
    assert moves[0].found_by == "points"
    assert moves[0].n_matches >= 6


def test_a_small_copy_is_voted_for_after_compression() -> None:
    rgb = resaved(with_copy(scene(), (60, 80), (353, 251), 56), 85)
    found = [move.matrix[:, 2] for move in shifted_moves(work_picture(rgb))]
    assert any(np.abs(one - (293, 171)).max() < 2 for one in found)


def test_flat_and_narrow_pictures_have_no_points() -> None:
    for shape in ((300, 300, 3), (40, 400, 3)):
        work = work_picture(np.full(shape, 90, np.uint8))
        points = find_points(work.values)
        assert len(points.places) == 0
        assert len(match_points(points)) == 0
        assert turned_moves(work) == ([], 0)
        assert shifted_moves(work) == []
