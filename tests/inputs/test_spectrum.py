from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.inputs.spectrum import FEATURES, GROUPS, NAMES, SpectrumInput, measure_spectrum
from assay.media.resample import blurred, resaved

RECIPE = SpectrumInput()
SIDE = RECIPE.size_px


def scene(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Cloudy structure with grain, (side, side, 3) uint8: no grid, no repeats."""
    random = np.random.default_rng(seed)
    coarse = blurred(random.integers(0, 256, (side, side, 3), dtype=np.uint8), 6).astype(float)
    soft = 128 + 6 * (coarse - coarse.mean())
    return np.clip(soft + random.normal(0, 6, (side, side, 3)), 0, 255).astype(np.uint8)


def measured(*windows: np.ndarray) -> list[dict[str, float]]:
    rows = measure_spectrum(np.stack(windows), RECIPE)
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in rows]


def means(make: object, n: int = 6) -> dict[str, float]:
    """Mean features of several scenes, each changed by `make`."""
    rows = [list(measured(make(scene(seed)))[0].values()) for seed in range(n)]  # type: ignore[operator]
    return dict(zip(NAMES, np.mean(rows, axis=0).tolist(), strict=True))


def as_it_is(rgb: np.ndarray) -> np.ndarray:
    return rgb


def doubled(rgb: np.ndarray) -> np.ndarray:
    small = rgb[: SIDE // 2, : SIDE // 2]
    return np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)


def on_a_checkerboard(rgb: np.ndarray) -> np.ndarray:
    """What a transposed convolution of uneven overlap adds: a pattern of two pixels."""
    rows, columns = np.indices(rgb.shape[:2])
    pattern = np.where((rows + columns) % 2, 2, -2)[..., None]
    return np.clip(rgb.astype(int) + pattern, 0, 255).astype(np.uint8)


def demosaiced(rgb: np.ndarray) -> np.ndarray:
    """Green known on a checkerboard only, the rest the mean of its neighbours."""
    out = rgb.astype(float)
    green = out[..., 1]
    rows, columns = np.indices(green.shape)
    around = (np.roll(green, 1, 0) + np.roll(green, -1, 0)) / 4
    around += (np.roll(green, 1, 1) + np.roll(green, -1, 1)) / 4
    out[..., 1] = np.where((rows + columns) % 2, green, around)
    return out.astype(np.uint8)


def test_every_feature_is_named_once_and_belongs_to_a_group() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(FEATURES)
    assert {feature.group for feature in FEATURES} == set(GROUPS)


def test_a_scene_has_all_features_and_they_are_finite() -> None:
    rows = measure_spectrum(np.stack([scene(0), scene(1)]), RECIPE)
    assert rows.shape == (2, len(NAMES))
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_no_window_gives_no_row() -> None:
    assert measure_spectrum(np.zeros((0, SIDE, SIDE, 3), np.uint8), RECIPE).shape == (0, len(NAMES))


def test_a_grey_window_has_no_colour_and_a_flat_one_nothing() -> None:
    grey = np.repeat(scene()[..., :1], 3, axis=2)
    flat = np.full((SIDE, SIDE, 3), 90, np.uint8)
    of_grey, of_flat = measured(grey, flat)
    groups = {feature.name: feature.group for feature in FEATURES}
    for name, value in of_grey.items():
        assert np.isnan(value) == (groups[name] == "colour")
    assert np.isnan(list(of_flat.values())).all()


def test_a_window_is_measured_alike_alone_and_among_others() -> None:
    together = measure_spectrum(np.stack([scene(0), scene(1)]), RECIPE)
    alone = measure_spectrum(scene(1)[None], RECIPE)
    np.testing.assert_array_equal(together[1], alone[0])


def test_blur_makes_detail_fall_off_faster_and_grain_hang_together() -> None:
    sharp, soft = means(as_it_is), means(lambda rgb: blurred(rgb, 0.8))
    finest = [name for name in NAMES if name.startswith("ring_")][-4:]
    for name in finest:
        assert soft[name] < sharp[name] - 0.1
    assert soft["lag_0_1"] > sharp["lag_0_1"] + 0.1


def test_a_grating_stands_in_its_ring() -> None:
    columns = np.arange(SIDE)
    wave = 128 + 60 * np.cos(2 * np.pi * 0.29 * columns)
    (row,) = measured(np.broadcast_to(wave[None, :, None], (SIDE, SIDE, 3)).astype(np.uint8))
    rings = {name: row[name] for name in NAMES if name.startswith("ring_")}
    highest = max(rings, key=lambda name: rings[name])
    assert float(highest.removeprefix("ring_")) == pytest.approx(0.27, abs=0.04)


def test_enlarging_shows_as_repeats_of_two_pixels() -> None:
    plain, twice = means(as_it_is), means(doubled)
    assert twice["step_half_axis"] > plain["step_half_axis"] + 1


def test_a_checkerboard_shows_in_the_corner_of_the_spectrum() -> None:
    plain, marked = means(as_it_is), means(on_a_checkerboard)
    assert marked["value_half_corner"] > plain["value_half_corner"] + 1
    assert abs(marked["value_half_axis"] - plain["value_half_axis"]) < 0.7


def test_jpeg_is_told_apart_from_enlarging() -> None:
    plain, saved = means(as_it_is), means(lambda rgb: resaved(rgb, 60))
    twice = means(doubled)
    grid = "step_grid_axis"
    assert saved[grid] > plain[grid] + 0.4
    assert abs(twice[grid] - plain[grid]) < 0.3
    assert saved["step_half_axis"] < twice["step_half_axis"] / 2


def test_demosaicing_shows_in_green() -> None:
    plain, camera = means(as_it_is), means(demosaiced)
    assert camera["mosaic_g"] > plain["mosaic_g"] + 1
    assert abs(camera["mosaic_r"] - plain["mosaic_r"]) < 1


def test_equal_grain_in_all_colours_ties_them() -> None:
    def tied(rgb: np.ndarray) -> np.ndarray:
        slope = np.linspace(0, 40, SIDE)[:, None, None] * np.array([0, 0.5, 1])
        return np.clip(rgb[..., :1] + slope + rgb % 4, 0, 255).astype(np.uint8)

    assert means(tied)["tie_rg"] > means(as_it_is)["tie_rg"] + 1


def test_the_halves_of_the_spectrum_are_read_as_the_whole_would_be() -> None:
    from assay.inputs.spectrum import LATTICE, _eighths, _members, _repeats

    grain = np.random.default_rng(4).normal(size=(SIDE, SIDE)).astype(np.float32)
    power = np.abs(np.fft.fft2(grain - grain.mean())) ** 2 / grain.size
    log = np.log10(power + 0.14 / 12)
    near = range(-3, 4)
    excess = []
    for a, b in _eighths():
        y, x = a * SIDE // 8, b * SIDE // 8
        around = [
            log[(y + i) % SIDE, (x + j) % SIDE]
            for i in near
            for j in near
            if max(abs(i), abs(j)) > 1
        ]
        excess.append(log[y, x] - np.mean(around))
    wanted = {name: np.mean(np.array(excess)[_members()[name]]) for name in LATTICE}
    found = _repeats(grain)
    assert found[0] == pytest.approx(wanted["half_axis"] - wanted["grid_axis"], abs=1e-3)
    assert found[4:] == pytest.approx([wanted["grid_axis"], wanted["grid_inner"]], abs=1e-3)


def test_the_fingerprint_follows_every_field() -> None:
    changed = [
        replace(RECIPE, size_px=192),
        replace(RECIPE, clip=2.0),
        replace(RECIPE, features=NAMES[1:]),
    ]
    prints = {recipe.fingerprint for recipe in (RECIPE, *changed)}
    assert len(prints) == 4
    assert RECIPE.windows.size_px == RECIPE.size_px
    assert RECIPE.windows.n_patches == RECIPE.n_windows
