from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from assay.errors import BundleMismatchError, EmptyBoxError
from assay.inputs.patch import PatchInput, choose_windows, cut_patch, cut_patches, too_small

RECIPE = PatchInput(size_px=64)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """Steep shading without any texture."""
    rows = np.linspace(0, 2 * height, height)[:, None, None]
    return np.broadcast_to(rows.clip(0, 255), (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(300, 400), (64, 64), (65, 500), (1000, 90), (640, 640)])
def test_windows_are_pixels_of_the_picture_untouched(size: tuple[int, int]) -> None:
    rgb = noise(*size)
    patches, boxes = cut_patches(rgb, RECIPE)
    assert patches.shape == (len(boxes), 64, 64, 3)
    assert patches.dtype == np.uint8
    assert 1 <= len(patches) <= 9
    for patch, box in zip(patches, boxes.astype(int), strict=True):
        x0, y0, x1, y1 = box
        assert (patch == rgb[y0:y1, x0:x1]).all()


def test_the_same_picture_gives_the_same_windows() -> None:
    first, second = (cut_patches(noise(500, 700), RECIPE) for _ in range(2))
    assert (first[0] == second[0]).all()
    assert (first[1] == second[1]).all()


def test_windows_are_spread_over_the_picture_and_lie_on_no_grid() -> None:
    _, boxes = cut_patches(noise(900, 1200), RECIPE)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    cells = {(int(3 * x / 1200), int(3 * y / 900)) for x, y in middles}
    assert len(boxes) == 9
    assert len(cells) >= 7
    for axis in (0, 1):
        phases = {int(corner) % 8 for corner in boxes[:, axis]}
        assert len(phases) > 2
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            shared = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
            assert np.prod(np.maximum(shared, 0)) <= 0.4 * 64 * 64


def test_texture_is_read_before_flat_sky() -> None:
    rgb = smooth(800, 800)
    rgb[400:] = noise(400, 800)
    _, boxes = cut_patches(rgb, RECIPE)
    assert len(boxes) == 9
    assert (boxes[:, 3] > 400).all()


def test_a_small_island_of_texture_is_found() -> None:
    rgb = smooth(800, 800)
    rgb[300:420, 500:640] = noise(120, 140)
    _, boxes = cut_patches(rgb, RECIPE)
    assert len(boxes) >= 1
    shared = np.minimum(boxes[:, 2:], [640, 420]) - np.maximum(boxes[:, :2], [500, 300])
    assert (shared > 0).all()


@pytest.mark.parametrize("rgb", [smooth(500, 400), np.zeros((500, 400, 3), np.uint8)])
def test_a_flat_picture_has_no_windows(rgb: np.ndarray) -> None:
    patches, boxes = cut_patches(rgb, RECIPE)
    assert (patches.shape, boxes.shape) == ((0, 64, 64, 3), (0, 4))
    assert not too_small(rgb, RECIPE)


def test_a_picture_smaller_than_a_window_is_mirrored_and_not_stretched() -> None:
    rgb = noise(40, 200)
    patches, boxes = cut_patches(rgb, RECIPE)
    assert len(patches) >= 2
    x0, y0, x1, y1 = boxes[0].astype(int)
    assert (y0, y1) == (0, 40)
    assert (patches[0][12:52] == rgb[:, x0:x1]).all()
    assert (patches[0][11] == rgb[1, x0:x1]).all(), "mirrored, the edge itself not doubled"


@pytest.mark.parametrize("size", [(31, 200), (200, 31), (1, 1)])
def test_under_half_a_window_nothing_is_read(size: tuple[int, int]) -> None:
    assert too_small(noise(*size), RECIPE)
    assert len(cut_patches(noise(*size), RECIPE)[0]) == 0
    assert not too_small(noise(32, 200), RECIPE)


def test_small_pictures_give_fewer_windows_and_a_wish_is_a_limit() -> None:
    assert len(cut_patches(noise(64, 64), RECIPE)[0]) == 1
    assert len(cut_patches(noise(110, 110), RECIPE)[0]) <= 4
    assert len(cut_patches(noise(900, 900), RECIPE, 4)[0]) == 4
    assert len(choose_windows(noise(64, 3000), RECIPE, 9)) == 9


def test_levels_add_windows_of_shrunken_copies_with_boxes_in_the_picture() -> None:
    rgb = noise(900, 1200)
    recipe = replace(RECIPE, levels=(300,))
    patches, boxes = cut_patches(rgb, recipe)
    native, _ = cut_patches(rgb, RECIPE)
    assert len(patches) > len(native)
    assert (patches[: len(native)] == native).all()
    wide = boxes[len(native) :]
    assert (wide[:, 2] - wide[:, 0]) == pytest.approx(64 * 3)
    assert wide[:, 2].max() <= 1200
    assert len(cut_patches(noise(400, 400), recipe)[0]) == len(
        cut_patches(noise(400, 400), RECIPE)[0]
    )


def test_a_window_is_a_copy() -> None:
    rgb = noise(100, 100)
    cut_patch(rgb, 3, 5, RECIPE)[:] = 0
    assert rgb.max() > 0


def test_a_window_outside_the_picture_is_an_error() -> None:
    with pytest.raises(EmptyBoxError):
        cut_patch(noise(100, 100), 100, 0, RECIPE)


CHANGES: dict[str, Any] = {
    "size_px": 256,
    "n_patches": 4,
    "min_texture": 0.5,
    "edges": "repeat",
    "shrink": "linear",
    "levels": (1024,),
    "video_frames": 2,
    "video_patches": 1,
}


def test_every_field_changes_the_fingerprint_and_is_named() -> None:
    assert set(CHANGES) == {field.name for field in fields(PatchInput)}
    prints = {replace(PatchInput(), **{name: value}).fingerprint for name, value in CHANGES.items()}
    assert len(prints | {PatchInput().fingerprint}) == len(CHANGES) + 1
    for name, value in CHANGES.items():
        with pytest.raises(BundleMismatchError, match=f"{name}: "):
            PatchInput().require({**asdict(PatchInput()), name: value})


def test_a_recipe_survives_its_way_through_json() -> None:
    recipe = PatchInput(size_px=256, levels=(1024,))
    stored = json.loads(json.dumps(asdict(recipe)))
    recipe.require(stored)
    assert PatchInput.from_card(stored) == recipe
    assert PatchInput.from_card(stored).fingerprint == recipe.fingerprint
    assert PatchInput.from_card({"size_px": 224}) == PatchInput()


@pytest.mark.parametrize(
    "stored",
    [{"sizes": 3}, {"size_px": 0}, {"size_px": "x"}, {"levels": 7}, {"edges": "repeat"}],
)
def test_a_recipe_that_this_cutter_does_not_know_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(BundleMismatchError):
        PatchInput.from_card(stored)
