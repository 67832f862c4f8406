from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from assay.errors import BundleMismatchError, EmptyBoxError
from assay.inputs.face import FaceInput, crop_face, crop_window, prepare
from tests.golden import face_crops
from tests.real_faces import textured
from tests.verdict.doubles import make_view

RECIPE = FaceInput(size_px=64, scale=1.0)


def box(*sides: float) -> np.ndarray:
    return np.array(sides, np.float32)


@pytest.mark.parametrize("name", list(face_crops.crops()))
def test_crops_are_what_they_were(name: str) -> None:
    with np.load(face_crops.STORED) as stored:
        wanted = stored[name].astype(np.int16)
    found = face_crops.crops()[name].astype(np.int16)
    # One grey level: processors round the last bit of a filter differently.
    assert np.abs(found - wanted).max() <= 1


def test_every_stored_crop_is_still_cut() -> None:
    with np.load(face_crops.STORED) as stored:
        assert set(stored.files) == set(face_crops.crops())


def test_fingerprints_are_what_cards_carry() -> None:
    assert FaceInput().fingerprint == "5a8412e92051"
    assert FaceInput(size_px=224, scale=1.25).fingerprint == "ec648baf0476"


@pytest.mark.parametrize(
    "change",
    [{"size_px": 256}, {"scale": 1.3}, {"edges": "black"}, {"shrink": "linear"}, {"enlarge": "x"}],
)
def test_any_change_of_the_recipe_changes_its_fingerprint(change: dict[str, object]) -> None:
    assert replace(RECIPE, **change).fingerprint != RECIPE.fingerprint  # type: ignore[arg-type]
    assert replace(RECIPE).fingerprint == RECIPE.fingerprint


def test_a_recipe_that_differs_is_refused_by_the_names_of_its_fields() -> None:
    RECIPE.require(asdict(RECIPE))
    stored = {**asdict(RECIPE), "scale": 1.6, "shrink": "linear"}
    with pytest.raises(BundleMismatchError) as caught:
        RECIPE.require(stored)
    text = str(caught.value)
    assert "scale: 1.6 there, 1.0 here" in text
    assert "shrink: 'linear' there, 'area' here" in text
    assert "size_px" not in text
    with pytest.raises(BundleMismatchError, match="enlarge: None there"):
        RECIPE.require({key: value for key, value in asdict(RECIPE).items() if key != "enlarge"})


def test_a_crop_of_the_recipe_size_is_the_picture_itself() -> None:
    rgb = textured(200, 200)
    assert np.array_equal(crop_face(rgb, box(50, 60, 114, 124), RECIPE), rgb[60:124, 50:114])


def test_shrinking_averages_whole_areas() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    areas = rgb.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    found = crop_face(rgb, box(0, 0, 256, 256), RECIPE)
    assert np.abs(found - areas).max() <= 1
    assert found.std() < 0.3 * rgb.std()


def test_edges_repeat_where_the_crop_leaves_the_picture() -> None:
    rgb = textured(100, 100)
    found = crop_face(rgb, box(-32, 10, 32, 74), RECIPE)
    assert np.array_equal(found[:, 32:], rgb[10:74, :32])
    assert np.array_equal(found[:, :32], np.repeat(rgb[10:74, :1], 32, axis=1))


def test_the_window_is_a_square_about_the_middle() -> None:
    recipe = FaceInput(scale=1.5)
    assert crop_window(box(100, 200, 180, 240), recipe) == (80, 160, 120)
    assert crop_window(box(0, 0, 0.4, 0.2), recipe)[2] == 2


@pytest.mark.parametrize(
    "sides",
    [(5, 5, 5, 9), (9, 5, 5, 9), (np.nan, 0, 9, 9), (0, 0, 9, np.nan), (3, 3, 3, 3)],
)
def test_a_box_without_area_is_refused(sides: tuple[float, ...]) -> None:
    with pytest.raises(EmptyBoxError):
        crop_face(textured(60, 60), box(*sides), RECIPE)


@pytest.mark.parametrize("sides", [(-90, 0, -30, 50), (900, 900, 950, 950), (0, 61, 20, 80)])
def test_a_box_outside_the_picture_is_refused(sides: tuple[float, ...]) -> None:
    with pytest.raises(EmptyBoxError, match="outside"):
        crop_face(textured(60, 60), box(*sides), RECIPE)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 1)])
def test_tiny_pictures_give_a_whole_crop(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 77, np.uint8)
    found = crop_face(rgb, box(0, 0, shape[1], shape[0]), RECIPE)
    assert found.shape == (64, 64, 3)
    assert (found == 77).all()


def test_a_mask_is_cut_like_its_picture() -> None:
    rgb = textured(300, 300)
    sides = box(-20, 40, 190, 260)
    assert np.array_equal(
        crop_face(np.ascontiguousarray(rgb[..., 1]), sides, RECIPE),
        crop_face(rgb, sides, RECIPE)[..., 1],
    )


def test_prepare_cuts_the_view_at_its_own_box() -> None:
    view = make_view(face_px=90)
    found = prepare(view, RECIPE)
    assert found.shape == (64, 64, 3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, crop_face(view.rgb, view.box_px, RECIPE))
    upside_down = replace(view, rgb=view.rgb[::-1].copy())
    assert not np.array_equal(found, prepare(upside_down, RECIPE))
