from __future__ import annotations

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.forgery import Subject
from assay.training.forgeries.local_edits import EDITS, FORGER, LocalEdit, edit, local_edits
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SHAPE = (256, 320)
every_kind = pytest.mark.parametrize("kind", EDITS)


def made(kind: str, seed: int) -> LocalEdit:
    rng = np.random.default_rng(seed)
    return edit(kind, textured(*SHAPE), textured(300, 280, 5), rng)


@every_kind
def test_only_what_the_mask_names_has_changed(kind: str) -> None:
    genuine = textured(*SHAPE)
    changes = []
    for seed in range(8):
        one = made(kind, seed)
        assert one.fake.shape == genuine.shape
        assert one.fake.dtype == np.uint8
        assert one.mask.shape == one.source.shape == SHAPE
        assert one.mask.dtype == np.float32
        untouched = one.mask == 0
        assert 0.005 < 1 - untouched.mean() <= 0.21
        assert np.array_equal(one.fake[untouched], genuine[untouched])
        inside = one.mask > 0.9
        changes.append(float(np.abs(one.fake.astype(int) - genuine)[inside].mean()))
    assert min(changes) > 0.2
    assert max(changes) > 1


@every_kind
def test_the_same_seed_makes_the_same_edit(kind: str) -> None:
    first, second, other = made(kind, 3), made(kind, 3), made(kind, 4)
    assert np.array_equal(first.fake, second.fake)
    assert np.array_equal(first.mask, second.mask)
    assert not np.array_equal(first.mask, other.mask)


def test_a_plain_copy_is_found_again_in_its_source() -> None:
    genuine, exact = textured(*SHAPE), 0
    for seed in range(12):
        one = made("copy_move", seed)
        assert one.source.any()
        assert not (one.source * (one.mask > 0)).any()
        if one.note == "plain, hard edge":
            pasted, taken = (np.argwhere(part > 0) for part in (one.mask, one.source))
            assert len(pasted) == len(taken)
            before = genuine[taken[:, 0], taken[:, 1]]
            assert np.array_equal(one.fake[pasted[:, 0], pasted[:, 1]], before)
            exact += 1
    assert exact


def test_a_hard_splice_shows_the_other_picture() -> None:
    values = np.full((300, 300, 3), 255, np.uint8)
    for seed in range(12):
        one = edit("splice", textured(*SHAPE), values, np.random.default_rng(seed))
        if one.note == "hard edge":
            assert (one.fake[one.mask > 0] == 255).all()
            return
    pytest.fail("no hard edge was drawn")


def test_what_cannot_be_done_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="second picture"):
        edit("splice", textured(*SHAPE), None, rng)
    with pytest.raises(InputError, match="smaller"):
        edit("splice", textured(*SHAPE), np.zeros((8, 8, 3), np.uint8), rng)
    with pytest.raises(InputError, match="96 px"):
        edit("resave", textured(60, 60), None, rng)
    with pytest.raises(InputError, match="needs a picture"):
        FORGER.make(None, None, rng)
    with pytest.raises(InputError, match="1 to 20 %"):
        edit("inpainting", np.zeros((5000, 5000, 3), np.uint8), None, np.random.default_rng(0))


def test_the_forger_draws_among_the_kinds() -> None:
    names = set()
    for seed in range(30):
        forgery = local_edits(Subject(textured(*SHAPE)), None, np.random.default_rng(seed))
        names.add(forgery.name.split("/")[1].split(":")[0])
    assert names == set(EDITS) - {"splice"}
