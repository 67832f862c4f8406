from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.two_faces import aligned_donor, closest_donor, swap_faces
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
def test_only_the_mask_changes_and_the_twin_shows_the_target(donor_scale: float) -> None:
    untouched_twins = 0
    for seed in range(12):
        forgery = swapped(seed, donor_scale)
        untouched_twins += np.array_equal(forgery.genuine, textured())
        outside = forgery.mask == 0
        assert outside.any()
        assert np.array_equal(forgery.fake[outside], forgery.genuine[outside])
        difference = np.abs(forgery.fake.astype(int) - forgery.genuine.astype(int))
        assert difference[forgery.mask > 0.9].mean() > 5
        assert 0.9 <= forgery.mask.max() <= 1.0
        assert forgery.name.startswith("two_faces/")
    assert 2 <= untouched_twins <= 10  # every second twin is resampled


def test_every_way_of_blending_is_drawn() -> None:
    ways = {swapped(seed).name.rsplit("/", 1)[1] for seed in range(25)}
    assert ways == {"alpha", "poisson", "pyramid"}


def test_the_donor_is_drawn_from_those_of_the_same_pose() -> None:
    own = golden_landmarks()
    turned = own.copy()
    turned[:, 0] *= 0.6  # a face that looks aside is narrower
    same = (own @ np.array([[0, 2], [-2, 0]]) + 300).astype(np.float32)
    rng = np.random.default_rng(0)
    candidates = [turned, same, turned]
    assert {closest_donor(own, candidates, rng, among=1) for _ in range(5)} == {1}
    assert {closest_donor(own, candidates, rng) for _ in range(40)} == {0, 1, 2}
    with pytest.raises(InputError):
        closest_donor(own, [], rng)


def test_a_bend_brings_a_feature_to_its_place() -> None:
    """A donor whose mouth hangs lower than an affine map can follow: only the bend lifts it."""
    import cv2

    own = golden_landmarks()
    drawn = own.copy()
    mouth = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 13, 14, 17, 84, 314, 78, 308]
    below = np.argsort(np.linalg.norm(own - own[14], axis=1))[:60]
    drawn[below, 1] += 20
    donor = np.full((600, 512, 3), 90, np.uint8)
    centre = drawn[mouth].mean(axis=0)
    cv2.circle(donor, tuple(int(v) for v in centre), 6, (250, 250, 250), -1)
    off = []
    for is_bent in (False, True):
        out = aligned_donor(donor, drawn, own, (600, 512), cv2.INTER_LINEAR, is_bent)
        spot = np.argwhere(out[..., 0] > 150).mean(axis=0)[::-1]
        off.append(float(np.linalg.norm(spot - own[mouth].mean(axis=0))))
    assert off[0] > 3
    assert off[1] < 0.5 * off[0]


def test_the_donor_lands_where_the_landmarks_say() -> None:
    """A donor with one bright spot on its nose puts the spot on the target's nose."""
    donor = np.full((300, 256, 3), 90, np.uint8)
    donor_landmarks = (golden_landmarks() * 0.5).astype(np.float32)
    x, y = donor_landmarks[1].round().astype(int)
    donor[y - 6 : y + 7, x - 6 : x + 7] = 250
    target = np.full((600, 512, 3), 90, np.uint8)
    found = 0
    for seed in range(16):
        forgery = swap_faces(
            target, golden_landmarks(), donor, donor_landmarks, np.random.default_rng(seed)
        )
        if "lower" in forgery.name:
            continue  # the nose lies outside that hull
        if "poisson" in forgery.name:
            continue  # takes gradients over, not brightness
        brightness = forgery.fake.astype(float).mean(axis=2)
        if np.ptp(brightness) < 5:
            continue  # a histogram like that of a flat target
        found += 1
        brightest = np.argwhere(brightness > brightness.max() - 5).mean(axis=0)[::-1]
        assert np.linalg.norm(brightest - golden_landmarks()[1]) < 25
    assert found >= 4


def test_the_same_seed_gives_the_same_forgery() -> None:
    first, again, other = swapped(1), swapped(1), swapped(2)
    assert np.array_equal(first.fake, again.fake)
    assert not np.array_equal(first.fake, other.fake)


def test_a_donor_without_extent_is_survived() -> None:
    flat = np.full((468, 2), 40.0, np.float32)
    forgery = swap_faces(
        textured(), golden_landmarks(), textured(80, 80, 1), flat, np.random.default_rng(0)
    )
    assert forgery.fake.shape == (600, 512, 3)
    assert np.isfinite(forgery.mask).all()
