from __future__ import annotations

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.inputs.face import FaceInput  # noqa: E402
from assay.training import pairs  # noqa: E402
from assay.training.degrade import Degradation  # noqa: E402
from assay.training.forgeries.forgery import Forgery  # noqa: E402
from assay.training.pairs import MASK_STRIDE, METHODS, Mixture, Pair, PairSource, changed_mask  # noqa: E402
from tests.real_faces import textured  # noqa: E402
from tests.training.makers import SMALL, make_view  # noqa: E402

DECODED = textured(240, 280, 9)
VIEWS = [
    make_view("a", 1, reconstructions=(DECODED,)),
    make_view("a", 2, reconstructions=(DECODED, DECODED)),
    make_view("b", 3, reconstructions=(DECODED,)),
]
TWINS = [make_view("c", 4, twin=True), make_view("d", 5, twin=True)]


def same(a: Pair, b: Pair) -> bool:
    arrays = ("genuine", "fake", "mask")
    alike = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)
    return alike and (a.method, a.source) == (b.method, b.source)


def test_the_same_seed_gives_the_same_pair_from_another_source_too() -> None:
    first, second = (PairSource(VIEWS + TWINS, SMALL, Mixture()) for _ in range(2))
    for seed in (0, 1, 77, 10_000_005):
        assert same(first.draw(seed), second.draw(seed))
    assert not same(first.draw(1), first.draw(2))


@pytest.mark.parametrize("size_px", [112, 224])
def test_shapes_and_types(size_px: int) -> None:
    source = PairSource(VIEWS + TWINS, FaceInput(size_px=size_px, scale=1.25), Mixture())
    for seed in range(6):
        pair = source.draw(seed)
        assert pair.genuine.shape == pair.fake.shape == (size_px, size_px, 3)
        assert pair.genuine.dtype == pair.fake.dtype == np.uint8
        assert pair.mask is not None
        assert pair.mask.shape == (size_px // MASK_STRIDE, size_px // MASK_STRIDE)
        assert pair.mask.dtype == np.float32
        assert 0.0 <= pair.mask.min() <= pair.mask.max() <= 1.0
        assert pair.mask.max() > 0.05


@pytest.mark.parametrize(
    ("mixture", "expected"),
    [
        (Mixture(0.0, 0.0), {"self_blend"}),
        (Mixture(0.0, 1.0), {"two_faces"}),
        (Mixture(1.0, 0.0), {"swapped_twin"}),
        (Mixture(0.0, 0.0, mouths=1.0), {"mouth_rendering"}),
        (Mixture(0.0, 0.0, reconstructions=1.0), {"face_reconstruction"}),
    ],
)
def test_the_mixture_says_what_is_drawn(mixture: Mixture, expected: set[str]) -> None:
    source = PairSource(VIEWS + TWINS, SMALL, mixture)
    pairs = [source.draw(seed) for seed in range(8)]
    assert {pair.method for pair in pairs} == expected <= set(METHODS)
    assert {pair.source for pair in pairs} == {"made"}
    assert all(pair.aligned for pair in pairs)


def test_the_shares_of_the_mixture_follow_one_another() -> None:
    mixture = Mixture(0.2, 0.1, 0.3, 0.15)
    names = [mixture.method(share) for share in np.linspace(0, 1, 2000, endpoint=False)]
    shares = {name: names.count(name) / 2000 for name in METHODS}
    wanted = dict(zip(METHODS, (0.25, 0.1, 0.3, 0.15, 0.2), strict=True))
    assert shares == pytest.approx(wanted, abs=0.002)


def test_without_reconstructions_none_are_drawn() -> None:
    source = PairSource([make_view()], SMALL, Mixture(0.0, 0.0, reconstructions=1.0))
    assert source.draw(0).method == "self_blend"


def test_a_donor_is_another_person() -> None:
    source = PairSource(VIEWS, SMALL, Mixture())
    rng = np.random.default_rng(0)
    assert {source._donor(VIEWS[0], rng).group for _ in range(20)} == {"b"}
    alone = PairSource(VIEWS[:2], SMALL, Mixture(0.0, 1.0))
    assert alone.draw(0).method == "two_faces"  # where there is nobody else, another picture


def test_a_given_view_is_forged_as_asked() -> None:
    source = PairSource(VIEWS + TWINS, SMALL, Mixture())
    view = make_view("z", 7, method="elsewhere")
    for method in ("self_blend", "two_faces", "mouth_rendering"):
        pair = source.draw_as(method, np.random.default_rng(1), view)
        assert (pair.method, pair.source) == (method, "elsewhere")
    twin = source.draw_as("swapped_twin", np.random.default_rng(1), TWINS[1])
    assert twin.method == "swapped_twin"


def test_the_tags_are_all_methods_and_sources() -> None:
    source = PairSource([make_view(method="x"), make_view(method="y")], SMALL, Mixture())
    assert source.tags == tuple(sorted({*METHODS, "x", "y"}))


def test_without_twins_the_rest_takes_their_share() -> None:
    source = PairSource(VIEWS, SMALL, Mixture(swapped_twins=0.9, two_faces=0.05))
    assert source.mixture.swapped_twins == 0.0
    names = [source.draw(seed).method for seed in range(10)]
    assert all(name.startswith(("self_blend", "two_faces")) for name in names)


def test_a_large_source_does_not_drown_a_small_one() -> None:
    many = [make_view(f"p{n}", 1, method="large") for n in range(16)]
    few = [make_view("q", 2, method="small")]
    source = PairSource(many + few, SMALL, Mixture())
    rng = np.random.default_rng(0)
    drawn = [source._genuine.draw(rng).method for _ in range(600)]
    # 16 views of 16 people weigh (16 * 16) ** 0.25 = 4 times as much as one view of one.
    assert drawn.count("small") / 600 == pytest.approx(0.2, abs=0.05)


def plain(monkeypatch: pytest.MonkeyPatch, scale: float = 1.0) -> None:
    """No degradation but one resize."""

    def shrink(rgb: np.ndarray) -> np.ndarray:
        size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
        return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))

    made = Degradation((shrink,) if scale < 1 else (), scale)
    monkeypatch.setattr(pairs, "draw_degradation", lambda rng, side_px: made)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_mask_stays_on_the_change_after_mirroring_jitter_and_resizing(
    monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    plain(monkeypatch, scale)
    source = PairSource(VIEWS, FaceInput(size_px=112, scale=1.25), Mixture())
    view = VIEWS[0]
    rgb = np.asarray(view.rgb)
    mask = np.zeros(rgb.shape[:2], np.float32)
    x0, y0 = view.box_px[:2].astype(int)
    mask[y0 + 20 : y0 + 70, x0 + 10 : x0 + 60] = 1.0  # off the middle, so that a slip shows
    fake = np.where(mask[..., None] > 0, 255 - rgb, rgb).astype(np.uint8)
    forgery = Forgery(fake, rgb, mask, "made")
    centres = []
    for seed in range(16):
        pair = source._finish(forgery, view, np.random.default_rng(seed))
        changed = np.abs(pair.fake.astype(int) - pair.genuine.astype(int)).mean(axis=2) > 12
        assert pair.mask is not None
        small = cv2.resize(changed.astype(np.float32), (14, 14), interpolation=cv2.INTER_AREA)
        both = ((small > 0.5) & (pair.mask > 0.5)).sum()
        either = ((small > 0.5) | (pair.mask > 0.5)).sum()
        assert both / either > 0.6
        centres.append(float(np.argwhere(pair.mask > 0.5)[:, 1].mean()))
    assert min(centres) < 6 < 8 < max(centres)  # mirrored in some, not in others


def test_the_face_stays_in_the_middle_of_the_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    plain(monkeypatch)
    view = VIEWS[0]
    x, y = ((view.box_px[:2] + view.box_px[2:]) / 2).astype(int)
    rgb = np.zeros_like(np.asarray(view.rgb))
    rgb[y - 4 : y + 5, x - 4 : x + 5] = 255
    forgery = Forgery(rgb, rgb, np.zeros(rgb.shape[:2], np.float32), "made")
    source = PairSource(VIEWS, FaceInput(size_px=100, scale=1.25), Mixture())
    for seed in range(12):
        pair = source._finish(forgery, view, np.random.default_rng(seed))
        middle = np.argwhere(pair.genuine[..., 0] > 127).mean(axis=0)
        assert np.abs(middle - 49.5).max() < 8  # the jitter alone


def test_genuine_and_fake_are_cut_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    plain(monkeypatch)
    source = PairSource(VIEWS, SMALL, Mixture(0.0, 0.0))
    for seed in range(10):
        pair = source.draw(seed)
        assert pair.mask is not None
        outside = cv2.resize(pair.mask, (32, 32), interpolation=cv2.INTER_NEAREST) == 0
        inner = cv2.erode(outside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if inner.any():
            assert np.array_equal(pair.genuine[inner], pair.fake[inner])


def test_a_changed_mask_marks_the_change() -> None:
    view = TWINS[0]
    genuine, fake = np.asarray(view.rgb), np.asarray(view.twin)
    mask = changed_mask(genuine, fake)
    truth = np.abs(genuine.astype(int) - fake.astype(int)).max(axis=2) > 10
    assert mask.dtype == np.float32
    assert mask[truth].mean() > 0.8
    assert mask[~truth].mean() < 0.15  # a soft edge lies about the change
    assert changed_mask(genuine, genuine).max() == 0.0


def test_the_sources_pictures_are_left_alone() -> None:
    view, twin = make_view("a", 1), make_view("c", 4, twin=True)
    assert twin.twin is not None
    for array in (view.rgb, twin.rgb, twin.twin):
        array.flags.writeable = False
    source = PairSource([view, twin], SMALL, Mixture(0.4, 0.3))
    for seed in range(12):
        source.draw(seed)
    assert np.array_equal(view.rgb, make_view("a", 1).rgb)
