"""Of a file's speech, what is measured of each person: valid segments, and the runs they form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from assay.subjects.speech import Speech
from assay.types import FloatArray, Reason, SpeechSegment

# Segments of one person that stand closer than this make one run, the gap included.
LONGEST_GAP_S = 1.5
LONGEST_RUN_S = 15.0


@dataclass(frozen=True, slots=True)
class VoiceStretches:
    """One person's segments that are measured, in time order, and how many were not and why."""

    speaker_id: int
    segments: tuple[SpeechSegment, ...]
    reasons: tuple[Reason, ...]
    n_segments: int

    @property
    def seconds(self) -> float:
        """Seconds of speech that are measured."""
        return sum(segment.end_s - segment.start_s for segment in self.segments)

    @property
    def why_none(self) -> str:
        """The commonest reason of the segments, as code and sentence."""
        if not self.reasons:
            return "too_short: What is spoken is too short to judge."
        code = Counter(reason.code for reason in self.reasons).most_common(1)[0][0]
        text = next(reason.text for reason in self.reasons if reason.code == code)
        return f"{code}: {text}"


def stretches_of(
    speech: Speech, most_s: float, allowed: Collection[str] = ()
) -> list[VoiceStretches]:
    """Each person's segments that no reason speaks against, but those `allowed`.

    Of a long recording segments spread evenly over it: `most_s` seconds for each person, and of
    many people twice that in all, but a segment of each.
    """
    found = []
    speakers = sorted({segment.speaker_id for segment in speech.segments})
    most_s = min(most_s, 2 * most_s / max(len(speakers), 1))
    for speaker_id in speakers:
        own = [segment for segment in speech.segments if segment.speaker_id == speaker_id]
        valid = [s for s in own if not _against(s, allowed)]
        reasons = tuple(reason for s in own for reason in _against(s, allowed))
        chosen = tuple(_spread(valid, most_s))
        found.append(VoiceStretches(speaker_id, chosen, reasons, len(own)))
    return found


def _against(segment: SpeechSegment, allowed: Collection[str]) -> list[Reason]:
    return [reason for reason in segment.reasons if reason.code not in allowed]


def _spread(segments: Sequence[SpeechSegment], most_s: float) -> list[SpeechSegment]:
    """As many segments as `most_s` seconds hold, at even steps; the first where it holds none."""
    seconds = sum(segment.end_s - segment.start_s for segment in segments)
    if seconds <= most_s:
        return list(segments)
    n = max(1, int(len(segments) * most_s / seconds))
    return [segments[(2 * i + 1) * len(segments) // (2 * n)] for i in range(n)]


def runs_of(voice: VoiceStretches, speech: Speech) -> list[tuple[float, FloatArray]]:
    """Start (s) and sound (n,) at the speech's rate of each run of neighbouring segments."""
    others = [s for s in speech.segments if s.speaker_id != voice.speaker_id]
    runs: list[list[float]] = []
    for segment in voice.segments:
        near = runs and segment.start_s - runs[-1][1] <= LONGEST_GAP_S
        short = runs and segment.end_s - runs[-1][0] <= LONGEST_RUN_S
        if near and short and not _between(others, runs[-1][1], segment.start_s):
            runs[-1][1] = segment.end_s
        else:
            runs.append([segment.start_s, segment.end_s])
    sound = speech.waveform
    return [(a, sound.samples[_at(speech, a) : _at(speech, b)]) for a, b in runs]


def _between(others: Sequence[SpeechSegment], first_s: float, last_s: float) -> bool:
    return any(s.start_s < last_s and s.end_s > first_s for s in others)


def _at(speech: Speech, time_s: float) -> int:
    sound = speech.waveform
    return max(0, round((time_s - sound.start_s) * sound.sample_rate_hz))


def parts_at_own_rate(
    samples: FloatArray, rate_hz: int, start_s: float, voice: VoiceStretches
) -> list[FloatArray]:
    """The voice's segments cut from a file's sound at its own rate, `start_s` its first moment."""
    cut = []
    for segment in voice.segments:
        first, last = ((t - start_s) * rate_hz for t in (segment.start_s, segment.end_s))
        part = samples[max(0, round(first)) : max(0, round(last))]
        if len(part):
            cut.append(np.asarray(part, np.float32))
    return cut
