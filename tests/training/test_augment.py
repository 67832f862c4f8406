from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.inputs.face import FaceInput, prepare  # noqa: E402
from assay.training.augment import CHAINS, chain_named, coarsened, mirrored, moved  # noqa: E402
from assay.types import FaceView  # noqa: E402
from tests.real_faces import textured  # noqa: E402

RECIPE = FaceInput(size_px=48, scale=1.3)


def view(seed: int = 0) -> FaceView:
    box = np.array([30, 40, 110, 140], np.float32)
    rng = np.random.default_rng(seed)
    landmarks = rng.uniform((30, 40), (110, 140), (468, 2)).astype(np.float32)
    return FaceView(0, 0, 0.0, textured(180, 150, seed), box, landmarks, box, 1.0, 1.0)


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_told_by_its_generator_alone(name: str) -> None:
    chain = chain_named(name)
    assert list(inspect.signature(chain).parameters) == ["view", "rng"]
    for seed in range(12):
        given = view()
        before = given.rgb.copy()
        one, two = (chain(given, np.random.default_rng(seed)) for _ in range(2))
        assert np.array_equal(one.rgb, two.rgb)
        assert np.array_equal(given.rgb, before)
        assert one.rgb.shape == before.shape
        assert one.rgb.dtype == np.uint8
        assert prepare(one, RECIPE).shape == (48, 48, 3)


@pytest.mark.parametrize("name", ["flip", "icpr2020", "coccomini", "deepfakebench"])
def test_a_chain_changes_what_is_seen(name: str) -> None:
    chain, given = chain_named(name), view()
    seen = [prepare(chain(given, np.random.default_rng(s)), RECIPE) for s in range(16)]
    changed = sum(not np.array_equal(one, prepare(given, RECIPE)) for one in seen)
    assert changed >= 4
    difference = [np.abs(one.astype(int) - prepare(given, RECIPE)).mean() for one in seen]
    assert max(difference) < 80  # still the same face


@pytest.mark.parametrize("name", ["none", "sound"])
def test_nothing_is_done_where_nothing_is_asked(name: str) -> None:
    given = view()
    assert chain_named(name)(given, np.random.default_rng(0)) is given


@pytest.mark.parametrize("side", [2, 9])
@pytest.mark.parametrize("name", CHAINS)
def test_the_smallest_views_pass(name: str, side: int) -> None:
    box = np.array([0, 0, side, side], np.float32)
    tiny = replace(view(), rgb=textured(side, side), box_px=box)
    for seed in range(12):
        assert chain_named(name)(tiny, np.random.default_rng(seed)).rgb.shape == (side, side, 3)


def test_a_mirrored_view_has_its_face_in_the_mirrored_crop() -> None:
    given = replace(view(), box_px=np.array([30, 40, 100, 110], np.float32))
    whole = FaceInput(size_px=70, scale=1.0)  # no resize, no border: exact
    assert np.array_equal(prepare(mirrored(given), whole), prepare(given, whole)[:, ::-1])
    twice = mirrored(mirrored(given))
    assert np.array_equal(twice.rgb, given.rgb)
    np.testing.assert_allclose(twice.landmarks_px, given.landmarks_px, atol=1e-4)


def test_a_moved_view_takes_its_landmarks_along() -> None:
    given = view()
    still = moved(given, (0.0, 0.0), 1.0, 0.0)
    assert np.array_equal(still.rgb, given.rgb)
    shifted = moved(given, (0.1, 0.0), 1.0, 0.0)
    by = np.array([0.1 * 100, 0], np.float32)
    np.testing.assert_allclose(shifted.landmarks_px, given.landmarks_px + by, atol=1e-3)
    assert np.array_equal(shifted.rgb[:, 10:], given.rgb[:, :-10])


def test_coarse_means_less_detail_and_the_same_size() -> None:
    rgb = view().rgb
    coarse = coarsened(rgb, 0.5)
    assert coarse.shape == rgb.shape
    assert (
        np.abs(np.diff(coarse.astype(int), axis=1)).mean()
        < 0.8 * np.abs(np.diff(rgb.astype(int), axis=1)).mean()
    )


def test_an_unknown_chain_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="icpr2020, coccomini") as caught:
        chain_named("coccimini")
    assert "coccomini" in caught.value.remedy
