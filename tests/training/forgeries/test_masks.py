from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.masks import (
    HULL_KINDS,
    HULL_WEIGHTS,
    hull_mask,
    hull_points,
    soften,
)
from tests.real_faces import golden_landmarks
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SHAPE = (600, 512)
every_kind = pytest.mark.parametrize("kind", HULL_KINDS)


@every_kind
def test_every_hull_lies_on_the_face(kind: str) -> None:
    landmarks = golden_landmarks()
    mask = hull_mask(landmarks, kind, SHAPE)
    assert mask.shape == SHAPE
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}
    rows, columns = np.nonzero(mask)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    height = high[1] - low[1]
    assert columns.min() >= low[0] - 1
    assert columns.max() <= high[0] + 1
    assert rows.min() >= low[1] - 0.25 * height
    assert rows.max() <= high[1] + 1


def test_the_kinds_cover_what_they_are_named_for() -> None:
    landmarks = golden_landmarks()
    masks = {kind: hull_mask(landmarks, kind, SHAPE) > 0 for kind in HULL_KINDS}
    areas = {kind: mask.sum() for kind, mask in masks.items()}
    assert areas["forehead"] > areas["oval"] > areas["inner"] > areas["mouth"]
    mouth, nose, brow = landmarks[13], landmarks[1], landmarks[66]
    for point, inside, outside in (
        (mouth, ("oval", "inner", "lower", "mouth"), ("eyes", "upper")),
        (brow, ("oval", "inner", "eyes", "upper"), ("lower", "mouth")),
        (nose, ("oval", "forehead", "inner", "upper"), ("mouth",)),
    ):
        x, y = point.round().astype(int)
        assert all(masks[kind][y, x] for kind in inside)
        assert not any(masks[kind][y, x] for kind in outside)


def test_each_kind_has_its_odds() -> None:
    assert len(HULL_WEIGHTS) == len(HULL_KINDS)
    assert sum(HULL_WEIGHTS) == pytest.approx(1.0)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        hull_points(golden_landmarks(), "ears")


@every_kind
def test_a_softened_mask_is_soft_not_empty_and_near_its_hull(kind: str) -> None:
    hull = hull_mask(golden_landmarks(), kind, SHAPE)
    rows, columns = np.nonzero(hull)
    for seed in range(6):
        soft = soften(hull, np.random.default_rng(seed))
        assert soft.shape == SHAPE
        assert soft.dtype == np.float32
        assert 0.2 <= soft.max() <= 1.0
        assert soft.min() >= 0.0
        between = ((soft > 0.02) & (soft < 0.98 * soft.max())).mean()
        assert between > 0.0005
        weight = soft / soft.sum()
        centre_y = float((weight * np.arange(SHAPE[0])[:, None]).sum())
        centre_x = float((weight * np.arange(SHAPE[1])[None, :]).sum())
        assert rows.min() - 30 <= centre_y <= rows.max() + 30
        assert columns.min() - 30 <= centre_x <= columns.max() + 30


def test_softening_is_drawn_by_the_seed() -> None:
    hull = hull_mask(golden_landmarks(), "oval", SHAPE)
    first, again, other = (soften(hull, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shift", [(-330, 0), (0, -280), (300, 300), (-5000, 0)])
def test_a_face_at_or_beyond_the_edge_stays_within_bounds(shift: tuple[float, float]) -> None:
    moved = (golden_landmarks() + shift).astype(np.float32)
    for kind in HULL_KINDS:
        soft = soften(hull_mask(moved, kind, SHAPE), np.random.default_rng(0))
        assert np.isfinite(soft).all()
        assert 0.0 <= soft.min() <= soft.max() <= 1.0
