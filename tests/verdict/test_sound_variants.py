from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.bundles import Card
from assay.case import Case
from assay.types import Evidence, SpeechSegment, Stability, Waveform
from assay.verdict.calibrate import calibrate
from assay.verdict.fuse import fuse
from assay.verdict.sound_variants import (
    MAX_RECORDING_S,
    MAX_VOICE_S,
    SOUND_VARIANTS,
    cut_front,
    hearings_of,
    quieter,
    sound_shifts,
)
from assay.verdict.stability import VARIANTS, changes_in_words, measure_stability
from tests.verdict.doubles import FaceDetector, make_view, write_card
from tests.verdict.sound_doubles import (
    SoundDetector,
    VoiceCase,
    VoiceDetector,
    make_segment,
    make_speech,
    make_voice,
)

RATE_HZ = 16_000
every_change = pytest.mark.parametrize(
    "change", [variant.change for variant in SOUND_VARIANTS.values()], ids=list(SOUND_VARIANTS)
)


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, Card]:
    card = write_card(tmp_path)
    return {"voice_detector": card, "sound_detector": card, "test_detector": card}


def stability_of(
    case: Case, cards: dict[str, Card], *detectors: type[Any]
) -> tuple[Stability | None, Sequence[Evidence]]:
    said = [one for detector in detectors for one in detector().examine(case)]
    fused = fuse(calibrate(said, "far_1", cards), "far_1", cards)
    assert fused is not None
    by_name = {detector.name: detector for detector in detectors}
    return measure_stability(case, fused, by_name, "far_1", cards), fused.evidence


@every_change
def test_each_change_is_heard_and_keeps_the_sound(change: Any) -> None:
    before = Waveform(make_voice(2.0), RATE_HZ, 3.0)
    kept = before.samples.copy()
    after = change(before)
    assert (before.samples == kept).all()
    assert (after.sample_rate_hz, after.samples.dtype) == (RATE_HZ, np.float32)
    assert after.start_s + after.duration_s == pytest.approx(5.0)
    late = round((after.start_s - 3.0) * RATE_HZ)
    same = before.samples[late:]
    assert len(after.samples) == len(same)
    assert late or (after.samples != same).any()
    likeness = float(np.corrcoef(after.samples, same)[0, 1])
    assert likeness > 0.9


@every_change
@pytest.mark.parametrize("n", [0, 1, 3000])
def test_changes_survive_next_to_nothing(change: Any, n: int) -> None:
    after = change(Waveform(np.ones(n, np.float32), RATE_HZ))
    assert np.isfinite(after.samples).all()
    assert np.abs(after.samples).max(initial=0.0) <= 1.0


def test_quieter_means_three_decibels_and_no_direct_current() -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    tone = np.sin(2 * np.pi * 1000 * time_s).astype(np.float32)
    after = quieter(Waveform(0.5 * tone + 0.2, RATE_HZ)).samples[2000:-2000]
    assert np.std(after) / np.std(0.5 * tone) == pytest.approx(0.708, abs=0.02)
    assert abs(after.mean()) < 0.01


def test_the_front_is_cut_and_time_holds() -> None:
    sound = Waveform(np.arange(RATE_HZ, dtype=np.float32), RATE_HZ, 10.0)
    after = cut_front(sound)
    assert (after.start_s, after.samples[0]) == (10.25, 4000)


def test_a_voice_that_stands_has_no_flips(cards: dict[str, Card]) -> None:
    found, _ = stability_of(VoiceCase(make_segment()), cards, VoiceDetector)
    assert found is not None
    assert list(found.scores) == ["as_is", *SOUND_VARIANTS]
    assert found.flips == 0
    assert found.spread < 0.05


def test_a_score_that_hangs_on_the_file_as_saved_flips(cards: dict[str, Card]) -> None:
    segments = [make_segment(3 * i, 3 * i + 2.5) for i in range(3)]
    untouched = {segment.waveform.tobytes() for segment in segments}

    class HangsOnIt(VoiceDetector):
        def score_segment(self, segment: SpeechSegment) -> float:
            return 3.0 if segment.waveform.tobytes() in untouched else -3.0

    found, _ = stability_of(VoiceCase(*segments), cards, HangsOnIt)
    assert found is not None
    assert found.flips == len(SOUND_VARIANTS)


def test_few_segments_stand_for_the_voice_whatever_it_aggregates_with(
    cards: dict[str, Card],
) -> None:
    class Loudest(VoiceDetector):
        def score_segment(self, segment: SpeechSegment) -> float:
            return 3.0 if round(segment.start_s) == 30 else -1.0

        def _of_voice(self, speech: Any, speaker_id: int) -> Evidence:
            from dataclasses import replace

            one = super()._of_voice(speech, speaker_id)
            return replace(one, logit=max(span.logit for span in one.spans))

    case = VoiceCase(*(make_segment(3 * i, 3 * i + 2) for i in range(20)))
    found, _ = stability_of(case, cards, Loudest)
    assert found is not None
    assert (found.flips, found.spread) == (0, pytest.approx(0.0, abs=1e-9))


def test_it_hears_a_few_seconds_of_two_voices(cards: dict[str, Card]) -> None:
    heard: list[SpeechSegment] = []

    class Counting(VoiceDetector):
        def score_segment(self, segment: SpeechSegment) -> float:
            heard.append(segment)
            return float(segment.speaker_id)

    segments = [make_segment(5 * i, 5 * i + 4, speaker_id=1 + i % 3) for i in range(30)]
    found, _ = stability_of(VoiceCase(*segments), cards, Counting)
    again = heard[len(segments) :]
    assert found is not None
    assert {segment.speaker_id for segment in again} == {2, 3}
    per_change = sum(s.end_s - s.start_s for s in again) / len(SOUND_VARIANTS)
    assert per_change <= MAX_VOICE_S


def test_a_limited_segment_is_not_chosen(cards: dict[str, Card]) -> None:
    from tests.verdict.sound_doubles import NOISY

    case = VoiceCase(make_segment(0, 2, reasons=(NOISY,)), make_segment(2, 4))
    (hearing,) = hearings_of(case, stability_of(case, cards, VoiceDetector)[1])
    assert hearing.case.speech is not None
    assert [segment.start_s for segment in hearing.case.speech.segments] == [2]


def test_the_recording_as_a_whole_is_changed_as_a_whole(cards: dict[str, Card]) -> None:
    found, _ = stability_of(VoiceCase(make_segment()), cards, SoundDetector)
    assert found is not None
    assert list(found.scores) == ["as_is", *SOUND_VARIANTS]


def test_a_long_recording_as_a_whole_is_not_tried_again(cards: dict[str, Card]) -> None:
    silence = Waveform(np.zeros(round((MAX_RECORDING_S + 1) * 1000), np.float32), 1000)
    case = VoiceCase(speech=make_speech(make_segment()))
    case.__dict__["waveform"] = silence
    assert stability_of(case, cards, SoundDetector)[0] is None


def test_saving_as_jpeg_says_nothing_of_a_voice(cards: dict[str, Card]) -> None:
    class Alarmed(VoiceDetector):
        def score_segment(self, segment: SpeechSegment) -> float:
            return 5.0

    views = {1: tuple(make_view(1, i, 0.1 * i) for i in range(4))}
    both = VoiceCase(make_segment(), views=views)
    found, _ = stability_of(both, cards, Alarmed, FaceDetector)
    assert found is not None
    assert list(found.scores) == ["as_is", *SOUND_VARIANTS]
    calm, _ = stability_of(both, cards, VoiceDetector, FaceDetector)
    assert calm is not None
    assert list(calm.scores) == ["as_is", *VARIANTS, *SOUND_VARIANTS]
    told = changes_in_words(found.scores)
    assert "MP3 of 64 kbit/s" in told
    assert "JPEG" not in told


def test_a_detector_that_breaks_under_change_leaves_the_variant_out(
    cards: dict[str, Card],
) -> None:
    class Fragile(VoiceDetector):
        def score_segment(self, segment: SpeechSegment) -> float:
            if len(segment.waveform) != 2 * RATE_HZ:
                raise RuntimeError("not this length")
            return 0.0

    found, _ = stability_of(VoiceCase(make_segment(0, 2)), cards, Fragile)
    assert found is not None
    assert "front_cut" not in found.scores
    assert "saved_as_mp3" in found.scores


def test_the_changes_of_ten_seconds_take_little_time(cards: dict[str, Card]) -> None:
    case = VoiceCase(*(make_segment(3 * i, 3 * i + 3) for i in range(3)))
    _, evidence = stability_of(case, cards, VoiceDetector)
    hearings = hearings_of(case, evidence)
    started = time.process_time()
    for variant in SOUND_VARIANTS.values():
        assert sound_shifts(variant.change, hearings, {"voice_detector": VoiceDetector})
    assert time.process_time() - started < 2.0
