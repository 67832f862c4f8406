"""The denoiser: its transform loses nothing, noise comes out, structure stays in."""

from __future__ import annotations

import numpy as np
import pytest

from assay.errors import TimeLimitError
from assay.inputs.sensor_noise import (
    HIGH,
    LOW,
    joined,
    least_variance,
    noise_of,
    split,
    without_lines,
    without_peaks,
)

RNG = np.random.default_rng(8)


def test_the_filters_are_orthonormal_with_four_vanishing_moments() -> None:
    assert float(LOW @ LOW) == pytest.approx(1)
    assert float(LOW @ HIGH) == pytest.approx(0, abs=1e-6)
    assert float(LOW.sum()) == pytest.approx(np.sqrt(2))
    for power in range(4):
        assert float(HIGH @ np.arange(8.0) ** power) == pytest.approx(0, abs=1e-3)


def test_split_and_joined_are_inverse_and_keep_the_energy() -> None:
    values = RNG.normal(0, 1, (16, 64)).astype(np.float32)
    low, high = split(values)
    assert np.abs(joined(low, high) - values).max() < 1e-5
    assert float((low**2).sum() + (high**2).sum()) == pytest.approx(float((values**2).sum()))


def test_noise_comes_out_and_structure_stays() -> None:
    y, x = np.mgrid[:256, :320]
    clean = (100 + 40 * np.sin(x / 40) + 60 * (y > 128)).astype(np.float32)
    added = RNG.normal(0, 3, clean.shape).astype(np.float32)
    noise = noise_of(clean + added)
    assert noise.shape == clean.shape
    assert np.corrcoef(noise.ravel(), added.ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(noise.ravel(), clean.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("shape", [(37, 61), (300, 64), (32, 32)])
def test_any_size_is_taken(shape: tuple[int, int]) -> None:
    noise = noise_of(RNG.normal(120, 3, shape).astype(np.float32))
    assert noise.shape == shape
    assert np.isfinite(noise).all()


def test_nothing_comes_out_of_one_value() -> None:
    assert float(np.abs(noise_of(np.full((64, 64), 200, np.float32))).max()) < 1e-3


def test_the_least_variance_is_that_of_the_best_window() -> None:
    values = np.zeros((32, 32), np.float32)
    values[:, 16:] = 10
    least = least_variance(values, 2.0)
    assert float(least[16, 2]) == 0
    assert float(least[16, 28]) == pytest.approx(96)
    assert float(least[16, 14]) == 0  # a window of 3 px does not reach the step


def test_rows_and_columns_have_no_mean_left() -> None:
    values = RNG.normal(0, 1, (30, 40)) + np.arange(30)[:, None] + np.arange(40)[None, :] ** 2
    even = without_lines(values.astype(np.float32))
    assert float(np.abs(even.mean(axis=0)).max()) < 1e-3
    assert float(np.abs(even.mean(axis=1)).max()) < 1e-3


def test_a_grid_is_taken_out_and_noise_is_kept() -> None:
    noise = RNG.normal(0, 1, (256, 256)).astype(np.float32)
    grid = np.where(np.arange(256)[None, :] % 8 == 0, 3.0, 0.0).astype(np.float32)
    cleaned = without_peaks(noise + np.broadcast_to(grid - grid.mean(), noise.shape))
    left = np.abs(np.fft.rfft2(cleaned))[0, 32] / np.abs(np.fft.rfft2(noise + grid))[0, 32]
    assert left < 0.1
    assert np.corrcoef(cleaned.ravel(), noise.ravel())[0, 1] > 0.9


def test_it_can_be_stopped() -> None:
    def stop() -> None:
        raise TimeLimitError("enough")

    with pytest.raises(TimeLimitError):
        noise_of(np.zeros((64, 64), np.float32), stop)
