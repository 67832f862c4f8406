from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card, bundle_names, load_card
from assay.case import Case
from assay.detectors import voice_prosody
from assay.detectors.voice_prosody import MAX_POINTS, VoiceProsodyDetector
from assay.inputs.voice_cues import CUES, NAMES
from assay.types import Evidence, Reason
from tests.detectors.made_speech import SilentCase, SpeechCase
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, syllables, voice
from tests.inputs.test_voice_stretches import speech_of

pytestmark = pytest.mark.skipif(
    "voice_prosody" not in bundle_names(), reason="the bundle voice_prosody is not installed"
)

NOISY = Reason("noisy", "It is noisy.")
NARROW = Reason("band_limited", "It is a telephone.")


def two_people(**changes: Any) -> SpeechCase:
    sound = np.concatenate([syllables(4.0, 3.0, 110), syllables(5.0, 3.0, 210)] * 2)
    parts = [(0.0, 3.0, 1), (3.0, 6.0, 2), (6.0, 9.0, 1), (9.0, 12.0, 2)]
    return SpeechCase(sound, parts, **changes)


def examined(case: Case) -> list[Evidence]:
    return VoiceProsodyDetector().examine(case)


class Summing:
    """Stands in for the network: every measured cue adds its own value."""

    def run(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        evidence = np.nan_to_num(rows)
        return {"evidence": evidence, "logit": evidence.sum(axis=1)}


def card_that(scores: bool, why: str = "") -> Card:
    real = load_card("voice_prosody")
    return replace(real, raw={**real.raw, "scores": scores, "why_no_score": why})


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_prosody, "load_card", lambda name: card_that(True))
    monkeypatch.setattr(voice_prosody, "open_network", lambda name, fingerprint: Summing())


def test_each_person_has_one_evidence() -> None:
    found = examined(two_people())
    assert [(one.subject, one.speaker_id) for one in found] == [("voice 1", 1), ("voice 2", 2)]
    assert [one.details["n_segments_measured"] for one in found] == [2, 2]
    first, second = (one.details["pitch_hz"] for one in found)
    assert first == pytest.approx(110, rel=0.02)
    assert second == pytest.approx(210, rel=0.02)


def test_a_card_that_lets_it_score_gives_a_span_a_segment(scoring: None) -> None:
    one, _ = examined(two_people())
    assert one.status == "scored"
    assert one.kind == "voice_generated"
    assert one.logit is not None
    assert math.isfinite(one.logit)
    assert [(s.start_s, s.end_s) for s in one.spans] == [(0, 3), (6, 9)]
    values = [v["value"] for v in one.details["cues"].values() if v["value"] is not None]
    assert one.logit == pytest.approx(sum(values), rel=1e-3)


def test_a_card_that_does_not_gives_findings_and_no_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice_prosody, "load_card", lambda name: card_that(False, "Too few."))
    one, _ = examined(two_people())
    assert one.status == "reported"
    assert one.logit is None
    assert not one.spans
    assert one.findings[0].meaning.endswith("Too few.")


def test_what_was_measured_is_told_in_plain_words() -> None:
    (one,) = examined(two_people())[:1]
    (finding,) = one.findings
    assert "Pitch about 110 Hz" in finding.meaning
    assert "syllables a second" in finding.meaning
    assert "jitter" in finding.meaning
    assert set(one.details["cues"]) == set(NAMES)


def test_a_cue_outside_the_range_of_genuine_voices_is_named() -> None:
    ranges = {cue.name: {"genuine_range": [0.0, 1.0]} for cue in CUES}
    card = replace(card_that(False), raw={"cues": ranges})
    values = np.full(len(CUES), 0.5, np.float32)
    assert "98 of 100" in voice_prosody.what_stands_out(CUES, values, card)
    values[NAMES.index("jitter")] = 7.0
    values[NAMES.index("shimmer")] = -2.0
    said = voice_prosody.what_stands_out(CUES, values, card)
    assert "jitter 7 (above 1; %)" in said
    assert "shimmer -2 (below 0; %)" in said
    assert said.index("jitter") < said.index("shimmer")


def test_the_plot_follows_the_pitch_over_the_files_time() -> None:
    one, _ = examined(two_people())
    plot = one.details["plot"]
    times, pitch = plot["times_s"], plot["f0_hz"]
    assert len(times) == len(pitch) <= MAX_POINTS
    assert times == sorted(times)
    assert times[-1] == pytest.approx(9.0, abs=0.1)
    assert not [t for t, hz in zip(times, pitch, strict=True) if hz and 3.0 < t < 6.0]
    heard = [hz for hz in pitch if hz is not None]
    assert np.median(heard) == pytest.approx(110, rel=0.02)
    assert None in pitch


def test_a_long_voice_is_sampled() -> None:
    sound = np.tile(syllables(4.0, 3.0), 40)
    (one,) = examined(SpeechCase(sound, [(3.0 * i, 3.0 * i + 3, 1) for i in range(40)]))
    assert one.details["seconds_measured"] <= VoiceProsodyDetector.input.most_s
    assert one.details["n_segments"] == 40
    assert len(one.details["plot"]["times_s"]) <= MAX_POINTS
    assert one.details["plot"]["times_s"][-1] > 90


def test_it_abstains_with_the_segments_reasons() -> None:
    found = examined(two_people(reasons={1: (NOISY,), 3: (NOISY,)}))
    assert [one.status for one in found] == ["reported", "abstained"] or found[0].logit is not None
    assert found[1].reason == "noisy: It is noisy."
    assert found[1].speaker_id == 2


def test_a_telephone_leaves_pitch_and_rhythm() -> None:
    found = examined(two_people(reasons={1: (NARROW,), 3: (NARROW,)}))
    assert found[1].status != "abstained"


def test_without_speech_it_says_why() -> None:
    (one,) = examined(SilentCase(None))
    assert one.status == "abstained"
    assert (one.reason or "").startswith("no_sound")
    (one,) = examined(SilentCase(speech_of(np.zeros(16_000, np.float32), [])))
    assert one.reason == "no_speech: Nobody speaks."


def test_a_segment_of_noise_is_no_voice() -> None:
    noise = np.random.default_rng(0).normal(size=3 * RATE_HZ) * 0.1
    (one,) = examined(SpeechCase(noise, [(0.0, 3.0, 1)]))
    assert one.status == "abstained"
    assert (one.reason or "").startswith("too_short")


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_is_answered(name: str) -> None:
    sound = np.nan_to_num(hostile_sounds()[name], posinf=1, neginf=-1)
    if not len(sound):
        pytest.skip("there is no segment of nothing")
    (one,) = examined(SpeechCase(sound, [(0.0, len(sound) / RATE_HZ, 1)]))
    assert one.status in ("abstained", "reported", "scored")
    assert one.logit is None or math.isfinite(one.logit)


def test_the_same_file_gives_the_same_answer() -> None:
    first, second = (
        [replace(one, seconds_taken=0.0) for one in examined(two_people())] for _ in range(2)
    )
    assert first == second


def test_a_voice_from_speech_to_evidence_is_quick() -> None:
    sound = voice(120.0, 6.0, 0.01, 0.05, 25.0)
    (one,) = examined(SpeechCase(sound, [(0.0, 6.0, 1)]))
    assert one.seconds_taken < 6.0
