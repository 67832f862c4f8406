"""Harmless changes of a sound, tried on a few seconds of the voices that scored highest.

A segment of speech is saved, weakened or trimmed by itself: eight seconds stand for half an hour.
A recording judged as a whole is changed as a whole, where it is short enough for that.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.case import Case, SoundChange
from assay.detectors import Detector
from assay.media.sound_resave import mp3, opus, resaved
from assay.types import Evidence, SpeechSegment, Waveform
from assay.verdict.fuse import Key, key_of
from assay.verdict.run import run_detector
from assay.verdict.voices import judged_segments, seconds_of, span_of

QUIETER = 0.708  # 3 dB
HIGH_PASS_HZ = 60.0
CUT_S = 0.25
MAX_VOICES = 2
MAX_SEGMENTS = 4
MAX_VOICE_S = 8.0
MAX_RECORDINGS = 2
MAX_RECORDING_S = 30.0


def save_as_mp3(sound: Waveform) -> Waveform:
    """Saved once more as MP3 of 64 kbit/s, as sites and recorders do."""
    return resaved(sound, mp3(64))


def save_as_opus(sound: Waveform) -> Waveform:
    """Saved once more as Opus of 24 kbit/s, as messengers do with voice messages."""
    return resaved(sound, opus(24))


def quieter(sound: Waveform) -> Waveform:
    """3 dB quieter through a first-order high pass at 60 Hz, as another player or phone has it."""
    import numpy as np

    samples, rate_hz = sound.samples, sound.sample_rate_hz
    if not len(samples):
        return sound
    size = len(samples) + rate_hz // 10  # what the filter rings on must not come in at the front
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    passed = QUIETER * hz / np.hypot(hz, HIGH_PASS_HZ)
    turned = np.exp(1j * np.arctan2(HIGH_PASS_HZ, hz))
    weaker = np.fft.irfft(np.fft.rfft(samples, size) * passed * turned, size)[: len(samples)]
    return Waveform(np.clip(weaker, -1, 1).astype(np.float32), rate_hz, sound.start_s)


def cut_front(sound: Waveform) -> Waveform:
    """Begun a quarter of a second later: what is cut into equal parts falls otherwise."""
    n = round(CUT_S * sound.sample_rate_hz)
    start_s = sound.start_s + n / sound.sample_rate_hz
    return Waveform(sound.samples[n:].copy(), sound.sample_rate_hz, start_s)


@dataclass(frozen=True, slots=True)
class SoundVariant:
    """One change that leaves the truth as it is; `text` finishes "scored again after …"."""

    text: str
    change: SoundChange


SOUND_VARIANTS: dict[str, SoundVariant] = {
    "saved_as_mp3": SoundVariant("saving the sound as MP3 of 64 kbit/s", save_as_mp3),
    "saved_as_opus": SoundVariant("saving it as Opus of 24 kbit/s", save_as_opus),
    "quieter": SoundVariant("making it 3 dB quieter without its lowest tones", quieter),
    "front_cut": SoundVariant("cutting a quarter of a second off its front", cut_front),
}


@dataclass(frozen=True, slots=True)
class Hearing:
    """A case of the seconds on which some evidence is tried again."""

    evidence: tuple[Evidence, ...]
    case: Case


def hearings_of(case: Case, evidence: Sequence[Evidence]) -> list[Hearing]:
    """What is tried again of the sound: at most two voices, and two scores of the whole of it."""
    scored = [one for one in evidence if one.p_fake is not None]
    scored.sort(key=lambda one: -(one.p_fake or 0.0))
    found = [_voices(case, [one for one in scored if one.speaker_id is not None])]
    found.append(_recording(case, [one for one in scored if one.subject == "sound"]))
    return [hearing for hearing in found if hearing is not None]


def sound_shifts(
    change: SoundChange, hearings: Sequence[Hearing], detectors: Mapping[str, type[Detector]]
) -> dict[Key, float]:
    """By how much a change moved each logit; what could not be scored again is missing."""
    shifts: dict[Key, float] = {}
    for hearing in hearings:
        varied = hearing.case.varied(lambda view: view, None, change)
        before = {key_of(one): one for one in hearing.evidence}
        for name in dict.fromkeys(one.detector for one in hearing.evidence):
            if varied.deadline.remaining_s <= 0:
                return shifts
            for after in run_detector(detectors[name], varied):
                known = before.get(key_of(after))
                shift = None if known is None else _shift(known, after)
                if shift is not None:
                    shifts[key_of(after)] = shift
    return shifts


def _shift(before: Evidence, after: Evidence) -> float | None:
    """Of a voice the median over its segments, each against itself; else of the whole."""
    if before.logit is None or after.logit is None:
        return None
    if before.speaker_id is None:
        return after.logit - before.logit
    pairs = [(span, span_of(before.spans, span)) for span in after.spans]
    changes = [new.logit - old.logit for new, old in pairs if old is not None]
    return statistics.median(changes) if changes else None


def _voices(case: Case, scored: Sequence[Evidence]) -> Hearing | None:
    """The two voices with the highest scores, in at most four segments of theirs."""
    speakers = list(dict.fromkeys(one.speaker_id for one in scored))[:MAX_VOICES]
    chosen = [one for one in scored if one.speaker_id in speakers]
    segments: list[SpeechSegment] = []
    for speaker in speakers:
        highest = next(one for one in chosen if one.speaker_id == speaker)
        some = _few(case, highest, MAX_SEGMENTS // len(speakers), MAX_VOICE_S / len(speakers))
        segments += some
    if not segments:
        return None
    segments.sort(key=lambda segment: segment.start_s)
    return Hearing(tuple(chosen), case.narrowed({}, (), segments))


def _few(case: Case, one: Evidence, n_most: int, most_s: float) -> list[SpeechSegment]:
    """A few of the judged segments, of low score and of high; at least one, else `most_s`."""

    def score(segment: SpeechSegment) -> float:
        span = span_of(one.spans, segment)
        return span.logit if span is not None else 0.0

    ordered = sorted(judged_segments(case, one), key=score) if one.spans else []
    n = min(n_most, len(ordered))
    few = [ordered[(2 * i + 1) * len(ordered) // (2 * n)] for i in range(n)]
    while len(few) > 1 and seconds_of(few) > most_s:
        few.remove(max(few, key=lambda segment: segment.end_s - segment.start_s))
    return few


def _recording(case: Case, scored: Sequence[Evidence]) -> Hearing | None:
    seconds = case.sound_seconds
    if not scored or seconds is None or seconds[1] - seconds[0] > MAX_RECORDING_S:
        return None
    return Hearing(tuple(scored[:MAX_RECORDINGS]), case.narrowed({}))
