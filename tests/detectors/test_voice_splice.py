from __future__ import annotations

import numpy as np
import pytest

from assay.case import Case
from assay.detectors.voice_splice import MIN_S, MOST_TOLD, VoiceSplice, find_places, step_places
from assay.errors import InputError
from assay.inputs.splice_cues import SpliceInput, Steps
from assay.types import Evidence, FloatArray, Waveform
from tests.inputs.test_mains_hum import hum
from tests.inputs.test_splice_cues import below, noise
from tests.inputs.test_splice_repeats import stored
from tests.training.sound_makers import RATE_HZ, voiced
from tests.verdict.doubles import make_media


def case_of(sound: Waveform | None) -> Case:
    """A case whose sound was made for the test."""
    case = Case(make_media("audio"))
    case.__dict__["waveform"] = sound
    return case


def examined(samples: FloatArray | None, rate_hz: int = RATE_HZ, start_s: float = 0.0) -> Evidence:
    sound = None if samples is None else Waveform(samples, rate_hz, start_s)
    (evidence,) = VoiceSplice().examine(case_of(sound))
    assert (evidence.subject, evidence.speaker_id, evidence.logit) == ("sound", None, None)
    return evidence


def codes(evidence: Evidence) -> list[str]:
    return [finding.code for finding in evidence.findings]


def quiet_voice(seconds: float = 6.0) -> FloatArray:
    return below(0.3 * voiced(seconds), 2500) + noise(seconds, 1e-3)


def test_an_untouched_recording_gets_no_finding() -> None:
    evidence = examined(stored(quiet_voice()))
    assert evidence.status == "reported"
    assert codes(evidence) == []
    assert evidence.details["searched_whole"] is True
    assert evidence.details["largest_step_db"] < 5


def test_a_step_of_the_background_is_told_with_its_second() -> None:
    sound = quiet_voice()
    sound[56_000:] += noise(2.5, 0.02, 3)
    evidence = examined(stored(sound), start_s=100.0)
    assert codes(evidence) == ["splice_background_step"]
    (finding,) = evidence.findings
    assert finding.values["start_s"] == pytest.approx(103.4, abs=0.15)
    assert finding.values["end_s"] == pytest.approx(103.6, abs=0.15)
    assert finding.severity == "notable"
    assert "changes at 103." in finding.title
    assert "does not change the verdict" in finding.meaning


def test_a_copied_word_is_told_with_both_its_places() -> None:
    sound = stored(quiet_voice())
    sound[60_000:66_000] = sound[20_000:26_000]
    (finding,) = examined(sound, start_s=2.0).findings
    assert (finding.code, finding.severity) == ("splice_repeat", "strong")
    assert finding.values["start_s"] == pytest.approx(2 + 20_000 / RATE_HZ, abs=0.01)
    assert finding.values["again_end_s"] == pytest.approx(2 + 66_000 / RATE_HZ, abs=0.01)


def test_digital_silence_is_told_where_other_pauses_have_noise() -> None:
    sound = stored(quiet_voice())
    sound[40_000:42_000] = 0
    found = examined(sound)
    assert codes(found) == ["splice_digital_silence"]
    assert found.findings[0].values["end_s"] == pytest.approx(42_000 / RATE_HZ, abs=0.01)


def test_a_gated_recording_is_not_taken_for_many_cuts() -> None:
    sound = stored(quiet_voice())
    for start in range(4000, 90_000, 9000):
        sound[start : start + 800] = 0
    assert "splice_digital_silence" not in codes(examined(sound))


def test_a_jump_of_the_hum_is_told() -> None:
    sound = quiet_voice()
    sound = sound + np.r_[hum(3.5, 50, RATE_HZ), hum(2.5, 50, RATE_HZ, 2.5)]
    evidence = examined(stored(sound))
    assert codes(evidence) == ["splice_hum_jump"]
    values = evidence.findings[0].values
    assert values["start_s"] < 3.5 < values["end_s"]
    assert values["hum_hz"] == pytest.approx(50, abs=0.2)


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        (None, "no_sound"),
        (np.ones(1, np.float32), "too_short"),
        (voiced(MIN_S - 0.1), "too_short"),
        (np.zeros(3 * RATE_HZ, np.float32), "silence"),
        (np.full(3 * RATE_HZ, np.nan, np.float32), "silence"),
    ],
)
def test_it_abstains_with_the_reason(samples: FloatArray | None, code: str) -> None:
    evidence = examined(samples)
    assert evidence.status == "abstained"
    assert str(evidence.reason).startswith(code)


@pytest.mark.parametrize("rate_hz", [1000, 8000, 44_100, 192_000])
def test_hostile_sounds_are_answered(rate_hz: int) -> None:
    n = 3 * rate_hz
    rng = np.random.default_rng(0)
    spoilt = rng.standard_normal(n).astype(np.float32)
    spoilt[:: max(1, n // 50)] = np.nan
    sounds = [np.full(n, 0.5), np.sign(np.sin(np.arange(n) / 9)), rng.standard_normal(n), spoilt]
    sounds.append(np.tile(rng.standard_normal(rate_hz // 10), 30))
    for sound in sounds:
        evidence = examined(sound.astype(np.float32), rate_hz)
        assert evidence.status in ("reported", "abstained")
        assert len(evidence.findings) <= 4 * MOST_TOLD
        for finding in evidence.findings:
            assert np.isfinite(finding.values["start_s"])


def test_only_the_first_part_of_a_very_long_sound_is_searched() -> None:
    class Brief(VoiceSplice):
        input = SpliceInput(most_s=3.0)

    (evidence,) = Brief().examine(case_of(Waveform(quiet_voice(), RATE_HZ)))
    assert evidence.details["searched_s"] == 3.0
    assert evidence.details["searched_whole"] is False


def test_steps_are_told_once_each_and_not_too_many() -> None:
    times_s = np.arange(1.0, 61.0, 0.1)
    steps = Steps(times_s, np.full(times_s.size, 20.0), np.full(times_s.size, 1000.0))
    found = step_places(steps, 1.0)
    assert len(found) == MOST_TOLD
    starts = sorted(one.start_s for one in found)
    assert min(np.diff(starts)) >= 1 - 1e-6
    weak = Steps(times_s, np.full(times_s.size, 2.0), steps.band_hz)
    assert step_places(weak, 1.0) == []


def test_the_clock_is_looked_at() -> None:
    def stop() -> None:
        raise InputError("time is up")

    with pytest.raises(InputError):
        find_places(quiet_voice(), RATE_HZ, SpliceInput(), stop)
