from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.bundles import Card, bundle_names
from assay.findings import Finding, Region
from assay.subjects import NETWORKS, VOICE_NETWORKS
from assay.types import Evidence, Provenance, Reason, Span, Stability, Verdict
from assay.verdict.calibrate import calibrate
from assay.verdict.coverage import Installed
from assay.verdict.decide import Examined, decide
from assay.verdict.fuse import fuse
from assay.verdict.gate import Domain
from tests.verdict.doubles import (
    FaceDetector,
    MadeCase,
    make_case,
    make_evidence,
    make_media,
    make_picture_evidence,
    write_card,
)
from tests.verdict.sound_doubles import (
    VoiceCase,
    make_segment,
    make_sound_evidence,
    make_voice_evidence,
)

STEADY = Stability({"as_is": 0.9, "resave": 0.9}, 0, 0.0)
FLIPPING = Stability({"as_is": 0.9, "resave": 0.1}, 1, 0.8)
DETECTORS: dict[str, Any] = {"test_detector": FaceDetector}


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return write_card(tmp_path)


def decided(card: Card | None, *evidence: Evidence, **changes: Any) -> Verdict:
    cards = {"test_detector": card, "other": card} if card else {}
    calibrated = calibrate(evidence, "far_1", cards)
    fused = fuse(calibrated, "far_1", cards)
    values: dict[str, Any] = {
        "case": make_case(n_tracks=2),
        "evidence": fused.evidence if fused else tuple(calibrated),
        "installed": Installed(DETECTORS, {}, voice=False),
        "cards": cards,
        "fused": fused,
        "stability": STEADY,
        "domain": Domain(True),
    }
    return decide(Examined(**{**values, **changes}))


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_low_score_is_no_evidence(card: Card) -> None:
    verdict = decided(card, make_evidence(-4.0))
    assert (verdict.label, verdict.status, verdict.exit_code) == (
        "no_evidence_found",
        "completed",
        0,
    )
    assert codes(verdict) == ["score_below_cut"]
    assert verdict.kind == ()


def test_a_score_above_the_cut_is_some_evidence(card: Card) -> None:
    verdict = decided(card, make_evidence(4.0))
    assert (verdict.label, verdict.exit_code) == ("some_evidence", 0)
    assert verdict.kind == ("face_altered",)
    assert verdict.operating_point is not None
    assert verdict.p_fake is not None
    assert verdict.p_fake >= verdict.operating_point.threshold


def test_two_families_are_strong_and_one_family_twice_is_not(card: Card) -> None:
    other = {"detector": "other", "kind": "generated"}
    strong = decided(card, make_evidence(4.0), make_evidence(4.0, family="second", **other))
    assert (strong.label, strong.exit_code) == ("strong_evidence", 1)
    assert codes(strong)[0] == "families_agree"
    assert strong.kind == ("face_altered", "generated")
    assert decided(card, make_evidence(4.0), make_evidence(4.0, **other)).label == "some_evidence"


def test_a_rate_below_a_thousandth_of_the_whole_file_is_strong(tmp_path: Path) -> None:
    logits = [i / 1000 for i in range(-3000, 0)]
    fit = {"scale": 1.0, "bias": 0.0, "bona_fide_logits": logits, "interval_width_logit": 0.1}
    many = write_card(tmp_path, calibration={**fit, "fitted_on": "3000 faces"})
    assert decided(many, make_evidence(4.0)).label == "strong_evidence"
    three = [make_evidence(4.0, 1), *(make_evidence(-4.0, i) for i in (2, 3, 4))]
    assert decided(many, *three).label == "some_evidence"


@pytest.mark.parametrize(
    ("changes", "logit", "code"),
    [
        ({"stability": FLIPPING}, 4.0, "flips"),
        ({"stability": FLIPPING}, -4.0, "flips"),
        ({"domain": Domain(False, (Reason("too_short", "x"),))}, 4.0, "out_of_domain"),
        ({}, 1.95, "near_the_cut"),
        ({}, 1.85, "near_the_cut"),
    ],
)
def test_doubt_makes_it_inconclusive(
    card: Card, changes: dict[str, Any], logit: float, code: str
) -> None:
    verdict = decided(card, make_evidence(logit), **changes)
    assert (verdict.label, verdict.exit_code) == ("inconclusive", 0)
    assert codes(verdict)[0] == code


def test_conflict_makes_it_inconclusive(card: Card) -> None:
    against = make_evidence(-4.0, detector="other", family="second")
    verdict = decided(card, make_evidence(4.0), against)
    assert verdict.label == "inconclusive"
    assert "conflict" in codes(verdict)


def test_out_of_domain_without_a_finding_is_stated_and_not_doubted(card: Card) -> None:
    outside = Domain(False, (Reason("too_short", "Too short."),), {"face_px": 50})
    verdict = decided(card, make_evidence(-4.0), domain=outside)
    assert verdict.label == "no_evidence_found"
    assert verdict.in_domain is False
    assert verdict.in_domain_reasons == outside.reasons
    assert verdict.quality == {"face_px": 50}


def test_too_many_faces_for_the_measured_rate_is_inconclusive(card: Card) -> None:
    crowd = [make_evidence(9.0, 1), *(make_evidence(-4.0, i) for i in range(2, 41))]
    assert "too_many_faces_for_rate" in codes(decided(card, *crowd))


def test_sound_alone_is_not_analysable(card: Card) -> None:
    sound = MadeCase({}, media=make_media("audio"))
    verdict = decided(None, case=sound, domain=Domain(None), stability=None)
    assert (verdict.status, verdict.label, verdict.exit_code) == ("declined", "not_analysable", 3)
    assert codes(verdict) == ["no_voice_detector"]
    assert verdict.p_fake is None
    assert any("no voice detector" in line for line in verdict.coverage.not_tested)


def test_a_file_without_a_face_says_so(card: Card) -> None:
    talking = MadeCase({}, media=make_media(sample_rate_hz=48_000))
    verdict = decided(card, case=talking, domain=Domain(None))
    assert codes(verdict) == ["no_face", "no_voice_detector"]
    assert any("outside faces" in line for line in verdict.coverage.not_tested)


def test_every_abstention_and_failure_is_a_reason(card: Card) -> None:
    failed = make_evidence(None, 2, status="failed", reason="time_limit: Too slow.")
    plain = make_evidence(None, 1, reason="It would not say")
    verdict = decided(card, make_evidence(None, 1), failed, plain)
    assert codes(verdict) == ["too_dull", "time_limit", "abstained"]
    assert verdict.reasons[0].text == "test_detector, face 1: It is too dull."
    assert verdict.agreement is not None
    assert (verdict.agreement.ran, verdict.agreement.abstained) == (0, 1)


def test_a_face_and_no_detector_for_it_is_a_reason(card: Card) -> None:
    verdict = decided(None, installed=Installed({}, {"x": "it was not asked for."}, voice=True))
    assert codes(verdict) == ["no_face_detector", "not_run"]


def test_what_was_not_tested_is_said(card: Card) -> None:
    from assay.options import Options

    case = make_case(
        options=Options(time_range_s=(2.0, 9.0), max_faces=2),
        media=make_media(sample_rate_hz=48_000),
        n_faces_left_out=3,
        notes=("time_limit_faces",),
    )
    installed = Installed(DETECTORS, {"slow": "it was not asked for."}, voice=False)
    verdict = decided(
        card, make_evidence(-4.0), make_evidence(None, 2), case=case, installed=installed
    )
    said = "\n".join(verdict.coverage.not_tested)
    for expected in (
        "no voice detector is installed",
        "8 of 250 were examined",
        "outside 0:02 to 0:09",
        "3 further faces: more than 2 people",
        "the limit of 120 s",
        "slow was not run",
        "test_detector abstained on face 2: It is too dull.",
        "outside faces",
        "lips and sound",
    ):
        assert expected in said
    assert verdict.coverage.n_faces_examined == 1
    assert verdict.coverage.n_frames_examined == 8
    assert verdict.coverage.tested[0].startswith(
        "Faces: 1 person in 8 frames between 0:00 and 0:01"
    )
    assert "JPEG of quality 75" in verdict.coverage.tested[-1]


def test_faces_carry_place_and_score(card: Card) -> None:
    spans = (Span(0.0, 0.0, 4.0), Span(0.1, 0.1, -4.0))
    verdict = decided(card, make_evidence(1.0, 1, spans=spans))
    assert len(verdict.faces) == 16
    first, second, third = verdict.faces[:3]
    assert (first.p_fake, second.p_fake) == pytest.approx((0.982, 0.018), abs=1e-3)
    assert third.p_fake is None
    assert first.box_px == (60, 60, 180, 180)


def test_provenance_is_lifted_and_else_not_checked(card: Card) -> None:
    found = {"state": "invalid", "meaning": "Changed.", "values": {"signer": "x"}, "codes": ["c"]}
    reported = make_evidence(
        None, None, status="reported", reason=None, details={"provenance": found}
    )
    held = Provenance("invalid", "Changed.", {"signer": "x"}, ("c",))
    assert decided(card, reported).provenance == held
    nothing = decided(card, make_evidence(-4.0)).provenance
    assert nothing is not None
    assert nothing.state == "not_checked"


@pytest.mark.parametrize(
    ("severity", "subject", "logit", "label"),
    [
        ("strong", "file", -4.0, "inconclusive"),
        ("notable", "file", -4.0, "no_evidence_found"),
        ("strong", "face 1", -4.0, "no_evidence_found"),
        ("strong", "file", 4.0, "some_evidence"),
    ],
)
def test_a_strong_finding_in_the_file_is_never_hidden_by_a_low_score(
    card: Card, severity: Any, subject: str, logit: float, label: str
) -> None:
    told = Finding("generator_metadata", "Traces of a generator", "m", severity)
    reported = make_evidence(None, None, status="reported", reason=None, findings=(told,))
    verdict = decided(card, make_evidence(logit), replace(reported, subject=subject))
    assert verdict.label == label
    assert ("file_findings" in codes(verdict)) == (label == "inconclusive")
    assert verdict.p_fake == decided(card, make_evidence(logit)).p_fake


def test_a_strong_finding_is_told_where_nothing_was_scored(card: Card) -> None:
    told = Finding("generator_metadata", "Traces of a generator.", "m", "strong")
    one = make_evidence(None, None, status="reported", reason=None, findings=(told, told))
    verdict = decided(card, replace(one, subject="file"))
    assert verdict.label == "not_analysable"
    assert codes(verdict)[0] != "file_findings"
    assert verdict.reasons[-1].text == (
        "Nothing was scored, but the file itself carries a strong trace: Traces of a generator."
    )


def test_a_place_worth_a_look_is_a_fact_and_two_families_on_it_a_doubt(card: Card) -> None:
    told = Finding("c", "There twice", "m", "notable", region=Region(box_px=(0, 0, 9, 9)))
    bare = make_evidence(None, None, status="reported", reason=None, findings=(told,))
    one, other = (replace(bare, subject="file", family=family) for family in ("a", "b"))
    alone = decided(card, make_evidence(-4.0), one)
    assert (alone.label, codes(alone)[-1]) == ("no_evidence_found", "worth_a_look")
    both = decided(card, make_evidence(-4.0), one, other)
    assert (both.label, codes(both)[0]) == ("inconclusive", "file_findings")
    assert "worth_a_look" not in codes(both)
    assert codes(decided(card, make_evidence(4.0), one, other))[-1] == "worth_a_look"


def test_nothing_is_ever_called_real_or_authentic(card: Card) -> None:
    verdicts = [decided(card, make_evidence(logit)) for logit in (-6.0, 1.9, 6.0)]
    verdicts.append(decided(None, case=MadeCase({}), domain=Domain(None)))
    for verdict in verdicts:
        assert not re.search(r"\b(real|authentic|genuine)\b", str(verdict), re.IGNORECASE)


def test_bundles_and_limits_travel(card: Card) -> None:
    verdict = decided(card, make_evidence(-4.0), stability=None)
    assert verdict.bundles["test_bundle"] == "a" * 64
    face_networks = {name for name in bundle_names() if name in NETWORKS}
    assert set(verdict.bundles) == {"test_bundle"} | face_networks
    assert any("a straight line" in limit for limit in verdict.limits)
    assert any("Everything but brightness" in limit for limit in verdict.limits)
    assert any("was not tested" in limit for limit in verdict.limits)


def test_a_picture_is_generated_and_a_face_altered(card: Card) -> None:
    whole = decided(card, make_evidence(-4.0), make_picture_evidence(5.0))
    assert (whole.label, whole.kind) == ("some_evidence", ("generated",))
    assert whole.reasons[0].text.startswith("other gives the picture 0.993, above its cut")
    both = decided(card, make_evidence(4.0), make_picture_evidence(5.0))
    assert (both.label, both.kind) == ("strong_evidence", ("face_altered", "generated"))
    assert both.agreement is not None
    assert not both.agreement.conflict


def test_what_was_set_aside_is_a_stated_fact(card: Card) -> None:
    cards = {"test_detector": card, "other": card}
    evidence = calibrate([make_evidence(6.0), make_picture_evidence(5.0)], "far_1", cards)
    fused = fuse(evidence, "far_1", cards, [("test_detector", "face 1")])
    assert fused is not None
    verdict = decided(card, fused=fused, evidence=fused.evidence)
    assert verdict.label == "some_evidence"
    assert codes(verdict) == ["score_above_cut", "set_aside"]
    assert "face 1 0.998 too, which does not count" in verdict.reasons[1].text


def test_the_measured_faithfulness_of_maps_is_a_limit(card: Card) -> None:
    stated = {"heatmap": {"faithful": False, "score_falls_more_by_map": 0.5, "n": 40}}
    verdict = decided(card, make_evidence(-4.0, details=stated))
    assert any("maps failed the test" in line and "50 %" in line for line in verdict.limits)


def test_a_voice_is_named_and_worded_as_one(card: Card) -> None:
    cards = {"voice_detector": card, "sound_detector": card}
    case = VoiceCase(make_segment())
    said = [make_voice_evidence(5.0), make_sound_evidence(-1.0)]
    fused = fuse(calibrate(said, "far_1", cards), "far_1", cards)
    assert fused is not None
    changes = {"case": case, "cards": cards, "fused": fused, "evidence": fused.evidence}
    verdict = decided(None, **changes, stability=None)
    assert (verdict.label, verdict.kind) == ("some_evidence", ("voice_generated",))
    assert verdict.reasons[0].text.startswith("voice_detector gives voice 1 0.993")
    assert any("at another loudness was not tested" in limit for limit in verdict.limits)
    listened = {name for name in bundle_names() if name in VOICE_NETWORKS}
    assert set(verdict.bundles) == {"test_bundle"} | listened


def test_voice_and_recording_together_are_strong(card: Card) -> None:
    cards = {"voice_detector": card, "sound_detector": card}
    said = [make_voice_evidence(5.0), make_sound_evidence(5.0)]
    fused = fuse(calibrate(said, "far_1", cards), "far_1", cards)
    assert fused is not None
    case = VoiceCase(make_segment())
    verdict = decided(None, case=case, cards=cards, fused=fused, evidence=fused.evidence)
    assert (verdict.label, verdict.kind) == ("strong_evidence", ("voice_generated", "edited"))
    assert "sound_detector gives the sound 0.993" in verdict.reasons[-1].text


def test_too_many_voices_for_the_measured_rate_are_called_voices(card: Card) -> None:
    cards = {"voice_detector": card}
    crowd = [make_voice_evidence(9.0), *(make_voice_evidence(-4.0, i) for i in range(2, 41))]
    fused = fuse(calibrate(crowd, "far_1", cards), "far_1", cards)
    assert fused is not None
    case = VoiceCase(make_segment())
    verdict = decided(None, case=case, cards=cards, fused=fused, evidence=fused.evidence)
    assert "too_many_voices_for_rate" in codes(verdict)
    assert any("every bona fide voice measured" in reason.text for reason in verdict.reasons)
