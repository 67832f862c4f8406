from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.mouth_rendering import rerender_mouth, reshape_mouth
from tests.real_faces import golden_landmarks, textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SEEDS = range(24)


def rendered(seed: int):  # type: ignore[no-untyped-def]
    return rerender_mouth(textured(), golden_landmarks(), np.random.default_rng(seed))


def test_the_mouth_changes_and_the_eyes_stay() -> None:
    landmarks = golden_landmarks()
    mouth = tuple(landmarks[[13, 14]].mean(axis=0).round().astype(int)[::-1])
    eye = tuple(landmarks[159].round().astype(int)[::-1])
    untouched = 0
    for seed in SEEDS:
        forgery = rendered(seed)
        untouched += np.array_equal(forgery.genuine, textured())
        outside = forgery.mask == 0
        assert np.array_equal(forgery.fake[outside], forgery.genuine[outside])
        assert forgery.mask[mouth] > 0.5
        difference = np.abs(forgery.fake.astype(int) - forgery.genuine.astype(int))
        assert difference[forgery.mask > 0.9].mean() > 2
        if "face_box" not in forgery.name:
            assert forgery.mask[eye] < 0.3  # a hull's soft edge may touch the lower lid
    assert 5 <= untouched <= 20  # two twins in five are as soft as the drawn mouth


def test_boxes_and_hulls_are_drawn_with_hard_and_soft_edges() -> None:
    forgeries = [rendered(seed) for seed in range(40)]
    kinds = {f.name.split("/")[1] for f in forgeries}
    assert kinds == {"lower_box", "face_box", "lower_face", "mouth"}
    hard = [set(np.unique(f.mask)) == {0.0, 1.0} for f in forgeries if "box" in f.name]
    assert 0 < sum(hard) < len(hard)


def test_reshaping_moves_the_lips_and_not_the_eyes() -> None:
    """On a picture of lines the mouth's surroundings move; those of the eyes do not."""
    landmarks = golden_landmarks()
    lines = np.zeros((600, 512, 3), np.uint8)
    lines[::8] = 255
    lines[1::8] = 255
    x, y = landmarks[17].round().astype(int)
    ex, ey = landmarks[159].round().astype(int)
    moved = 0
    for seed in range(12):
        out = reshape_mouth(lines, landmarks, np.random.default_rng(seed))
        moved += np.abs(out[y - 12 : y + 12, x].astype(int) - lines[y - 12 : y + 12, x]).max() > 60
        around_eye = np.s_[ey - 12 : ey + 12, ex - 8 : ex + 8]
        assert np.abs(out[around_eye].astype(int) - lines[around_eye]).max() < 40
    assert moved >= 8


def test_the_same_seed_gives_the_same_forgery() -> None:
    first, again, other = rendered(1), rendered(1), rendered(2)
    assert np.array_equal(first.fake, again.fake)
    assert not np.array_equal(first.fake, other.fake)
