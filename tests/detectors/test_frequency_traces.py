from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card, load_card, open_network
from assay.detectors import frequency_traces
from assay.detectors.frequency_traces import FrequencyTraces
from assay.inputs.patch import cut_patches
from assay.inputs.spectrum import GROUPS, NAMES, measure_spectrum
from assay.media.resample import blurred
from assay.types import Evidence
from tests.inputs.test_spectrum import scene
from tests.verdict.doubles import PictureCase, make_media

NAME = "frequency_traces"


def examined(*pictures: np.ndarray) -> Evidence:
    (found,) = FrequencyTraces().examine(PictureCase(*pictures))
    return found


def in_blocks() -> np.ndarray:
    """Blocks of eight pixels with hardly anything in them."""
    random = np.random.default_rng(2)
    blocks = np.kron(random.integers(60, 200, (50, 50, 3)), np.ones((8, 8, 1), int))
    return np.asarray(blocks + random.integers(0, 12, blocks.shape), np.uint8)


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets whether the card lets it score."""

    def install(scores: bool, **changes: Any) -> Card:
        real = load_card(NAME)
        raw = {**real.raw, "scores": scores}
        card = replace(real, raw=raw, **changes)
        monkeypatch.setattr(frequency_traces, "load_card", lambda name: card)
        return card

    return install


def test_the_picture_gets_the_mean_of_its_windows(allowed: Any) -> None:
    card = allowed(True)
    rgb = scene(side=420)
    found = examined(rgb)
    recipe = FrequencyTraces.input
    windows, boxes = cut_patches(rgb, recipe.windows)
    logits = open_network(NAME).run(measure_spectrum(windows, recipe))["logit"]
    assert (found.status, found.subject, found.kind) == ("scored", "picture", "generated")
    assert found.family == "frequency"
    assert found.logit == pytest.approx(float(logits.mean()), abs=1e-4)
    assert [p.logit for p in found.patches] == pytest.approx(logits.tolist(), abs=1e-4)
    assert [p.box_px for p in found.patches] == [tuple(box) for box in boxes.tolist()]
    assert [(s.start_s, s.end_s) for s in found.spans] == [(0.0, 0.0)]
    assert found.bundle_sha256 == card.network_sha256
    assert found.p_fake is None


def test_a_card_that_lets_it_not_score_gives_a_finding(allowed: Any) -> None:
    allowed(False)
    found = examined(scene(side=420))
    assert found.status == "reported"
    assert found.logit is None
    assert found.patches == ()
    (finding,) = found.findings
    assert set(finding.values) == set(GROUPS) - {"jpeg_grid"}
    assert "do not change the verdict" in finding.meaning
    loud = {name for name, part in finding.values.items() if abs(part) >= frequency_traces.LOUD}
    assert {name for name in finding.values if GROUPS[name] in finding.meaning} == loud
    assert all("no score" in one["text"] for one in found.details["groups"].values())


def test_every_group_says_in_words_which_way_it_speaks(allowed: Any) -> None:
    allowed(True)
    found = examined(scene(side=420))
    groups = found.details["groups"]
    assert set(groups) == set(GROUPS) - {"jpeg_grid"}
    bias = found.logit - sum(one["part_of_logit"] for one in groups.values())
    again = examined(blurred(scene(3, side=420), 0.5))
    other = again.logit - sum(one["part_of_logit"] for one in again.details["groups"].values())
    # The groups' parts and one constant are the whole score.
    assert bias == pytest.approx(other, abs=1e-3)
    for name, one in groups.items():
        assert one["text"].lower().startswith(GROUPS[name][:20].lower())
        if one["part_of_logit"] > 0.5:
            assert "more like that of the generated" in one["text"]
        if one["part_of_logit"] < -0.5:
            assert "more like that of the photographs" in one["text"]
        assert one["farthest_from_genuine"]["name"] in NAMES
    assert set(found.details["jpeg_grid"]) == {n for n in NAMES if "_grid_" in n}


def test_of_a_grey_picture_colour_says_nothing(allowed: Any) -> None:
    allowed(True)
    grey = np.repeat(scene(side=420)[..., :1], 3, axis=2)
    colour = examined(grey).details["groups"]["colour"]
    assert colour["part_of_logit"] == pytest.approx(0.0, abs=1e-6)
    assert "not measured" in colour["text"]
    assert colour["farthest_from_genuine"] is None


def test_a_video_has_a_span_a_frame(allowed: Any) -> None:
    allowed(True)
    found = examined(*(scene(seed, side=300) for seed in range(3)))
    assert len(found.spans) == 3
    assert {p.time_s for p in found.patches} == {s.start_s for s in found.spans}
    means = [
        np.mean([p.logit for p in found.patches if p.time_s == s.start_s]) for s in found.spans
    ]
    assert [s.logit for s in found.spans] == pytest.approx(means)


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (scene(side=100), "too_small"),
        (np.full((300, 300, 3), 90, np.uint8), "too_flat"),
        (in_blocks(), "too_compressed"),
        (blurred(scene(side=400), 9), "too_"),
    ],
    ids=["small", "flat", "compressed", "blurred"],
)
def test_it_abstains_where_there_is_nothing_to_measure(rgb: np.ndarray, code: str) -> None:
    found = examined(rgb)
    assert (found.status, found.subject) == ("abstained", "picture")
    assert (found.reason or "").startswith(code)
    assert found.logit is None


def test_no_frame_at_all_is_an_abstention() -> None:
    (found,) = FrequencyTraces().examine(PictureCase(media=make_media("image")))
    assert (found.reason or "").startswith("no_picture: ")


def test_the_limits_of_the_card_hold(allowed: Any) -> None:
    allowed(True, in_domain={"max_picture_blockiness": 0.0, "min_picture_sharpness": 0.0})
    assert (examined(scene(side=400)).reason or "").startswith("too_compressed: ")
    allowed(True, in_domain={"max_picture_blockiness": 99.0, "min_picture_sharpness": 0.99})
    assert (examined(scene(side=400)).reason or "").startswith("too_blurred: ")


def test_the_card_and_the_detector_agree_on_the_recipe() -> None:
    card = load_card(NAME)
    assert card.recipe_fingerprint == FrequencyTraces.input.fingerprint
    assert tuple(card.raw["features"]) == NAMES
    assert all(
        one["weight"] == 0 for one in card.raw["features"].values() if one["group"] == "jpeg_grid"
    )
    low = card.raw["held_out"]["found_at_1_percent"]["mean"]["low"]
    assert card.raw["scores"] == (low >= 0.05)
