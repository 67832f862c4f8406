from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card, bundle_names, load_card
from assay.detectors import face_geometry
from assay.detectors.face_geometry import TEXTS, FaceGeometry
from assay.inputs.face_cues import CUES, NAMES, CueInput, FaceCues, measure_cues
from assay.types import Evidence, FaceView
from tests.inputs.test_face_cues import view_of
from tests.real_faces import golden_landmarks, portrait
from tests.verdict.doubles import MadeCase, make_media, make_view

pytestmark = pytest.mark.skipif(
    "face_geometry" not in bundle_names(), reason="the bundle face_geometry is not installed"
)


class Summing:
    """Stands in for the network: every measured cue adds its own value."""

    def run(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        evidence = np.nan_to_num(rows)
        return {"evidence": evidence, "logit": evidence.sum(axis=1)}


def card_that(scores: bool, weights: dict[str, float]) -> Card:
    real = load_card("face_geometry")
    cues = {name: {"weight": weights.get(name, 0.0), "genuine_median": 0.1} for name in NAMES}
    return replace(real, raw={**real.raw, "scores": scores, "cues": cues})


def cues_of(**values: float) -> FaceCues:
    row = np.array([values.get(name, np.nan) for name in NAMES], np.float32)
    reasons = tuple(None if name in values else "eyes_closed" for name in NAMES)
    return FaceCues(row, reasons, 0.0, 60.0)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A detector with a given card, whose cues are read off a view's brightness table."""

    def install(cues: list[FaceCues], card: Card) -> list[Evidence]:
        views = [make_view(1, i, 0.1 * i) for i in range(len(cues))]
        known = {view.time_s: one for view, one in zip(views, cues, strict=True)}
        monkeypatch.setattr(face_geometry, "measure_cues", lambda view, _: known[view.time_s])
        monkeypatch.setattr(face_geometry, "open_network", lambda name, fingerprint: Summing())
        monkeypatch.setattr(
            face_geometry,
            "load_card",
            lambda name: card if name == "face_geometry" else load_card(name),
        )
        kind = "image" if len(views) == 1 else "video"
        return FaceGeometry().examine(MadeCase({1: tuple(views)}, media=make_media(kind)))

    return install


def test_a_card_that_lets_it_score_gives_the_median_over_frames(told: Any) -> None:
    card = card_that(True, {"asymmetry": 1.0})
    (one,) = told([cues_of(asymmetry=v) for v in (0.1, 0.5, 0.2)], card)
    assert one.status == "scored"
    assert one.logit == pytest.approx(0.2)
    assert [span.logit for span in one.spans] == pytest.approx([0.1, 0.5, 0.2])
    assert one.kind == "unknown"
    assert one.details["cues"]["asymmetry"]["value"] == pytest.approx(0.2)


def test_a_card_that_does_not_gives_findings_and_no_score(told: Any) -> None:
    (one,) = told([cues_of(asymmetry=0.3)], card_that(False, {"asymmetry": 1.0}))
    assert one.status == "reported"
    assert one.logit is None
    (finding,) = one.findings
    assert finding.values == {"asymmetry": pytest.approx(0.3)}
    assert "do not change the verdict" in finding.meaning


def test_every_cue_is_told_in_a_sentence(told: Any) -> None:
    (one,) = told([cues_of(asymmetry=0.3)], card_that(True, {"asymmetry": 1.0}))
    cues = one.details["cues"]
    assert set(cues) == set(NAMES)
    assert "0.3 eye distances" in cues["asymmetry"]["text"]
    assert "median of genuine faces is 0.1" in cues["asymmetry"]["text"]
    assert cues["gaze_differs"] == {
        "value": None,
        "unit": "eye widths",
        "reason": "eyes_closed",
        "text": TEXTS["eyes_closed"],
    }
    (other,) = told([cues_of(asymmetry=0.3, gaze_differs=0.2)], card_that(True, {"asymmetry": 1.0}))
    assert "weighs nothing" in other.details["cues"]["gaze_differs"]["text"]
    assert "weighs nothing" not in other.details["cues"]["asymmetry"]["text"]


def test_frames_without_a_cue_that_weighs_are_left_out(told: Any) -> None:
    card = card_that(True, {"asymmetry": 1.0})
    frames = [cues_of(asymmetry=0.1), cues_of(gaze_differs=9.0), cues_of(asymmetry=0.3)]
    (one,) = told(frames, card)
    assert one.logit == pytest.approx(0.2)
    assert one.details["n_frames_judged"] == 2
    assert one.details["n_frames_left_out"] == 1


def test_it_abstains_with_the_commonest_reason(told: Any) -> None:
    (one,) = told([cues_of(gaze_differs=0.1)], card_that(True, {"asymmetry": 1.0}))
    assert one.status == "abstained"
    assert one.reason == f"eyes_closed: {TEXTS['eyes_closed']}"


def test_a_portrait_is_reported_as_it_is_measured() -> None:
    view = view_of(portrait(), golden_landmarks())
    (one,) = FaceGeometry().examine(MadeCase({1: (view,)}, media=make_media("image")))
    measured = measure_cues(view, FaceGeometry.input)
    if one.status == "abstained":
        assert one.reason is not None
        assert one.reason.split(":")[0] in {code for code in measured.reasons if code}
        return
    for cue, value in zip(CUES, measured.values, strict=True):
        stated = one.details["cues"][cue.name]["value"]
        assert (stated is None) == bool(np.isnan(value))
        assert stated is None or stated == pytest.approx(float(value), abs=1e-3)
    assert one.details["iris_sha256"] == load_card("iris").network_sha256


def test_a_small_face_abstains() -> None:
    view = make_view(face_px=20.0)
    (one,) = FaceGeometry().examine(MadeCase({1: (view,)}, media=make_media("image")))
    assert one.status == "abstained"
    assert str(one.reason).startswith("face_too_small")


def test_every_reason_of_a_cue_has_a_sentence() -> None:
    landmarks = golden_landmarks()
    views: list[FaceView] = [view_of(portrait(), landmarks * f) for f in (0.05, 0.3, 1.0)]
    views.append(view_of(np.zeros_like(portrait()), landmarks))
    codes = {code for view in views for code in measure_cues(view, CueInput()).reasons if code}
    assert codes
    assert codes <= set(TEXTS)


def test_the_card_and_the_detector_agree_on_the_recipe() -> None:
    card = load_card("face_geometry")
    assert card.recipe_fingerprint == FaceGeometry.input.fingerprint
    assert set(card.raw["cues"]) == set(NAMES)
    for cue in card.raw["cues"].values():
        overall = cue["overall"]
        if overall is None or overall["low"] <= 0.5 <= overall["high"]:
            assert cue["weight"] == 0
