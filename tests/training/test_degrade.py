from __future__ import annotations

import numpy as np
import pytest

from assay.training import degrade as room
from assay.training.degrade import draw_degradation, h264_round_trip
from tests.real_faces import textured
from tests.training.makers import needs_opencv

pytestmark = [pytest.mark.train, needs_opencv]

SIDE_PX = 120.0


def drawn(seed: int, side_px: float = SIDE_PX) -> room.Degradation:
    return draw_degradation(np.random.default_rng(seed), side_px)


def test_one_draw_does_the_same_to_both_pictures() -> None:
    for seed in range(30):
        degrade = drawn(seed)
        rgb = textured(160, 150)
        assert np.array_equal(degrade(rgb), degrade(rgb.copy()))


def test_two_pictures_of_a_pair_stay_apart_only_where_they_were() -> None:
    """A pair that differs in one corner differs elsewhere by what coding alone spreads."""
    for seed in range(30):
        degrade = drawn(seed)
        genuine = textured(192, 192)
        fake = genuine.copy()
        fake[:40, :40] = 255 - fake[:40, :40]
        a, b = degrade(genuine).astype(int), degrade(fake).astype(int)
        far, near = a.shape[0] // 2, a.shape[0] // 6
        difference = np.abs(a - b)
        # H.264 spends its bits on the whole picture, so the far corner may change a little.
        assert difference[far:, far:].mean() < 0.25 * difference[:near, :near].mean()


def test_the_same_seed_draws_the_same_steps() -> None:
    rgb = textured(160, 150)
    assert all(np.array_equal(drawn(seed)(rgb), drawn(seed)(rgb)) for seed in range(10))
    shapes = {drawn(seed)(rgb).shape for seed in range(20)}
    assert len(shapes) > 3


def test_the_scale_is_the_resize_that_happened() -> None:
    rgb = textured(200, 180)
    scales = []
    for seed in range(60):
        degrade = drawn(seed, 150.0)
        out = degrade(rgb)
        assert out.dtype == np.uint8
        assert out.shape[0] == pytest.approx(200 * degrade.scale, abs=0.51)
        assert out.shape[1] == pytest.approx(180 * degrade.scale, abs=0.51)
        scales.append(degrade.scale)
    assert 15 < sum(scale < 1 for scale in scales) < 45


@pytest.mark.parametrize("side_px", [1.0, 56.0, 80.0, 400.0])
def test_a_face_is_not_shrunk_below_56_px(side_px: float) -> None:
    for seed in range(40):
        scale = drawn(seed, side_px).scale
        assert scale == 1.0 or side_px * scale >= 56.0 - 1e-6


@pytest.mark.parametrize("crf", [18, 37])
@pytest.mark.parametrize("shape", [(160, 128), (97, 113)])
def test_h264_keeps_the_shape_and_the_picture(crf: int, shape: tuple[int, int]) -> None:
    rgb = textured(*shape)
    out = h264_round_trip(rgb, crf)
    assert out.shape == rgb.shape
    assert out.dtype == np.uint8
    even = np.s_[: shape[0] & ~1, : shape[1] & ~1]
    error = np.abs(out[even].astype(int) - rgb[even].astype(int)).mean()
    assert 0.2 < error < 25


def test_h264_loses_more_at_a_higher_rate_factor() -> None:
    rgb = textured(160, 160)
    errors = [
        np.abs(h264_round_trip(rgb, crf).astype(int) - rgb.astype(int)).mean()
        for crf in (18, 28, 38)
    ]
    assert errors == sorted(errors)


def test_grey_is_grey_and_noise_is_the_same_twice() -> None:
    rgb = textured(60, 60)
    grey = room._grey(rgb)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    noise = room._noise(5.0, 3)
    assert np.array_equal(noise(rgb), noise(rgb))
    assert not np.array_equal(noise(rgb), rgb)


@pytest.mark.parametrize("shape", [(8, 8), (9, 300)])
def test_small_pictures_survive_every_step(shape: tuple[int, int]) -> None:
    rgb = textured(*shape)
    for seed in range(40):
        out = drawn(seed, 8.0)(rgb)
        assert out.ndim == 3
        assert min(out.shape[:2]) >= 8


def test_whole_pictures_are_sometimes_saved_as_webp() -> None:
    rgb = textured(120, 96)
    out = room._webp(60)(rgb)
    assert out.shape == rgb.shape
    assert 0.2 < np.abs(out.astype(int) - rgb.astype(int)).mean() < 25
    rough = room._webp(40)(rgb).astype(int)
    assert np.abs(rough - rgb).mean() > np.abs(room._webp(95)(rgb).astype(int) - rgb).mean()
    names = [
        step.__qualname__
        for seed in range(200)
        for step in room.draw_picture_degradation(
            np.random.default_rng(seed), (0.5, 1.3), 0.6
        ).steps
    ]
    assert 8 < sum("_webp" in name for name in names) < 45
    faces = [step.__qualname__ for seed in range(200) for step in drawn(seed).steps]
    assert not any("_webp" in name for name in faces)
