from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card, bundle_names, load_card
from assay.case import Case
from assay.detectors import voice_spectrum
from assay.detectors.voice_spectrum import MAX_POINTS, VoiceSpectrumDetector
from assay.inputs.spectrum_cues import NAMES
from assay.media.audio import resampled
from assay.types import Evidence, Reason, Waveform
from tests.detectors.made_speech import SilentCase, SpeechCase
from tests.detectors.test_voice_prosody import Summing
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, voice
from tests.inputs.test_voice_phase import with_random_phases

pytestmark = pytest.mark.skipif(
    "voice_spectrum" not in bundle_names(), reason="the bundle voice_spectrum is not installed"
)

VOICE = voice(120.0, 3.0, 0.01, 0.05, 30.0)


def one_voice(own: Waveform | None = None, **changes: Any) -> SpeechCase:
    return SpeechCase(VOICE, [(0.0, 3.0, 1)], own=own, **changes)


def examined(case: Case) -> list[Evidence]:
    return VoiceSpectrumDetector().examine(case)


def card_that(scores: bool, why: str = "") -> Card:
    real = load_card("voice_spectrum")
    return replace(real, raw={**real.raw, "scores": scores, "why_no_score": why})


def test_a_card_that_lets_it_score_gives_a_span_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_spectrum, "load_card", lambda name: card_that(True))
    monkeypatch.setattr(voice_spectrum, "open_network", lambda name, fingerprint: Summing())
    (one,) = examined(SpeechCase(np.tile(VOICE, 2), [(0.0, 3.0, 1), (3.0, 6.0, 1)]))
    assert one.status == "scored"
    assert (one.kind, one.subject, one.speaker_id) == ("voice_generated", "voice 1", 1)
    assert [(s.start_s, s.end_s) for s in one.spans] == [(0, 3), (3, 6)]
    values = [v["value"] for v in one.details["cues"].values() if v["value"] is not None]
    assert one.logit == pytest.approx(sum(values), rel=1e-3)


def test_a_card_that_does_not_gives_findings_and_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_spectrum, "load_card", lambda name: card_that(False, "Too few."))
    (one,) = examined(one_voice())
    assert one.status == "reported"
    assert one.logit is None
    assert one.findings[0].meaning.endswith("Too few.")
    assert set(one.details["cues"]) == set(NAMES)


def test_guessed_phases_change_what_is_told() -> None:
    genuine, guessed = (
        examined(SpeechCase(sound, [(0.0, 3.0, 1)]))[0].details["cues"]["phase_coherence"]["value"]
        for sound in (VOICE, with_random_phases(VOICE))
    )
    assert genuine > guessed + 0.3


def test_a_file_that_once_had_a_lower_rate_is_told_without_weight() -> None:
    noisy = VOICE + np.random.default_rng(0).normal(size=len(VOICE)).astype(np.float32) * 1e-3
    own = Waveform(resampled(noisy, RATE_HZ, 48_000), 48_000)
    (one,) = examined(one_voice(own))
    found = {finding.code: finding for finding in one.findings}
    assert found["band_ends_early"].values["band_edge_hz"] == pytest.approx(8000, rel=0.05)
    assert "16,000 Hz" in found["band_ends_early"].meaning
    assert one.details["band"]["sharp"]
    (plain,) = examined(one_voice())
    assert plain.logit == one.logit
    assert plain.details["cues"] == one.details["cues"]


def test_one_edge_of_all_voices_is_told_once_and_another_again() -> None:
    noisy = VOICE + np.random.default_rng(0).normal(size=len(VOICE)).astype(np.float32) * 1e-3
    wide = resampled(noisy, RATE_HZ, 48_000)
    narrow = resampled(resampled(noisy, RATE_HZ, 8_000), 8_000, 48_000)[: len(wide)]
    parts = [(0.0, 3.0, 1), (3.0, 6.0, 2), (6.0, 9.0, 3)]
    own = Waveform(np.concatenate([wide, wide, narrow]), 48_000)
    found = examined(SpeechCase(np.tile(VOICE, 3), parts, own=own))
    told = [[f.code for f in one.findings].count("band_ends_early") for one in found]
    assert told == [1, 0, 1]


def test_digital_silence_is_told() -> None:
    sound = VOICE.copy()
    sound[20_000:24_000] = 0
    (one,) = examined(SpeechCase(sound, [(0.0, 3.0, 1)]))
    silence = next(f for f in one.findings if f.code == "digital_silence")
    assert silence.values["share"] == pytest.approx(4000 / 48_000, abs=0.01)


def test_the_plot_is_the_mean_spectrum_at_the_files_own_rate() -> None:
    own = Waveform(resampled(VOICE, RATE_HZ, 44_100), 44_100)
    (one,) = examined(one_voice(own))
    plot = one.details["plot"]
    assert len(plot["frequencies_hz"]) == len(plot["level_db"]) <= MAX_POINTS
    assert plot["frequencies_hz"] == sorted(plot["frequencies_hz"])
    assert plot["frequencies_hz"][-1] == pytest.approx(22_050, rel=0.02)
    assert 0 < plot["band_edge_hz"] <= 22_050
    assert all(math.isfinite(level) for level in plot["level_db"])


def test_it_abstains_with_the_segments_reasons() -> None:
    narrow = Reason("band_limited", "It is a telephone.")
    (one,) = examined(one_voice(reasons={0: (narrow,)}))
    assert one.status == "abstained"
    assert one.reason == "band_limited: It is a telephone."


@pytest.mark.parametrize("name", ["silence", "constant", "noise"])
def test_what_is_no_voice_is_not_scored(name: str) -> None:
    (one,) = examined(SpeechCase(hostile_sounds()[name], [(0.0, 2.0, 1)]))
    assert one.status == "abstained"
    assert (one.reason or "").startswith("too_short")


def test_without_sound_it_says_so() -> None:
    (one,) = examined(SilentCase(None))
    assert (one.status, one.subject) == ("abstained", "sound")
    assert (one.reason or "").startswith("no_sound")


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
        [replace(one, seconds_taken=0.0) for one in examined(one_voice())] for _ in range(2)
    )
    assert first == second
