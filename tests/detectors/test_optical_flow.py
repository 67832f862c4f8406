from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card, bundle_names, load_card
from assay.detectors import optical_flow
from assay.detectors.optical_flow import TEXTS, OpticalFlow, breaks_in
from assay.inputs.flow_cues import NAMES, MomentCues
from assay.subjects.clips import FaceClip, Motion
from assay.types import Evidence, Reason
from tests.inputs.known_flows import grid, texture
from tests.inputs.moving_faces import depth_in_oval, mesh
from tests.subjects.moving import make_clip, make_motion
from tests.verdict.doubles import MadeCase, make_case

pytestmark = pytest.mark.skipif(
    "optical_flow" not in bundle_names(), reason="the bundle optical_flow is not installed"
)


class Summing:
    """Stands in for the network: every measured cue adds its own value."""

    def run(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        evidence = np.nan_to_num(rows)
        return {"evidence": evidence, "logit": evidence.sum(axis=1)}


def card_that(scores: bool, highest: float = 1.0) -> Card:
    real = load_card("optical_flow")
    cues = {name: {"genuine_median": 0.1, "genuine_highest": highest} for name in NAMES}
    return replace(real, raw={**real.raw, "scores": scores, "cues": cues})


def moving_clip(n: int = 60, slide_px: float = 0.0, speed_px: float = 1.5, dim: float = 1.0) -> Any:
    """A window in which a head swings to and fro; its face slides further by `slide_px`."""
    side = 160
    x, y = grid(side)
    random, points = np.random.default_rng(0), mesh() + 16
    way = np.abs((np.arange(n) % 20) - 10) * 1.0
    rgb, landmarks = [], []
    for step in way:
        hx, sx = speed_px * (step - 5), slide_px * (step - 5)
        here = points + np.array([hx + sx, 0], np.float32)
        inside = depth_in_oval(x, y, here)
        luma = inside * texture(x - hx - sx, y) + (1 - inside) * texture(x - hx, y)
        luma = dim * luma + random.normal(0, 0.7, luma.shape)
        rgb.append(np.repeat(np.clip(np.round(luma), 0, 255).astype(np.uint8)[..., None], 3, 2))
        landmarks.append(here)
    stacked = np.stack(landmarks).astype(np.float32)
    low, high = stacked.min(axis=1), stacked.max(axis=1)
    window = np.tile(np.array([[0, 0, side]], np.float32), (n, 1))
    boxes = np.concatenate([low, high], axis=1)
    own = {"landmarks_px": stacked, "boxes_px": boxes, "window_px": window}
    return make_clip(n, px=side, rgb=np.stack(rgb), **own)


def examined(*clips: FaceClip) -> list[Evidence]:
    case: MadeCase = make_case(n_tracks=max(1, len({clip.track_id for clip in clips})))
    case.__dict__["motion"] = make_motion(*clips)
    return OpticalFlow().examine(case)


def test_a_moving_head_is_measured_and_its_curves_are_told() -> None:
    (one,) = examined(moving_clip())
    assert one.status in ("reported", "scored")
    plot = one.details["plot"]
    assert len(plot["times_s"]) == len(plot["head_motion_percent"]) == one.details["n_moments"]
    assert np.median(plot["head_motion_percent"]) == pytest.approx(2.0, rel=0.15)
    assert np.median(plot["left_over_percent"]) < 0.3
    assert set(one.details["cues"]) == set(NAMES)
    for told in one.details["cues"].values():
        assert told["value"] is None or told["unit"] in told["text"]
    assert one.findings[0].code == "optical_flow_measured"


def test_a_face_that_slides_on_its_head_is_told() -> None:
    highest = load_card("optical_flow").raw["cues"]["step_below"]["genuine_highest"]
    slide_px = 2.2 * highest * 75 / 100
    (still,), (slid,) = examined(moving_clip()), examined(moving_clip(slide_px=slide_px))
    assert "flow_break" not in [finding.code for finding in still.findings]
    (found,) = [finding for finding in slid.findings if finding.code == "flow_break"]
    assert found.severity == "notable"
    assert set(found.values) & {"step_above", "step_below"}
    assert "does not change the verdict" in found.meaning


HARD: dict[str, tuple[FaceClip, ...]] = {
    "face_still": (make_clip(100),),
    "too_short": (make_clip(6),),
    "low_frame_rate": (make_clip(60, fps=5.0),),
    "too_small": (make_clip(60, px=40),),
    "face_lost": (),
}


@pytest.mark.parametrize("code", HARD)
def test_it_abstains_with_a_reason(code: str) -> None:
    (one,) = examined(*HARD[code])
    assert one.status == "abstained"
    assert one.reason == f"{code}: {TEXTS[code]}"


def test_the_dark_is_not_measured() -> None:
    (one,) = examined(moving_clip(dim=0.08))
    assert one.status == "abstained"
    assert (one.reason or "").startswith("too_dark")


def test_what_the_motion_says_of_itself_is_passed_on() -> None:
    case = make_case()
    case.__dict__["motion"] = Motion(reasons=(Reason("too_short", "The video is too short."),))
    (one,) = OpticalFlow().examine(case)
    assert one.reason == "too_short: The video is too short."


def of_cues(monkeypatch: pytest.MonkeyPatch, rows: list[MomentCues], card: Card) -> Evidence:
    """What is said of moments that were measured so."""
    monkeypatch.setattr(optical_flow, "measure_moments", lambda moments, check: rows)
    monkeypatch.setattr(optical_flow, "open_network", lambda name, fingerprint: Summing())
    monkeypatch.setattr(optical_flow, "load_card", lambda name: card)
    (one,) = examined(make_clip(100))
    return one


def rows_of(n: int, moved: float, **values: float) -> list[MomentCues]:
    row = np.array([values.get(name, np.nan) for name in NAMES], np.float32)
    return [MomentCues(0.1 * k, row, moved, 0.2) for k in range(n)]


def test_too_much_motion_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_cues(monkeypatch, rows_of(10, 40.0, step_above=0.1), card_that(True))
    assert (one.reason or "").startswith("too_much_motion")
    assert one.details["n_moments"] == 10


def test_flow_that_was_never_found_is_no_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_cues(monkeypatch, rows_of(10, float("nan")), card_that(True))
    assert (one.reason or "").startswith("face_lost")


def test_a_card_that_lets_it_score(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*rows_of(8, 1.0, step_above=0.4), *rows_of(3, 0.01, step_above=9.0)]
    one = of_cues(monkeypatch, rows, card_that(True))
    assert one.status == "scored"
    assert one.logit == pytest.approx(0.4)
    assert len(one.spans) == 8
    assert one.kind == "face_altered"
    assert one.details["n_moments_still"] == 3


def test_a_card_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_cues(monkeypatch, rows_of(8, 1.0, step_above=1.6), card_that(False))
    assert one.status == "reported"
    assert one.logit is None
    assert [finding.code for finding in one.findings] == ["optical_flow_measured", "flow_break"]
    assert one.details["cues"]["mouth_apart"]["value"] is None
    assert "0.1" in one.details["cues"]["step_above"]["text"]


def test_a_break_is_told_only_at_the_rate_that_was_measured() -> None:
    values = np.full(len(NAMES), 1.6, np.float32)
    assert set(breaks_in(values, 0.04, card_that(False))) == {"step_above", "step_below"}
    assert breaks_in(values, 0.1, card_that(False)) == {}
    assert breaks_in(values - 0.2, 0.04, card_that(False)) == {}


def test_nobody_is_no_face() -> None:
    (one,) = OpticalFlow().examine(MadeCase({}))
    assert one.reason == f"no_face: {TEXTS['no_face']}"


def test_missed_cuts_do_not_count() -> None:
    clip = moving_clip(60)
    rgb = clip.rgb.copy()
    rgb[30:] = 255 - rgb[30:] // 3
    (one,) = examined(replace(clip, rgb=rgb))
    assert one.status in ("reported", "scored")
    assert np.median(one.details["plot"]["left_over_percent"]) < 0.3
