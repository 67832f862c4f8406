from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.colour_filter import places_of, read_mosaic
from assay.types import Array
from tests.inputs.made_copies import resaved, scene


def seen_through_a_mosaic(rgb: Array, phase: int = 0, seed: int = 0) -> Array:
    """The green of every other pixel, shifted by `phase`, made up from its four neighbours."""
    noisy = rgb + np.random.default_rng(seed).normal(0, 4, rgb.shape)
    sides = [np.roll(noisy[..., 1], by, axis) for by in (-1, 1) for axis in (0, 1)]
    rows, columns = np.indices(rgb.shape[:2])
    made = noisy.copy()
    made[..., 1] = np.where((rows + columns + phase) % 2, np.mean(sides, axis=0), noisy[..., 1])
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def noisy(seed: int = 9) -> Array:
    rgb = scene() + np.random.default_rng(seed).normal(0, 4, (420, 520, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("phase", [0, 1])
def test_the_mosaic_and_its_phase_are_read(phase: int) -> None:
    mosaic = read_mosaic(seen_through_a_mosaic(scene(), phase))
    assert mosaic is not None
    assert mosaic.strength > 20
    assert (mosaic.mean > 0) == (phase == 0)


def test_a_trace_outlives_mild_compression_only() -> None:
    picture = seen_through_a_mosaic(scene())
    strengths = []
    for quality in (98, 90, 50):
        mosaic = read_mosaic(resaved(picture, quality))
        assert mosaic is not None
        strengths.append(mosaic.strength)
    assert strengths[0] > strengths[1] > strengths[2]
    assert strengths[0] > 8
    assert strengths[2] < 4


def test_pixels_seen_in_all_colours_have_no_mosaic() -> None:
    mosaic = read_mosaic(noisy())
    assert mosaic is not None
    assert mosaic.strength < 4


@pytest.mark.parametrize("phase", [1, None])
def test_the_part_without_the_mosaic_or_with_another_is_placed(phase: int | None) -> None:
    rgb = seen_through_a_mosaic(scene())
    other = noisy() if phase is None else seen_through_a_mosaic(scene(), phase)
    rgb[128:288, 160:352] = other[128:288, 160:352]
    mosaic = read_mosaic(rgb)
    assert mosaic is not None
    places = places_of(mosaic)
    inside = places.share[10:16, 12:20]
    assert inside.mean() == pytest.approx(0 if phase is None else -1, abs=0.25)
    assert places.share[:5].mean() == pytest.approx(1, abs=0.2)
    assert places.gap[10:16, 12:20].min() > places.gap[:5].max()


@pytest.mark.parametrize("shape", [(1, 1, 3), (20, 900, 3), (300, 300, 3)])
def test_small_and_flat_pictures_tell_nothing(shape: tuple[int, int, int]) -> None:
    assert read_mosaic(np.full(shape, 255, np.uint8)) is None
