"""The sensor's pattern: estimated from known truth, found in crops, missing in parts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from assay.inputs.fingerprint import (
    Residue,
    SensorSums,
    local_match,
    match,
    residue_of,
    window_px,
)
from tests.inputs.sensors import sensor, shot


def residue(rgb: np.ndarray) -> Residue:
    return residue_of(rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


@cache
def sums() -> SensorSums:
    total = residue(shot(sensor(1), 0)).sums()
    for scene in range(1, 6):
        total = total.with_one(residue(shot(sensor(1), scene)).sums())
    return total


def test_the_estimate_is_the_known_pattern() -> None:
    estimate = sums().pattern()
    truth = sensor(1)
    assert sums().n == 6
    assert np.corrcoef(estimate.ravel(), truth.ravel())[0, 1] > 0.6
    assert abs(np.corrcoef(estimate.ravel(), sensor(2).ravel())[0, 1]) < 0.02


def test_one_picture_can_be_taken_out_again() -> None:
    extra = residue(shot(sensor(3), 9)).sums()
    back = sums().with_one(extra).without_one(extra)
    assert back.n == 6
    assert np.abs(back.weighed - sums().weighed).max() < 1e-3


def test_the_same_sensor_matches_and_another_does_not() -> None:
    own = match(residue(shot(sensor(1), 7)).weighed, sums().pattern())
    other = match(residue(shot(sensor(2), 7)).weighed, sums().pattern())
    assert own.searched == other.searched == 1
    assert own.pce > 300
    assert other.pce < 25


def test_a_crop_is_found_at_its_place() -> None:
    crop = shot(sensor(1), 7)[40:296, 65:385]
    found = match(residue(crop).weighed, sums().pattern())
    assert found.shift_px == (65, 40)
    assert found.pce > 100
    assert found.searched == (384 - 256 + 1) * (512 - 320 + 1)
    strange = match(residue(shot(sensor(2), 7)[40:296, 65:385]).weighed, sums().pattern())
    assert strange.pce < 60


def test_the_peak_energy_agrees_with_its_definition() -> None:
    rng = np.random.default_rng(0)
    pattern = rng.normal(0, 1, (64, 80)).astype(np.float32)
    signal = (pattern + rng.normal(0, 2, pattern.shape)).astype(np.float32)
    even = signal - signal.mean(0, keepdims=True)
    even -= even.mean(1, keepdims=True)
    all_places = np.array(
        [[(np.roll(even, (y, x), (0, 1)) * pattern).sum() for x in range(80)] for y in range(64)]
    )
    near = np.zeros((64, 80), bool)
    near[np.ix_(np.arange(-5, 6) % 64, np.arange(-5, 6) % 80)] = True
    expected = all_places[0, 0] ** 2 / (all_places[~near] ** 2).mean()
    assert match(signal, pattern).pce == pytest.approx(expected, rel=1e-3)


def test_nothing_matches_nothing() -> None:
    empty = np.zeros((64, 64), np.float32)
    assert match(empty, empty).pce == 0


def test_windows_without_the_pattern_are_seen() -> None:
    mixed = shot(sensor(1), 7)
    mixed[128:320, 160:400] = shot(sensor(2), 8)[128:320, 160:400]
    local = local_match(residue(mixed), sums().pattern())
    assert (local.window_px, local.step_px) == (128, 32)
    assert local.found.shape == (9, 13)
    inside = (slice(4, 7), slice(5, 9))  # windows that lie wholly in the foreign part
    assert float(np.abs(local.found[inside]).max()) < 4
    assert float(local.expected[inside].min()) > 8
    assert float(np.median(local.found[:, 10:] / local.expected[:, 10:])) > 0.5


def test_saturated_places_expect_nothing() -> None:
    burnt = shot(sensor(1), 7)
    burnt[128:320, 160:400] = 255
    local = local_match(residue(burnt), sums().pattern())
    assert float(local.expected[5, 7]) < 1


def test_large_pictures_have_larger_windows() -> None:
    assert [window_px(1000, 1000), window_px(3000, 2600)] == [128, 256]
