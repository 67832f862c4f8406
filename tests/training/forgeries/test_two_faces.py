from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.two_faces import match_colours, swap_faces
from tests.real_faces import golden_landmarks, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def swapped(seed: int, donor_scale: float = 1.0):  # type: ignore[no-untyped-def]
    donor = textured(round(600 * donor_scale), round(512 * donor_scale), seed=9)
    return swap_faces(
        textured(),
        golden_landmarks(),
        donor,
        (golden_landmarks() * donor_scale).astype(np.float32),
        np.random.default_rng(seed),
    )


@pytest.mark.parametrize("donor_scale", [0.4, 1.0, 2.2])
def test_only_the_mask_changes_and_the_target_stays_genuine(donor_scale: float) -> None:
    for seed in range(5):
        forgery = swapped(seed, donor_scale)
        assert np.array_equal(forgery.genuine, textured())
        untouched = forgery.mask == 0
        assert untouched.any()
        assert np.array_equal(forgery.fake[untouched], forgery.genuine[untouched])
        inside = forgery.mask > 0.9
        difference = np.abs(forgery.fake.astype(int) - forgery.genuine.astype(int))
        assert difference[inside].mean() > 5
        assert forgery.mask.max() == pytest.approx(1.0)
        assert forgery.name.startswith("two_faces/")


def test_the_donor_lands_where_the_landmarks_say() -> None:
    """A donor with one bright spot on its nose puts the spot on the target's nose."""
    donor = np.full((300, 256, 3), 90, np.uint8)
    donor_landmarks = (golden_landmarks() * 0.5).astype(np.float32)
    x, y = donor_landmarks[1].round().astype(int)
    donor[y - 6 : y + 7, x - 6 : x + 7] = 250
    target = np.full((600, 512, 3), 90, np.uint8)
    for seed in range(8):
        forgery = swap_faces(
            target, golden_landmarks(), donor, donor_landmarks, np.random.default_rng(seed)
        )
        if "lower" in forgery.name:
            continue  # the nose lies outside that hull
        brightness = forgery.fake.astype(float).mean(axis=2)
        brightest = np.argwhere(brightness > brightness.max() - 5).mean(axis=0)[::-1]
        assert np.linalg.norm(brightest - golden_landmarks()[1]) < 25


def test_the_same_seed_gives_the_same_forgery() -> None:
    first, again, other = swapped(1), swapped(1), swapped(2)
    assert np.array_equal(first.fake, again.fake)
    assert not np.array_equal(first.fake, other.fake)


def test_colours_are_matched_within_the_mask() -> None:
    target = np.full((60, 60, 3), (180, 120, 90), np.uint8)
    source = np.full((60, 60, 3), (60, 80, 160), np.uint8)
    mask = np.zeros((60, 60), np.float32)
    mask[10:50, 10:50] = 1
    matched = match_colours(source, target, mask).astype(int)
    assert np.abs(matched[mask > 0] - (180, 120, 90)).max() <= 6
    assert np.array_equal(match_colours(source, target, np.zeros_like(mask)), source)


def test_a_donor_without_extent_is_survived() -> None:
    flat = np.full((468, 2), 40.0, np.float32)
    forgery = swap_faces(
        textured(), golden_landmarks(), textured(80, 80, 1), flat, np.random.default_rng(0)
    )
    assert forgery.fake.shape == (600, 512, 3)
    assert np.isfinite(forgery.mask).all()
