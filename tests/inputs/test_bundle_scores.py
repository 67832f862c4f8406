from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from assay.bundles import load_bundle_folder
from assay.errors import BundleMismatchError
from assay.inputs.bundle_scores import (
    BATCH,
    evenly,
    read_crops,
    recipe_of,
    score_faces,
    score_picture,
    score_voice,
)
from assay.inputs.face import FaceInput, prepare
from tests.bundles.made import RECIPES, graph, make_folder
from tests.detectors.tiny_networks import landscape
from tests.verdict.doubles import make_view


def test_faces_are_scored_by_track_as_the_card_says(tmp_path: Path) -> None:
    card, network = load_bundle_folder(make_folder(tmp_path, n_frames=3, max_faces=2))
    views = [make_view(t, i, 0.1 * i, brightness=0.1 * t) for t in (3, 1, 2) for i in range(9)]
    found = score_faces(network, card, views)
    assert list(found) == [1, 2]
    own = [view for view in views if view.track_id == 2]
    crops = np.stack([prepare(own[i], RECIPES["face"]) for i in (1, 4, 7)])
    assert found[2] == pytest.approx(crops.mean(axis=(1, 2, 3)) / 25.5, abs=1e-4)


def test_windows_of_speech_and_pictures_are_scored(tmp_path: Path) -> None:
    card, network = load_bundle_folder(make_folder(tmp_path / "v", "voice"))
    assert score_voice(network, card, np.full(40_000, 0.2, np.float32)) == pytest.approx(
        [2, 2, 2], abs=1e-3
    )
    assert len(score_voice(network, card, np.zeros(0, np.float32))) == 0
    card, network = load_bundle_folder(make_folder(tmp_path / "p", "picture"))
    logits = score_picture(network, card, landscape(green=200, red=200))
    assert len(logits) == 4
    assert logits.mean() == pytest.approx(10 * (500 / 3) / 255, abs=0.2)
    with pytest.raises(BundleMismatchError, match="faces"):
        score_faces(network, card, [])


def test_many_crops_are_read_in_batches_and_checked_between(tmp_path: Path) -> None:
    _, network = load_bundle_folder(make_folder(tmp_path))
    crops = list(np.random.default_rng(0).integers(0, 256, (2 * BATCH + 1, 16, 16, 3), np.uint8))
    asked: list[int] = []
    found = read_crops(network, RECIPES["face"], crops, lambda: asked.append(1))["logit"]
    assert len(asked) == 3
    assert found == pytest.approx([crop.mean() / 25.5 for crop in crops], abs=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float, tmp_path: Path) -> None:
    card, network = load_bundle_folder(make_folder(tmp_path, model=graph(offset=value)))
    with pytest.raises(BundleMismatchError, match="as a logit"):
        score_faces(network, card, [make_view()])


@pytest.mark.parametrize(
    "recipe",
    [
        {**asdict(FaceInput()), "size_px": 10**7},
        {**asdict(FaceInput()), "scale": 1e9},
        {**asdict(FaceInput()), "edges": "mirror"},
        {**asdict(FaceInput()), "size_px": "224"},
        {"size": 3},
    ],
)
def test_a_recipe_that_is_not_cut_here_is_refused(
    recipe: dict[str, object], tmp_path: Path
) -> None:
    import hashlib
    import json

    text = json.dumps(recipe, sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = make_folder(
        tmp_path, recipe=recipe, recipe_fingerprint=fingerprint, fingerprint=fingerprint
    )
    card, _ = load_bundle_folder(folder)
    with pytest.raises(BundleMismatchError):
        recipe_of(card)


def test_evenly_keeps_the_order() -> None:
    assert evenly("abcdefgh", 3) == ["b", "e", "g"]
    assert evenly("ab", 3) == ["a", "b"]
