from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.voice_stretches import parts_at_own_rate, runs_of, stretches_of
from assay.subjects.speech import Speech
from assay.types import Reason, SpeechSegment, Waveform
from tests.inputs.made_voices import RATE_HZ

NOISY = Reason("noisy", "It is noisy.")
NARROW = Reason("band_limited", "It is a telephone.")


def speech_of(
    sound: np.ndarray,
    segments: list[tuple[float, float, int]],
    start_s: float = 0.0,
    reasons: dict[int, tuple[Reason, ...]] | None = None,
) -> Speech:
    """Speech whose segments (start s, end s, speaker) are given instead of found."""
    made = tuple(
        SpeechSegment(
            a,
            b,
            sound[round((a - start_s) * RATE_HZ) : round((b - start_s) * RATE_HZ)],
            RATE_HZ,
            speaker,
            (reasons or {}).get(n, ()),
        )
        for n, (a, b, speaker) in enumerate(segments)
    )
    regions = np.array([[a, b] for a, b, _ in segments], np.float32).reshape(-1, 2)
    n_speakers = len({speaker for *_, speaker in segments})
    why = () if made else (Reason("no_speech", "Nobody speaks."),)
    return Speech(Waveform(sound, RATE_HZ, start_s), made, regions, n_speakers, why)


SOUND = np.arange(RATE_HZ * 40, dtype=np.float32)


def test_each_person_has_the_segments_that_nothing_speaks_against() -> None:
    speech = speech_of(
        SOUND, [(0, 2, 1), (2, 4, 2), (4, 6, 1), (6, 8, 2)], reasons={0: (NOISY,), 1: (NARROW,)}
    )
    first, second = stretches_of(speech, 30.0)
    assert [s.start_s for s in first.segments] == [4]
    assert (first.n_segments, first.seconds) == (2, 2)
    assert [s.start_s for s in second.segments] == [6]
    allowed = stretches_of(speech, 30.0, ("band_limited",))[1]
    assert [s.start_s for s in allowed.segments] == [2, 6]


def test_a_person_of_whom_nothing_is_left_has_the_commonest_reason() -> None:
    reasons = {0: (NOISY,), 1: (NARROW,), 2: (NARROW,)}
    (person,) = stretches_of(speech_of(SOUND, [(0, 2, 1), (2, 4, 1), (4, 6, 1)], 0.0, reasons), 9)
    assert not person.segments
    assert person.why_none == "band_limited: It is a telephone."


def test_of_a_long_recording_segments_are_spread_evenly() -> None:
    speech = speech_of(SOUND, [(2 * i, 2 * i + 2, 1) for i in range(20)])
    (person,) = stretches_of(speech, 10.0)
    starts = [s.start_s for s in person.segments]
    assert len(starts) == 5
    assert person.seconds <= 10
    assert set(np.diff(starts)) == {8.0}


def test_many_people_share_what_is_read() -> None:
    speech = speech_of(SOUND, [(2 * i, 2 * i + 2, 1 + i % 5) for i in range(20)])
    people = stretches_of(speech, 10.0)
    assert [len(person.segments) for person in people] == [2] * 5
    assert all(len(p.segments) == 1 for p in stretches_of(speech, 1.0))


def test_neighbouring_segments_make_one_run_with_the_gap() -> None:
    speech = speech_of(SOUND, [(0, 2, 1), (2.5, 4, 1), (8, 10, 1)])
    (person,) = stretches_of(speech, 30.0)
    (first, one), (second, two) = runs_of(person, speech)
    assert (first, second) == (0, 8)
    assert len(one) == 4 * RATE_HZ
    assert two[0] == 8 * RATE_HZ


def test_another_person_between_parts_a_run() -> None:
    speech = speech_of(SOUND, [(0, 2, 1), (2, 3, 2), (3, 5, 1)])
    assert len(runs_of(stretches_of(speech, 30.0)[0], speech)) == 2


def test_runs_have_a_greatest_length() -> None:
    speech = speech_of(SOUND, [(4 * i, 4 * i + 4, 1) for i in range(8)])
    runs = runs_of(stretches_of(speech, 60.0)[0], speech)
    assert all(len(run) <= 15 * RATE_HZ for _, run in runs)
    assert sum(len(run) for _, run in runs) == 32 * RATE_HZ


@pytest.mark.parametrize("start_s", [0.0, 7.0])
def test_parts_are_cut_at_the_files_own_rate(start_s: float) -> None:
    speech = speech_of(SOUND, [(start_s + 1, start_s + 3, 1)], start_s)
    (person,) = stretches_of(speech, 30.0)
    own = np.arange(48_000 * 5, dtype=np.float32)
    (part,) = parts_at_own_rate(own, 48_000, start_s, person)
    assert (part[0], len(part)) == (48_000, 96_000)
    assert runs_of(person, speech)[0][1][0] == RATE_HZ


def test_parts_beyond_the_sound_are_left_out() -> None:
    speech = speech_of(SOUND, [(30, 32, 1)])
    (person,) = stretches_of(speech, 30.0)
    assert parts_at_own_rate(SOUND[:100], 16_000, 0.0, person) == []
