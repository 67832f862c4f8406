from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from assay.detectors.pulse import Pulse, smallest_found, unfit, why_not
from assay.inputs.pulse import Spectrum
from assay.inputs.pulse_reading import Beats, Reading
from assay.subjects.clips import FaceClip, Motion
from assay.types import Evidence, Reason
from tests.inputs.made_skin import filmed
from tests.subjects.moving import make_clip, make_motion
from tests.verdict.doubles import make_case

LOWER = ("jaw_left", "jaw_right", "chin")


def examined(*clips: FaceClip) -> list[Evidence]:
    case = make_case(n_tracks=max(1, len({clip.track_id for clip in clips})))
    case.__dict__["motion"] = make_motion(*clips)
    return Pulse().examine(case)


def one(clip: FaceClip) -> Evidence:
    (evidence,) = examined(clip)
    assert (evidence.subject, evidence.track_id, evidence.logit) == ("face 1", 1, None)
    return evidence


def refused(clip: FaceClip, code: str) -> str:
    evidence = one(clip)
    assert evidence.status == "abstained"
    assert evidence.reason is not None
    assert evidence.reason.startswith(f"{code}: ")
    return evidence.reason


@pytest.mark.parametrize("bpm", [50, 72, 110, 150])
def test_a_pulse_that_was_put_in_is_told_with_its_rate(bpm: int) -> None:
    evidence = one(filmed(bpm=bpm))
    assert evidence.status == "reported"
    found = {finding.code: finding for finding in evidence.findings}
    rate = found["pulse_found"]
    assert rate.values["rate_bpm"] == pytest.approx(bpm, abs=2)
    assert rate.values["snr_db"] > 5
    assert "no sign that the face is genuine" in rate.meaning
    assert "does not change the verdict" in rate.meaning
    assert found["pulse_in_step"].values["n_regions"] >= 3
    assert "pulse_out_of_step" not in found


def test_details_are_numbers_that_a_report_can_draw() -> None:
    details = one(filmed()).details
    json.dumps(details, allow_nan=False)
    plot = details["plot"]
    assert len(plot["times_s"]) == len(plot["skin_colour_permille"]) > 300
    swing = np.ptp(plot["skin_colour_permille"]) / 2
    assert 2 < swing < 12, "a beat of 1 in 140 grey levels"
    assert details["methods"]["chrom"]["rate_bpm"] == pytest.approx(72, abs=2)
    assert set(details["regions"]["forehead"]) >= {"snr_db", "step_deg", "coherence"}


def test_times_are_those_of_the_file() -> None:
    clip = filmed()
    times = one(replace(clip, times_s=clip.times_s + np.float32(100))).details["plot"]["times_s"]
    assert times[0] == pytest.approx(100, abs=0.1)


def test_parts_that_beat_against_the_rest_are_noticed() -> None:
    evidence = one(filmed(opposite=LOWER, amplitude_levels=2))
    codes = {finding.code: finding for finding in evidence.findings}
    assert "pulse_in_step" not in codes
    notice = codes["pulse_out_of_step"]
    assert notice.severity == "notable"
    assert {name.removesuffix("_deg") for name in notice.values if name.endswith("_deg")} <= {
        *LOWER
    }
    assert "lit from the side" in notice.meaning


@pytest.mark.parametrize("seed", range(4))
def test_no_pulse_is_claimed_of_a_still_face_under_noise(seed: int) -> None:
    assert "grey levels would have" in refused(filmed(seed, bpm=0), "no_pulse")


def test_what_would_have_been_found_is_about_what_is_found() -> None:
    details = one(filmed(bpm=0)).details
    least = details["smallest_told_levels"]
    assert 0.02 < least < 0.6
    assert one(filmed(amplitude_levels=3 * least)).status == "reported"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"seconds": 9.0}, "too_short"),
        ({"fps": 12.0}, "low_frame_rate"),
        ({"face_px": 40}, "too_small"),
        ({"brightness": 0.2}, "too_dark"),
        ({"brightness": 3.0}, "too_bright"),
        ({"grey": True}, "no_colour"),
        ({"move_share": 0.15}, "too_much_motion"),
        ({"crf": 30}, "too_compressed"),
        ({"noise_levels": 0.0, "bpm": 0}, "too_compressed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_abstains_with_the_reason(how: dict[str, float], code: str) -> None:
    refused(filmed(**how), code)


def test_a_nod_at_the_rate_found_is_not_taken_for_a_pulse() -> None:
    refused(filmed(bpm=72, move_share=0.015, move_hz=1.2), "too_much_motion")


def test_light_that_beats_on_everything_is_not_taken_for_a_pulse() -> None:
    clip = filmed(bpm=0)
    wave = 4 * np.cos(2 * np.pi * 1.5 * clip.times_s)
    rgb = clip.rgb.astype(np.float32)
    rgb[..., 1] += wave[:, None, None]
    refused(replace(clip, rgb=np.clip(rgb, 0, 255).astype(np.uint8)), "light_beats")


def test_lost_faces_end_the_stretch() -> None:
    clip = filmed()
    boxes = clip.boxes_px.copy()
    boxes[100:110] = np.nan
    refused(replace(clip, boxes_px=boxes), "too_short")


def test_only_short_gaps_are_bridged() -> None:
    clip = filmed()
    boxes = clip.boxes_px.copy()
    boxes[30:33], boxes[120] = np.nan, np.nan
    evidence = one(replace(clip, boxes_px=boxes))
    assert evidence.status == "reported"
    assert evidence.findings[0].values["rate_bpm"] == pytest.approx(72, abs=2)


def test_short_clips_are_left_before_a_pixel_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.detectors.pulse.read_pulse", lambda *_: pytest.fail("it was read"))
    refused(make_clip(30), "too_short")
    refused(make_clip(1), "too_short")


def test_every_person_is_answered_from_their_longest_clip() -> None:
    long, short = filmed(), make_clip(20)
    found = examined(short, long, make_clip(30, track_id=2))
    assert [(e.track_id, e.status) for e in found] == [(1, "reported"), (2, "abstained")]


def test_without_anybody_followed_the_reason_is_passed_on() -> None:
    case = make_case()
    case.__dict__["motion"] = Motion(reasons=(Reason("face_lost", "Nobody."),))
    (evidence,) = Pulse().examine(case)
    assert evidence.reason == "face_lost: Nobody."
    case.__dict__["motion"] = Motion()
    (evidence,) = Pulse().examine(case)
    assert evidence.status == "abstained"


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_times_that_are_no_times_are_refused(value: float) -> None:
    assert unfit(value, 30.0) is not None or value == np.inf
    assert unfit(12.0, value) is not None or value == np.inf


def reading(**changes: object) -> Reading:
    whole = {name: Spectrum(1.2, 8.0) for name in ("chrom", "pos")}
    beats = Beats(np.zeros(3), np.zeros(3), whole, {}, (), 1.0)
    usual = {
        "duration_s": 12.0,
        "fps": 30.0,
        "face_px": 120.0,
        "level": np.array([190, 140, 120], np.float32),
        "skin_share": 0.9,
        "dark_share": 0.0,
        "bright_share": 0.0,
        "n_pixels": 2000,
        "n_regions": 7,
        "repeated_share": 0.0,
        "unchanged": 0.0,
        "motion": 0.0,
        "motion_hz": np.nan,
        "beats": beats,
    }
    return Reading(**{**usual, **changes})  # type: ignore[arg-type]


def with_rates(chrom: tuple[float, float], pos: tuple[float, float]) -> Reading:
    whole = {"chrom": Spectrum(*chrom), "pos": Spectrum(*pos)}
    return reading(beats=Beats(np.zeros(3), np.zeros(3), whole, {}, (), 1.0))


def test_both_methods_must_agree_and_be_clear() -> None:
    assert why_not(with_rates((1.2, 6.0), (1.22, 7.0))) is None
    for bad in (
        with_rates((1.2, 6.0), (1.5, 7.0)),
        with_rates((1.2, 6.0), (1.2, -4.0)),
        with_rates((np.nan, -np.inf), (np.nan, -np.inf)),
    ):
        refusal = why_not(bad)
        assert refusal is not None
        assert refusal.code == "no_pulse"


def test_numbers_that_are_missing_refuse() -> None:
    for changes in (
        {"level": np.full(3, np.nan, np.float32)},
        {"beats": None},
        {"n_regions": 2},
        {"duration_s": 0.0},
    ):
        assert why_not(reading(**changes)) is not None


def test_the_smallest_pulse_follows_the_noise() -> None:
    clear = smallest_found(reading().beats)  # type: ignore[arg-type]
    noisy = smallest_found(with_rates((1.2, 2.0), (1.2, 2.0)).beats)  # type: ignore[arg-type]
    assert clear is not None
    assert noisy is not None
    assert noisy == pytest.approx(2 * clear, rel=0.01)
    nothing = with_rates((np.nan, -np.inf), (np.nan, -np.inf)).beats
    assert nothing is not None
    assert smallest_found(nothing) is None
