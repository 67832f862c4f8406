from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.case import Case, Deadline
from assay.detectors.voice_synthesis import MAX_SEGMENTS, MAX_SPEAKERS, VoiceSynthesis, hear
from assay.errors import BundleMismatchError, BundleMissingError, TimeLimitError
from assay.subjects.speech import Speech
from assay.types import Evidence, Reason, SpeechSegment, Waveform
from tests.detectors.tiny_networks import VOICE_RECIPE, use_bundles, write_voice_bundle
from tests.verdict.doubles import make_media

pytest.importorskip("onnx", reason="the stand-in network is written with onnx")
RATE = 16000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundles in place of the shipped ones, without this detector's."""
    return use_bundles(tmp_path / "bundles", monkeypatch, without="voice_synthesis")


def segment(start_s: float, level: float, *, length_s: float = 1.0, **more: Any) -> SpeechSegment:
    """A hum around `level`: the stand-in network answers with ten times that."""
    samples = np.full(round(length_s * RATE), level, np.float32)
    samples[::2] += 0.01
    samples[1::2] -= 0.01
    return SpeechSegment(start_s, start_s + length_s, samples, RATE, **more)


def examined(*segments: SpeechSegment, reasons: tuple[Reason, ...] = ()) -> list[Evidence]:
    case = Case(make_media("audio", sample_rate_hz=RATE))
    sound = Waveform(np.zeros(RATE, np.float32), RATE)
    regions = np.array([(s.start_s, s.end_s) for s in segments], np.float32).reshape(-1, 2)
    case.__dict__["speech"] = Speech(sound, segments, regions, 1, reasons)
    return VoiceSynthesis().examine(case)


def test_a_voice_gets_the_mean_of_its_segments_by_their_length(folder: Path) -> None:
    card = write_voice_bundle(folder)
    (found,) = examined(segment(0, 0.1), segment(2, 0.4, length_s=3.0))
    assert (found.status, found.subject, found.speaker_id) == ("scored", "voice 1", 1)
    assert (found.kind, found.family) == ("voice_generated", "voice_traces")
    assert [(s.start_s, s.end_s) for s in found.spans] == [(0, 1), (2, 5)]
    assert [s.logit for s in found.spans] == pytest.approx([1.0, 4.0], abs=1e-4)
    assert found.logit == pytest.approx((1 * 1.0 + 3 * 4.0) / 4, abs=1e-4)
    assert found.bundle_sha256 == card.network_sha256
    assert found.p_fake is None


def test_each_speaker_is_a_subject(folder: Path) -> None:
    write_voice_bundle(folder)
    found = examined(*[segment(n, 0.1 * n, speaker_id=n) for n in range(1, 7)])
    assert [one.subject for one in found] == [f"voice {n}" for n in range(1, MAX_SPEAKERS + 1)]
    assert [one.logit for one in found] == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=1e-4)


@pytest.mark.parametrize("code", ["too_short", "silence"])
def test_what_is_no_voice_is_not_read(folder: Path, code: str) -> None:
    write_voice_bundle(folder)
    refused = segment(1, 0.9, reasons=(Reason(code, "why"),))
    (found,) = examined(segment(0, 0.1), refused)
    assert [s.start_s for s in found.spans] == [0]
    assert found.details["segments_not_read"] == 1
    (alone,) = examined(refused)
    assert (alone.status, alone.reason, alone.speaker_id) == ("abstained", f"{code}: why", 1)


def test_limits_of_a_voice_are_left_to_the_gate(folder: Path) -> None:
    write_voice_bundle(folder)
    for code in ("band_limited", "music", "noisy", "clipped"):
        (found,) = examined(segment(0, 0.1, reasons=(Reason(code, "why"),)))
        assert found.status == "scored"


def test_without_speech_it_says_why(folder: Path) -> None:
    write_voice_bundle(folder)
    (found,) = examined(reasons=(Reason("silence", "The sound is silent."),))
    assert (found.status, found.subject) == ("abstained", "sound")
    assert found.reason == "silence: The sound is silent."


def test_a_long_file_is_read_in_a_bounded_number_of_segments(folder: Path) -> None:
    write_voice_bundle(folder)
    (found,) = examined(*[segment(2 * n, 0.1) for n in range(200)])
    assert len(found.spans) == MAX_SEGMENTS
    assert found.spans[0].start_s < 10
    assert found.spans[-1].start_s > 380
    assert found.details["segments_not_read"] == 200 - MAX_SEGMENTS


@pytest.mark.parametrize(
    ("limit", "status"), [(0.3, "scored"), (0.2, "scored"), (0.1, "abstained")]
)
def test_an_unfamiliar_voice_is_not_judged(folder: Path, limit: float, status: str) -> None:
    write_voice_bundle(folder, in_domain={"features": {"max_distance": limit, "quantile": 0.995}})
    (found,) = examined(segment(0, 0.5))  # its distance is 0.25
    assert found.status == status
    assert found.details["domain_limit"] == limit
    if status == "abstained":
        assert (found.reason or "").startswith("unfamiliar: ")


def test_a_network_without_features_still_scores(folder: Path) -> None:
    write_voice_bundle(folder, features=False)
    (found,) = examined(segment(0, 0.1))
    assert found.status == "scored"
    assert "domain_distance" not in found.details


def test_a_network_that_gives_no_logit_is_refused(folder: Path) -> None:
    write_voice_bundle(folder, logit="score")
    with pytest.raises(BundleMismatchError):
        examined(segment(0, 0.1))


def test_another_recipe_than_the_networks_is_refused(folder: Path) -> None:
    write_voice_bundle(folder, recipe_fingerprint="0" * 12)
    with pytest.raises(BundleMismatchError):
        examined(segment(0, 0.1))


def test_a_missing_bundle_is_named(folder: Path) -> None:
    with pytest.raises(BundleMissingError):
        examined(segment(0, 0.1))


def test_the_time_limit_is_asked_before_each_batch(folder: Path) -> None:
    from assay.bundles import open_network

    write_voice_bundle(folder)
    over = Deadline(0.0, -1e9)
    network = open_network("voice_synthesis", VOICE_RECIPE.fingerprint)
    with pytest.raises(TimeLimitError):
        hear([np.ones(RATE, np.float32)], network, VOICE_RECIPE, over.check)


def test_a_sound_that_does_not_move_is_not_read(folder: Path) -> None:
    write_voice_bundle(folder)
    still = SpeechSegment(0, 1, np.full(RATE, 0.5, np.float32), RATE)
    (found,) = examined(still)
    assert found.reason == "silence: The sound is silent."
