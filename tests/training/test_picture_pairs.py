from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.inputs.patch import PatchInput  # noqa: E402
from assay.training import picture_pairs  # noqa: E402
from assay.training.degrade import Degradation  # noqa: E402
from assay.training.pairs import Pair  # noqa: E402
from assay.training.picture_pairs import PicturePairSource  # noqa: E402
from tests.training.makers import make_picture  # noqa: E402

RECIPE = PatchInput(size_px=64)
GENUINE = [make_picture(n) for n in range(3)]
ALIGNED = [make_picture(n, twin=True, method="decoder") for n in range(2)]
FREE = [make_picture(n, fake=True, method="gan") for n in (7, 8)]


def source(*pictures: list, recipe: PatchInput = RECIPE, aligned: float = 0.5) -> PicturePairSource:
    return PicturePairSource([p for part in pictures for p in part], recipe, aligned)


def same(a: Pair, b: Pair) -> bool:
    alike = np.array_equal(a.genuine, b.genuine) and np.array_equal(a.fake, b.fake)
    return alike and (a.method, a.source, a.aligned) == (b.method, b.source, b.aligned)


def test_the_same_seed_gives_the_same_pair_from_another_source_too() -> None:
    first, second = (source(GENUINE, ALIGNED, FREE) for _ in range(2))
    for seed in (0, 1, 77, 10_000_005):
        assert same(first.draw(seed), second.draw(seed))
    assert not same(first.draw(1), first.draw(2))


@pytest.mark.parametrize("side", [64, 70, 96, 200, 700])
@pytest.mark.parametrize("size_px", [64, 192])
def test_sizes_are_always_those_of_the_recipe(side: int, size_px: int) -> None:
    if side < size_px:
        side = size_px + 8  # 200 px, as the smallest pictures of the real sets are
    genuine = [make_picture(n, side) for n in range(2)]
    forged = [make_picture(n, side, twin=True) for n in range(2)]
    free = [make_picture(3, side + 40, fake=True, method="gan")]
    pairs = source(genuine, forged, free, recipe=PatchInput(size_px=size_px))
    for seed in range(25):
        pair = pairs.draw(seed)
        assert pair.genuine.shape == pair.fake.shape == (size_px, size_px, 3)
        assert pair.genuine.dtype == pair.fake.dtype == np.uint8
        assert pair.mask is None


def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Degradation((), 1.0)
    monkeypatch.setattr(picture_pairs, "draw_picture_degradation", lambda *_: nothing)


def test_aligned_pairs_show_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    plain(monkeypatch)
    pairs = source(GENUINE, ALIGNED)
    for seed in range(20):
        pair = pairs.draw(seed)
        assert pair.aligned
        assert np.array_equal(pair.fake, pair.genuine // 2 + 64)  # as the maker made it


def test_aligned_pairs_are_degraded_alike() -> None:
    copies = [make_picture(n, side=160, twin=True) for n in range(2)]
    copies = [type(p)(**{n: getattr(p, n) for n in p.__slots__} | {"rgb": p.twin}) for p in copies]
    pairs = source(copies)  # forgeries that are their own twins
    degraded = 0
    for seed in range(20):
        pair = pairs.draw(seed)
        assert np.array_equal(pair.genuine, pair.fake)
        degraded += not any(_holds(p.twin, pair.genuine) for p in copies)
    assert degraded >= 5


def _holds(picture: np.ndarray | None, patch: np.ndarray) -> bool:
    """Whether the patch stands in the picture, mirrored or not."""
    assert picture is not None
    for part in (patch, patch[:, ::-1]):
        for y, x in np.argwhere((picture == part[0, 0]).all(axis=2)):
            cut = picture[y : y + part.shape[0], x : x + part.shape[1]]
            if cut.shape == part.shape and np.array_equal(cut, part):
                return True
    return False


def test_free_pairs_are_of_two_pictures_and_never_ranked() -> None:
    pairs = source(GENUINE, FREE)
    for seed in range(10):
        pair = pairs.draw(seed)
        assert (pair.method, pair.source, pair.aligned) == ("gan", "camera", False)


def test_half_of_the_pairs_are_aligned_where_there_are_both() -> None:
    drawn = Counter(source(GENUINE, ALIGNED, FREE).draw(seed).aligned for seed in range(200))
    assert drawn[True] == pytest.approx(100, abs=25)


def test_of_aligned_forgeries_a_method_with_many_is_drawn_no_more_often() -> None:
    many = [make_picture(n, twin=True, method="large") for n in range(30)]
    one = [make_picture(1, twin=True, method="small")]
    drawn = Counter(source(GENUINE, many, one).draw(seed).method for seed in range(150))
    assert drawn["small"] == pytest.approx(75, abs=25)


def test_a_generator_is_drawn_by_the_root_of_its_pictures() -> None:
    many = [make_picture(n, fake=True, method="large", group=f"g{n}") for n in range(36)]
    few = [make_picture(n, fake=True, method="small", group=f"h{n}") for n in range(4)]
    drawn = Counter(source(GENUINE, many, few).draw(seed).method for seed in range(400))
    assert drawn["small"] / 400 == pytest.approx(0.25, abs=0.07)


def test_a_large_source_does_not_drown_a_small_one() -> None:
    many = [make_picture(n, method="large", group=f"p{n}") for n in range(16)]
    few = [make_picture(20, method="small")]
    drawn = Counter(source(many, few, FREE).draw(seed).source for seed in range(400))
    # 16 pictures of 16 people weigh (16 * 16) ** 0.25 = 4 times as much as one of one.
    assert drawn["small"] / 400 == pytest.approx(0.2, abs=0.06)


def test_an_aligned_forgery_is_of_the_source_of_its_genuine_picture() -> None:
    pair = source(GENUINE, ALIGNED).draw(0)
    assert (pair.method, pair.source) == ("decoder", "camera")
    assert source(GENUINE, ALIGNED, FREE).tags == ("camera", "decoder", "gan")
    # Where that is not there, of its own method: leaving it out leaves the pair out.
    assert source(ALIGNED).draw(0).source == "decoder"


def test_the_pictures_are_left_alone() -> None:
    pictures = [make_picture(0), make_picture(1, twin=True), make_picture(2, fake=True)]
    for picture in pictures:
        picture.rgb.flags.writeable = False
    pairs = PicturePairSource(pictures, RECIPE)
    for seed in range(12):
        pairs.draw(seed)
    assert np.array_equal(pictures[0].rgb, make_picture(0).rgb)
