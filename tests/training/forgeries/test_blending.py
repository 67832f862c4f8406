from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.blending import (
    blend,
    blend_poisson,
    blend_pyramid,
    blend_somehow,
    match_colours,
    match_histograms,
    restore_detail,
)
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]


def disc(height: int = 120, width: int = 100, radius: int = 30) -> np.ndarray:  # type: ignore[type-arg]
    ys, xs = np.mgrid[0:height, 0:width]
    return (np.hypot(ys - height // 2, xs - width // 2) < radius).astype(np.float32)


def test_blend_follows_the_mask() -> None:
    source, target = np.full((4, 4, 3), 200, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    mask = np.zeros((4, 4), np.float32)
    mask[0], mask[1], mask[2] = 1.0, 0.5, 0.25
    assert blend(source, target, mask)[:, 0, 0].tolist() == [200, 150, 125, 100]
    assert np.array_equal(blend(target, target, mask), target)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_changes_where_the_returned_mask_is_zero(seed: int) -> None:
    source, target = textured(120, 100, 1), textured(120, 100, 2)
    fake, mask, _way = blend_somehow(source, target, disc(), np.random.default_rng(seed))
    assert mask.dtype == np.float32
    assert 0 <= mask.min() <= mask.max() <= 1
    assert np.array_equal(fake[mask == 0], target[mask == 0])
    assert mask[60, 50] > 0.9
    assert mask[2, 2] == 0
    changed = np.abs(fake.astype(int) - target.astype(int)).mean(axis=2)
    assert changed[mask > 0.9].mean() > 5


def test_poisson_keeps_the_place_and_takes_the_colour_of_the_target() -> None:
    target = np.full((120, 100, 3), (60, 90, 120), np.uint8)
    source = np.full((120, 100, 3), 200, np.uint8)
    source[58:63, 48:53] = 150
    fake, mask = blend_poisson(source, target, disc(), is_mixed=False)
    dip = np.argwhere(fake[..., 1] < 70).mean(axis=0)
    assert np.abs(dip - (60, 50)).max() < 1.0
    assert np.abs(fake[45, 40].astype(int) - (60, 90, 120)).max() <= 4
    assert np.array_equal(fake[mask == 0], target[mask == 0])
    again = disc()
    blend_poisson(source, target, again, is_mixed=True)
    assert np.array_equal(again, disc())


def test_poisson_survives_a_mask_at_the_border_a_full_one_and_none() -> None:
    source, target = textured(61, 47, 1), textured(61, 47, 2)
    corner = np.zeros((61, 47), np.float32)
    corner[:30, :30] = 1
    for mask in (corner, np.ones_like(corner), np.zeros_like(corner)):
        fake, changed = blend_poisson(source, target, mask, is_mixed=False)
        assert fake.shape == target.shape
        assert np.array_equal(fake[changed == 0], target[changed == 0])
        assert (changed.max() > 0.9) == bool(mask.any())


def test_a_pyramid_blends_coarse_colours_wider_than_fine_detail() -> None:
    mask = disc()
    flat, grey = np.full((120, 100, 3), 200, np.uint8), np.full((120, 100, 3), 100, np.uint8)
    fake, reach = blend_pyramid(flat, grey, mask, 4)
    assert 105 < fake[60, 83, 0] < 195  # three pixels outside the disc
    assert (reach > 0).sum() > 1.2 * mask.sum()
    assert fake[60, 50, 0] > 190
    none, kept = blend_pyramid(flat, grey, mask, 0)
    assert np.array_equal(kept, mask)
    assert np.array_equal(none, blend(flat, grey, mask))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (17, 2)])
def test_tiny_pictures_are_blended_too(shape: tuple[int, int]) -> None:
    source, target = textured(*shape, 1), textured(*shape, 2)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        fake, mask, _ = blend_somehow(source, target, np.ones(shape, np.float32), rng)
        assert fake.shape == target.shape
        assert mask.shape == shape


@pytest.mark.parametrize("match", [match_colours, match_histograms])
def test_colours_are_matched_within_the_mask(match) -> None:  # type: ignore[no-untyped-def]
    target = textured(60, 60, 1) // 2
    source = 255 - textured(60, 60, 2) // 2
    mask = np.zeros((60, 60), np.float32)
    mask[10:50, 10:50] = 1
    matched, inside = match(source, target, mask), mask > 0
    assert np.abs(matched[inside].mean(axis=0) - target[inside].mean(axis=0)).max() < 6
    assert np.array_equal(match(source, target, np.zeros_like(mask)), source)


def test_detail_that_was_lost_comes_back_within_the_mask_only() -> None:
    import cv2

    target, mask = textured(120, 100, 3), disc()
    smooth = cv2.GaussianBlur(target, (0, 0), 1.2)
    sharp = restore_detail(smooth, target, mask, np.random.default_rng(0))

    def edges(rgb: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(np.abs(np.diff(rgb.astype(int), axis=1))[mask[:, 1:] > 0].mean())

    assert edges(sharp) > 1.15 * edges(smooth)
    assert np.array_equal(sharp[mask == 0], smooth[mask == 0])
