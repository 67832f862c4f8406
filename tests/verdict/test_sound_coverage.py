from __future__ import annotations

from typing import Any

import numpy as np

from assay.options import Options
from assay.types import Coverage, Evidence, Reason, Span, Waveform
from assay.verdict.coverage import Installed, cover
from tests.verdict.doubles import MadeCase, make_media, make_view
from tests.verdict.sound_doubles import (
    NOISY,
    TOO_SHORT,
    SoundDetector,
    VoiceCase,
    VoiceDetector,
    make_segment,
    make_sound_evidence,
    make_speech,
    make_voice_evidence,
)

DETECTORS: dict[str, Any] = {"sound_detector": SoundDetector, "voice_detector": VoiceDetector}


def covered(case: Any, *evidence: Evidence, **changes: Any) -> Coverage:
    installed = Installed(changes.pop("run", DETECTORS), changes.pop("not_run", {}), True)
    return cover(case, evidence, installed, **changes)


def test_voices_are_told_with_their_segments_and_seconds() -> None:
    case = VoiceCase(make_segment(1, 4), make_segment(4, 8), make_segment(9, 12))
    spans = (Span(1, 4, 0.0), Span(4, 8, 0.0), Span(9, 12, 0.0))
    found = covered(case, make_voice_evidence(spans=spans), make_sound_evidence())
    assert found.tested == (
        "The recording as a whole, 0:00 to 0:12, by sound_detector: The whole.",
        "Voices: 1 speaker, 3 segments between 0:01 and 0:12 by voice_detector: The loudness.",
    )
    assert found.seconds_examined == (0.0, 12.0)
    assert found.n_faces_examined == 0


def test_two_speakers_are_two() -> None:
    case = VoiceCase(make_segment(0, 2), make_segment(2, 4, 2))
    said = [make_voice_evidence(0.0, i, spans=(Span(2 * i - 2, 2 * i, 0.0),)) for i in (1, 2)]
    assert covered(case, *said).tested[-1].startswith("Voices: 2 speakers, 2 segments between")


def test_a_voice_that_was_only_measured_is_told_as_a_voice() -> None:
    told = make_voice_evidence(None, status="reported", reason=None, kind=None)
    found = covered(VoiceCase(make_segment()), told)
    assert found.tested == ("Voices: 1 speaker by voice_detector: The loudness.",)
    assert "2.0 s of speech in 1 segment: no detector scored it (2.0 s)." in found.not_tested


def test_speech_that_was_not_judged_is_told_with_its_grounds() -> None:
    segments = (
        make_segment(0, 3),
        make_segment(3, 5, reasons=(NOISY,)),
        make_segment(5, 5.5, reasons=(TOO_SHORT, NOISY)),
        make_segment(6, 7),
    )
    found = covered(VoiceCase(*segments), make_voice_evidence(spans=(Span(0, 3, 0.0),)))
    assert (
        "3.5 s of speech in 3 segments: too noisy (2.5 s), too short (0.5 s) and no detector "
        "scored it (1.0 s)." in found.not_tested
    )
    whole = covered(VoiceCase(segments[0]), make_voice_evidence(spans=(Span(0, 3, 0.0),)))
    assert not any("of speech" in line for line in whole.not_tested)


def test_a_sound_without_speech_says_why() -> None:
    music = make_speech(reasons=(Reason("music", "There is music and no speech."),))
    case = VoiceCase(speech=music)
    assert "Voices: There is music and no speech." in covered(case).not_tested
    silent = make_sound_evidence(
        None, status="abstained", reason="music: There is music and no speech.", kind=None
    )
    said = covered(case, silent).not_tested
    assert sum("There is music" in line for line in said) == 1


def test_what_cut_the_search_for_speech_short_is_told() -> None:
    notes = ("many_speakers", "Only the first hour was searched.")
    speech = make_speech(make_segment(), notes=notes)
    said = covered(VoiceCase(speech=speech)).not_tested
    assert "A part of the speech: many speakers." in said
    assert notes[1] in said


def test_sound_beyond_the_limit_is_told() -> None:
    media = make_media("audio", duration_s=4000.0)
    case = VoiceCase(make_segment(), media=media, options=Options(max_sound_s=60.0))
    case.__dict__["waveform"] = Waveform(np.zeros(60_000, np.float32), 1000)
    expected = "The sound after 1:00: at most 60 s of it are examined."
    assert expected in covered(case).not_tested
    case.options = Options(max_sound_s=60.0, time_range_s=(0.0, 60.0))
    said = covered(case).not_tested
    assert expected not in said
    assert "Everything outside 0:00 to 1:00, the range asked for." in said


def test_a_sound_that_could_not_be_read_is_told() -> None:
    case = MadeCase({}, media=make_media(sample_rate_hz=48_000))
    case.give_up_sound(Reason("media_damaged", "No sound can be decoded."))
    assert "Voices and sound: No sound can be decoded." in covered(case).not_tested


def test_a_video_without_sound_says_so_once() -> None:
    mute = MadeCase({1: (make_view(),)})
    why = dict.fromkeys(DETECTORS, "the file has no sound.")
    said = covered(mute, run={}, not_run=why).not_tested
    assert "Voices and sound: the video has no sound." in said
    assert "sound_detector and voice_detector were not run: the file has no sound." in said
    assert not any("lips" in line for line in said)


def test_where_lips_belong_is_still_not_tested() -> None:
    talking = VoiceCase(make_segment(), views={1: (make_view(),)})
    assert "Whether lips and sound belong together." in covered(talking).not_tested
