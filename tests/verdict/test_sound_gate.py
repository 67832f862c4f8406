from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.types import Reason, Span
from assay.verdict.gate import domain_of, judge_unscored
from assay.verdict.sound_gate import SoundLimits, speech_quality, voice_faults
from tests.verdict.doubles import make_view, write_card
from tests.verdict.sound_doubles import (
    NOISY,
    VoiceCase,
    make_segment,
    make_sound_evidence,
    make_voice_evidence,
)


def codes(reasons: Any) -> list[str]:
    return [reason.code for reason in reasons]


def two(first: tuple[Reason, ...] = (), second: tuple[Reason, ...] = ()) -> VoiceCase:
    """Two seconds, then three."""
    return VoiceCase(make_segment(0, 2, reasons=first), make_segment(2, 5, reasons=second))


def test_a_clear_voice_lies_inside(tmp_path: Path) -> None:
    found = domain_of(two(), make_voice_evidence(0.0), write_card(tmp_path))
    assert found.ok is True
    assert found.quality == {"voice_segments": 2, "voice_s": 5.0, "voice_snr_db": 20.0}


@pytest.mark.parametrize("code", ["band_limited", "noisy", "clipped", "music"])
def test_more_than_half_of_the_seconds_lead_outside(tmp_path: Path, code: str) -> None:
    card, fault = write_card(tmp_path), Reason(code, "x")
    minority = domain_of(two((fault,)), make_voice_evidence(0.0), card)
    assert (minority.ok, minority.quality[f"voice_{code}_share"]) == (True, 0.4)
    majority = domain_of(two((), (fault,)), make_voice_evidence(0.0), card)
    assert majority.ok is False
    assert codes(majority.reasons) == [code]
    assert "in 60 % of the seconds judged" in majority.reasons[0].text


def test_only_what_was_judged_of_this_voice_counts(tmp_path: Path) -> None:
    case = two((), (NOISY,))
    quiet = make_voice_evidence(0.0, spans=(Span(0.0, 2.0, 0.0),))
    found = domain_of(case, quiet, write_card(tmp_path))
    assert (found.ok, found.quality["voice_s"]) == (True, 2.0)


def test_a_reason_not_foreseen_counts_in_its_own_words() -> None:
    case = VoiceCase(make_segment(0, 2, reasons=(Reason("wind", "Wind blows into it."),)))
    reasons, _ = voice_faults(case, make_voice_evidence(0.0), SoundLimits())
    assert reasons == [Reason("wind", "Wind blows into it in 100 % of the seconds judged.")]


def test_the_card_may_tolerate_the_telephone_and_want_more_seconds(tmp_path: Path) -> None:
    stated = {"max_band_limited_share": 1.0, "min_voice_s": 9, "min_face_px": 64}
    card = write_card(tmp_path, in_domain=stated)
    telephone = Reason("band_limited", "x")
    found = domain_of(two((telephone,), (telephone,)), make_voice_evidence(0.0), card)
    assert codes(found.reasons) == ["too_short"]


def test_a_recording_is_judged_where_the_card_demands_something(tmp_path: Path) -> None:
    case, one = two(), make_sound_evidence(0.0)
    free = domain_of(case, one, write_card(tmp_path))
    assert (free.ok, free.quality) == (None, {"sound_s": 5.0, "sample_rate_hz": 16_000})
    strict = write_card(tmp_path, in_domain={"min_sample_rate_hz": 32_000, "min_sound_s": 6})
    assert codes(domain_of(case, one, strict).reasons) == ["too_short", "low_rate"]
    kept = write_card(tmp_path, in_domain={"min_sample_rate_hz": 16_000})
    assert domain_of(case, one, kept).ok is True


def test_a_face_and_a_voice_do_not_speak_for_each_other(tmp_path: Path) -> None:
    small = {1: tuple(make_view(1, i, 0.1 * i, face_px=30.0) for i in range(8))}
    case = VoiceCase(make_segment(), views=small)
    found = domain_of(case, make_voice_evidence(0.0), write_card(tmp_path))
    assert found.ok is True
    assert {"face_px", "voice_s"} <= set(found.quality)


def test_unfamiliar_voices_lie_outside(tmp_path: Path) -> None:
    strange = make_voice_evidence(0.0, details={"domain_distance": 3.0, "domain_limit": 2.0})
    found = domain_of(two(), strange, write_card(tmp_path))
    assert codes(found.reasons) == ["unfamiliar"]
    assert found.reasons[0].text.startswith("Voice 1 is unlike")


def test_what_was_measured_is_told_without_a_score_too() -> None:
    case = VoiceCase(make_segment(0, 1, reasons=(NOISY,), quality={"snr_db": float("nan")}))
    found = judge_unscored(case)
    assert found.ok is None
    assert found.quality == {"voice_segments": 1, "voice_s": 1.0, "voice_noisy_share": 1.0}
    assert speech_quality(VoiceCase()) == {}
