from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.copy_move import EDGES, FORGER, copy_move
from assay.training.forgeries.forgery import Forgery, Subject
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SHAPE = (240, 300)


def made(seed: int) -> Forgery:
    return copy_move(Subject(textured(*SHAPE)), None, np.random.default_rng(seed))


def test_the_mask_is_the_pasted_place_and_nothing_else_changes() -> None:
    edges = set()
    for seed in range(30):
        forgery = made(seed)
        edges.add(forgery.name)
        assert np.array_equal(forgery.genuine, textured(*SHAPE))
        assert forgery.mask.shape == SHAPE
        assert forgery.mask.dtype == np.float32
        assert 0.9 < forgery.mask.max() <= 1
        untouched = forgery.mask == 0
        assert 0.5 < untouched.mean() < 0.995
        assert np.array_equal(forgery.fake[untouched], forgery.genuine[untouched])
        inside = forgery.mask > 0.9
        difference = np.abs(forgery.fake.astype(int) - forgery.genuine)[inside]
        assert difference.mean() > 3
    assert edges == {f"copy_move/{edge}" for edge in EDGES}


def test_what_was_pasted_stands_elsewhere_in_the_picture_too() -> None:
    """Of the hard-edged copies those neither turned nor scaled are found again, pixel for pixel."""
    import cv2

    exact = n_hard = 0
    for seed in range(40):
        forgery = made(seed)
        if not forgery.name.endswith("hard"):
            continue
        n_hard += 1
        rows, columns = np.nonzero(forgery.mask)
        middle_y, middle_x = int(rows.mean()), int(columns.mean())
        patch = forgery.fake[middle_y - 4 : middle_y + 5, middle_x - 4 : middle_x + 5]
        for picture in (forgery.genuine, forgery.genuine[:, ::-1]):
            match = cv2.matchTemplate(np.ascontiguousarray(picture), patch, cv2.TM_SQDIFF)
            if match.min() < 1:
                exact += 1
                break
    assert n_hard >= 5
    assert 1 <= exact < n_hard


def test_a_soft_edge_is_soft_and_a_hard_one_hard() -> None:
    for seed in range(20):
        forgery = made(seed)
        between = ((forgery.mask > 0.05) & (forgery.mask < 0.95)).sum()
        assert (between == 0) == forgery.name.endswith("hard")


def test_the_same_seed_gives_the_same_forgery_and_the_input_stays() -> None:
    rgb = textured(*SHAPE)
    rgb.flags.writeable = False
    first, again = (copy_move(Subject(rgb), None, np.random.default_rng(2)) for _ in range(2))
    assert np.array_equal(first.fake, again.fake)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.mask, made(3).mask)


def test_no_picture_and_too_small_a_one_are_refused() -> None:
    for subject in (None, Subject(textured(300, 80))):
        with pytest.raises(InputError):
            FORGER.make(subject, None, np.random.default_rng(0))


def test_small_and_narrow_pictures_are_forged() -> None:
    for shape in ((96, 96), (96, 700)):
        for seed in range(12):
            forgery = copy_move(Subject(textured(*shape)), None, np.random.default_rng(seed))
            assert forgery.mask.any()


def test_it_is_an_edit_of_any_picture() -> None:
    assert (FORGER.name, FORGER.kind, FORGER.needs) == ("copy_move", "edited", "picture")
