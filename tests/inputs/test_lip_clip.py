from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from assay.errors import BundleMismatchError, InputError
from assay.inputs.lip_clip import LIPS, LipClipInput, cut_mouths, lip_starts, prepare_lips

RECIPE = LipClipInput(size_px=16, n_frames=10)


def mesh(n: int = 14, centre: tuple[float, float] = (60, 80)) -> np.ndarray:
    """A face 80 px wide and 100 high with its lips 25 px below the middle; it goes right."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (468, 2)) * (40, 50)
    points[:2] = (-40, -50), (40, 50)
    points[list(LIPS)] = rng.uniform(-1, 1, (len(LIPS), 2)) * (10, 3) + (0, 25)
    points[list(LIPS)] -= points[list(LIPS)].mean(axis=0) - (0, 25)
    moved = points[None] + np.array(centre) + np.arange(n)[:, None, None] * (1.0, 0.0)
    return moved.astype(np.float32)


def frames(n: int = 14) -> np.ndarray:
    """Grey frames whose mouth is white: 20 x 10 px around the lips' centre."""
    rgb = np.full((n, 160, 140, 3), 60, np.uint8)
    for k in range(n):
        rgb[k, 100:111, 50 + k : 71 + k] = 255
    return rgb


def test_the_mouth_stands_in_the_middle_and_goes_along() -> None:
    mouths = cut_mouths(frames(), mesh(), 2, RECIPE)
    assert mouths.shape == (10, 16, 16, 3)
    assert (mouths[:, 7:9, 7:9] == 255).all()
    assert (mouths[:, 0] == 60).all()
    assert np.array_equal(mouths[0], mouths[9])


def test_the_side_is_a_share_of_the_face() -> None:
    wide = cut_mouths(frames(), mesh(), 0, LipClipInput(size_px=16, n_frames=10, scale=1.0))
    near = cut_mouths(frames(), mesh(), 0, RECIPE)
    assert (wide == 255).mean() < 0.5 * (near == 255).mean()


def test_sound_begins_with_the_sequence() -> None:
    sound = np.zeros(14 * 640, np.float32)
    sound[4 * 640 : 5 * 640] = 0.5 * np.sin(np.arange(640) / 3)
    lips = prepare_lips(frames(), mesh(), sound, 2, RECIPE)
    assert lips.mel.shape == (64, 40)
    loudest = lips.mel.max(axis=0).argmax()
    assert 7 <= loudest <= 12  # the third frame of the sequence: columns 8 to 11


def test_a_face_lost_for_a_moment_stays_where_it_was_and_for_long_it_is_no_sequence() -> None:
    short, long = mesh(), mesh()
    short[4:7] = np.nan
    long[2:9] = np.nan
    assert cut_mouths(frames(), short, 0, RECIPE).shape[0] == 10
    with pytest.raises(InputError):
        cut_mouths(frames(), long, 0, RECIPE)
    with pytest.raises(InputError):
        cut_mouths(frames(), np.full_like(long, np.nan), 0, RECIPE)
    assert lip_starts(long[:11], RECIPE) == []
    assert lip_starts(long, RECIPE) == [4]


@pytest.mark.parametrize("start", [-1, 5, 14])
def test_a_sequence_lies_within_the_frames(start: int) -> None:
    with pytest.raises(InputError):
        cut_mouths(frames(), mesh(), start, RECIPE)


def test_a_mouth_at_the_border_is_cut_with_its_edge_repeated() -> None:
    outside = mesh(centre=(-80, -60))
    mouths = cut_mouths(frames(), outside, 0, RECIPE)
    assert mouths.shape == (10, 16, 16, 3)


def test_sequences_are_spread_over_a_recording() -> None:
    assert lip_starts(mesh(9), RECIPE) == []
    assert lip_starts(mesh(10), RECIPE) == [0]
    assert lip_starts(mesh(25), RECIPE) == [0, 8, 15]
    assert len(lip_starts(mesh(300), RECIPE, most=4)) == 4


def test_a_card_gives_the_recipe_and_what_is_of_no_use_is_refused() -> None:
    assert LipClipInput.from_card(asdict(RECIPE)) == RECIPE
    assert RECIPE.fingerprint != LipClipInput().fingerprint
    for stored in ({"x": 1}, {"n_frames": 3}, {"scale": 0}, {"size_px": 4.5}, {"edges": "black"}):
        with pytest.raises(BundleMismatchError):
            LipClipInput.from_card(stored)
