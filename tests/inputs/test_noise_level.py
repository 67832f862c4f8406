"""The level of the noise: known deviations come back, texture and clipping are left out."""

from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.noise_level import LEAST_SMOOTH, NoiseLevels, noise_levels


def noisy(sigma: float, height: int = 320, width: int = 384, seed: int = 4) -> np.ndarray:
    """A gentle slope of brightness with Gaussian noise, in whole grey levels."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(90, 150, width)[None, :] + np.zeros((height, 1))
    return np.round(slope + rng.normal(0, sigma, slope.shape)).clip(0, 255).astype(np.float32)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_a_known_standard_deviation_comes_back(sigma: float) -> None:
    levels = noise_levels(noisy(sigma))
    assert levels.sigma.shape == (10, 12)
    assert float(np.median(levels.sigma)) == pytest.approx(sigma, rel=0.12)
    assert levels.smooth.mean() > 0.8
    assert float(np.abs(levels.deviation).max()) < 0.6


def test_noise_that_rises_with_the_light_is_no_deviation() -> None:
    luma = noisy(0.0)
    rng = np.random.default_rng(1)
    luma = np.round(luma + rng.normal(0, 1, luma.shape) * (luma / 40 - 1.5)).astype(np.float32)
    levels = noise_levels(luma)
    assert levels.enough
    assert float(levels.sigma[:, -1].mean() / levels.sigma[:, 0].mean()) > 1.8
    assert float(np.abs(levels.deviation).max()) < 0.7


@pytest.mark.parametrize(("there", "sign"), [(6.0, 1), (0.9, -1)])
def test_a_region_with_other_noise_deviates(there: float, sign: int) -> None:
    luma = noisy(2.5)
    luma[96:192, 128:256] = noisy(there, seed=9)[96:192, 128:256]
    levels = noise_levels(luma)
    inside = levels.deviation[3:6, 4:8]
    assert (sign * inside > 1.0).all()
    outside = np.abs(levels.deviation).sum() - np.abs(inside).sum()
    assert outside / (levels.deviation.size - inside.size) < 0.3


def test_texture_is_not_taken_for_noise() -> None:
    luma = noisy(2.0)
    y, x = np.mgrid[:320, :384]
    waves = 30 * np.sin(x / 3.1 + y / 4.7)
    luma[:, 192:] += waves[:, 192:].astype(np.float32)
    levels = noise_levels(luma)
    assert levels.smooth[:, :6].mean() > 0.8
    assert not levels.smooth[:, 6:].any()


@pytest.mark.parametrize("value", [0.0, 5.0, 128.0, 255.0])
def test_flat_dark_and_saturated_pictures_have_no_smooth_noise(value: float) -> None:
    levels = noise_levels(np.full((160, 160), value, np.float32))
    assert not levels.smooth.any()
    assert not levels.enough
    assert not levels.deviation.any()


def test_too_few_smooth_blocks_give_no_deviation() -> None:
    levels = noise_levels(noisy(2.0, 96, 96))
    assert isinstance(levels, NoiseLevels)
    assert levels.smooth.sum() < LEAST_SMOOTH
    assert not levels.deviation.any()


def test_a_picture_under_one_block_has_no_blocks() -> None:
    assert noise_levels(noisy(2.0, 20, 300)).sigma.shape == (0, 9)


def test_a_large_picture_is_read_sparsely_and_tells_the_same() -> None:
    levels = noise_levels(noisy(3.0, 1760, 1760))
    assert float(np.median(levels.sigma)) == pytest.approx(3.0, rel=0.1)
    assert levels.smooth.mean() > 0.8
