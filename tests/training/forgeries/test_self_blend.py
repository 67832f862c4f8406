from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.self_blend import (
    blend,
    change_statistics,
    face_side,
    self_blend,
    shift_copy,
)
from tests.real_faces import golden_landmarks, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SEEDS = range(24)


def forged(seed: int, rgb: np.ndarray | None = None):  # type: ignore[no-untyped-def]
    picture = textured() if rgb is None else rgb
    return self_blend(picture, golden_landmarks(), np.random.default_rng(seed))


def test_nothing_changes_outside_the_mask_and_something_inside() -> None:
    for seed in SEEDS:
        forgery = forged(seed)
        untouched = forgery.mask == 0
        assert untouched.any()
        assert np.array_equal(forgery.fake[untouched], forgery.genuine[untouched])
        inside = forgery.mask > 0.5 * forgery.mask.max()
        difference = np.abs(forgery.fake.astype(int) - forgery.genuine.astype(int))
        assert difference[inside].mean() > 0.3
        assert forgery.name.startswith("self_blend/")


def test_shapes_and_types() -> None:
    forgery = forged(0)
    assert forgery.fake.shape == forgery.genuine.shape == (600, 512, 3)
    assert forgery.fake.dtype == forgery.genuine.dtype == np.uint8
    assert forgery.mask.shape == (600, 512)
    assert forgery.mask.dtype == np.float32


def test_the_genuine_twin_is_resampled_or_changed_in_many_pairs_never_in_all() -> None:
    """The change falls on the copy or its surroundings, and every second twin is resampled: a
    quarter of the twins are the picture as it was."""
    original = textured()
    clean = [np.array_equal(forged(seed).genuine, original) for seed in range(60)]
    assert 5 <= sum(clean) <= 27


def detail(rgb: np.ndarray, inside: np.ndarray) -> float:  # type: ignore[type-arg]
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.square(cv2.Laplacian(grey, cv2.CV_32F))[inside].mean())


def test_neither_brightness_nor_smoothness_alone_tells_the_label() -> None:
    """Fakes are darker, and smoother within the mask, than their twins in about half of the
    pairs; with a linear warp of the copy alone it was four in five."""
    pictures = [textured(240, 280, seed) for seed in range(8)]
    landmarks = (golden_landmarks() - (160, 110)).astype(np.float32)
    darker = smoother = 0
    n = 240
    for seed in range(n):
        forgery = self_blend(pictures[seed % 8], landmarks, np.random.default_rng(seed))
        inside = forgery.mask > 0.5 * forgery.mask.max()
        darker += forgery.fake[inside].mean() < forgery.genuine[inside].mean()
        smoother += detail(forgery.fake, inside) < detail(forgery.genuine, inside)
    assert 0.35 <= darker / n <= 0.65
    assert 0.45 <= smoother / n <= 0.60


def test_the_same_seed_gives_the_same_forgery() -> None:
    first, again, other = forged(3), forged(3), forged(4)
    assert np.array_equal(first.fake, again.fake)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.fake, other.fake)


def test_the_picture_that_was_given_is_left_alone() -> None:
    rgb = textured()
    rgb.flags.writeable = False
    forged(1, rgb)
    assert np.array_equal(rgb, textured())


def test_blend_follows_the_mask() -> None:
    source, target = np.full((4, 4, 3), 200, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    mask = np.zeros((4, 4), np.float32)
    mask[0], mask[1], mask[2] = 1.0, 0.5, 0.25
    assert blend(source, target, mask)[:, 0, 0].tolist() == [200, 150, 125, 100]
    assert np.array_equal(blend(target, target, mask), target)


def test_change_statistics_changes_and_keeps_the_shape() -> None:
    rgb = textured(120, 90)
    changed = [change_statistics(rgb, 60.0, np.random.default_rng(seed)) for seed in range(20)]
    assert all(c.shape == rgb.shape and c.dtype == np.uint8 for c in changed)
    assert all(np.abs(c.astype(int) - rgb.astype(int)).mean() > 0.1 for c in changed)
    # A slight change: the face must stay the same face.
    assert all(np.abs(c.astype(int) - rgb.astype(int)).mean() < 60 for c in changed)


def test_the_copy_moves_a_little_and_its_mask_with_it() -> None:
    import cv2

    mask = np.zeros((300, 300), np.float32)
    mask[100:200, 110:190] = 1.0
    picture = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        moved, moved_mask = shift_copy(picture, mask, 100.0, cv2.INTER_LINEAR, rng)
        assert np.abs(moved[..., 0] / 255 - moved_mask).max() < 0.02
        centre = np.argwhere(moved_mask > 0.5).mean(axis=0)
        assert np.abs(centre - (149.5, 149.5)).max() < 12


def test_face_side_is_the_longer_side_of_the_landmarks() -> None:
    assert face_side(np.array([[0, 10], [30, 12], [5, 90]], np.float32)) == 80.0
