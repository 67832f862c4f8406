from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.forgery import Subject
from assay.training.forgeries.inpainting import FORGER, WAYS, filled, inpainting
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def made(seed: int):  # type: ignore[no-untyped-def]
    return inpainting(Subject(textured(220, 260)), None, np.random.default_rng(seed))


def test_the_mask_is_exactly_what_was_filled() -> None:
    ways = set()
    for seed in range(12):
        forgery = made(seed)
        ways.add(forgery.name)
        assert np.array_equal(forgery.genuine, textured(220, 260))
        assert forgery.mask.dtype == np.float32
        assert set(np.unique(forgery.mask)) == {0.0, 1.0}
        outside = forgery.mask == 0
        assert np.array_equal(forgery.fake[outside], forgery.genuine[outside])
        changed = (forgery.fake != forgery.genuine).any(axis=2)[~outside]
        assert changed.mean() > 0.9
    assert ways == {f"inpainting/{way}" for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_removed_is_gone(way: str) -> None:
    """A bright spot on a plain ground is filled with the ground."""
    rgb = np.full((150, 150, 3), 90, np.uint8)
    rgb[70:90, 60:80] = 250
    region = np.zeros((150, 150), np.float32)
    region[64:96, 54:86] = 1
    fake = filled(rgb, region, way, np.random.default_rng(0))
    assert np.abs(fake.astype(int) - 90).max() <= 5


def test_the_same_seed_gives_the_same_forgery() -> None:
    assert np.array_equal(made(4).fake, made(4).fake)
    assert not np.array_equal(made(4).mask, made(5).mask)


def test_no_picture_and_too_small_a_one_are_refused() -> None:
    for subject in (None, Subject(textured(60, 300))):
        with pytest.raises(InputError):
            FORGER.make(subject, None, np.random.default_rng(0))


def test_it_is_an_edit_of_any_picture() -> None:
    assert (FORGER.name, FORGER.kind, FORGER.needs) == ("inpainting", "edited", "picture")
