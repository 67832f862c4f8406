"""Who speaks when: voice activity, segments of speech, and what limits judging them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay.media.audio import resampled
from assay.subjects.turns import LEAST_S, Turn, cut_turns, join_short, spread
from assay.subjects.voice_activity import voice_likelihood, voice_regions
from assay.types import FloatArray, Reason, SpeechSegment, Waveform

SPEECH_RATE_HZ = 16000
"""The rate of all segments; a file's own rate stays in `Case.waveform`."""

MOST_SOUND_S = 7200.0
MOST_SEGMENTS = 256
_SILENCE_DBFS = -70.0


@dataclass(frozen=True, slots=True)
class Speech:
    """The speech of one file, in time order.

    `waveform` is the whole sound at the segments' rate. `regions_s` (n, 2) are the stretches with
    voice in seconds of the file, unbroken by the segments' greatest length. `reasons` says why
    there are no segments (`silence`, `no_speech`, `music`, `too_short`); `notes` what was cut
    short.
    """

    waveform: Waveform
    segments: tuple[SpeechSegment, ...]
    regions_s: FloatArray
    n_speakers: int
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.regions_s.ndim != 2 or self.regions_s.shape[1] != 2:
            raise ValueError("regions are (n, 2)")
        if not (self.segments or self.reasons):
            raise ValueError("no segments: a reason says why")

    @property
    def speech_s(self) -> float:
        """Seconds with voice."""
        return float((self.regions_s[:, 1] - self.regions_s[:, 0]).sum())


def find_speech(waveform: Waveform, check: Callable[[], None] = lambda: None) -> Speech:
    """The speech of a whole sound; `check()` is called along the way and may raise.

    At most two hours are searched and at most 256 segments given, evenly over the file; `notes`
    says where more was there. A constant offset of the sound is taken away.
    """
    notes: list[str] = []
    sound = _at_speech_rate(waveform, notes)
    check()
    if _is_silent(sound.samples):
        return _without_speech(sound, "silence")
    likely = voice_likelihood(sound.samples, check)
    regions_s = np.minimum(voice_regions(likely), sound.duration_s)
    turns = join_short(cut_turns(regions_s, likely))
    if not turns:
        return _without_speech(sound, "no_speech")
    kept = spread(turns, MOST_SEGMENTS)
    if len(kept) < len(turns):
        notes.append(f"{len(kept)} of {len(turns)} stretches of speech, evenly spread, are judged.")
    segments = tuple(_segment(sound, turn) for turn in kept)
    regions: FloatArray = (regions_s + sound.start_s).astype(np.float32)
    return Speech(sound, segments, regions, 1, (), tuple(notes))


def _at_speech_rate(waveform: Waveform, notes: list[str]) -> Waveform:
    samples = waveform.samples[: round(MOST_SOUND_S * waveform.sample_rate_hz)]
    if len(samples) < len(waveform.samples):
        notes.append(f"Speech was searched in the first {MOST_SOUND_S / 60:.0f} minutes.")
    samples = resampled(samples, waveform.sample_rate_hz, SPEECH_RATE_HZ)
    if len(samples):
        samples -= np.float32(samples.mean(dtype=np.float64))
    return Waveform(samples, SPEECH_RATE_HZ, waveform.start_s)


def _is_silent(samples: FloatArray) -> bool:
    """No half second reaches -70 dBFS."""
    size = SPEECH_RATE_HZ // 2
    loudest = max(
        (float(np.square(samples[at : at + size]).mean()) for at in range(0, len(samples), size)),
        default=0.0,
    )
    return loudest < 10 ** (_SILENCE_DBFS / 10)


def _without_speech(sound: Waveform, code: str) -> Speech:
    nothing = np.zeros((0, 2), np.float32)
    return Speech(sound, (), nothing, 0, (Reason(code, _WITHOUT[code]),))


def _segment(sound: Waveform, turn: Turn) -> SpeechSegment:
    first, last = (round(time_s * SPEECH_RATE_HZ) for time_s in (turn.start_s, turn.end_s))
    start_s = first / SPEECH_RATE_HZ + sound.start_s
    samples = sound.samples[first:last].copy()
    reasons: tuple[Reason, ...] = ()
    if turn.length_s < LEAST_S:
        reasons = (Reason("too_short", f"{turn.length_s:.1f} s of speech are too short to judge."),)
    end_s = start_s + len(samples) / SPEECH_RATE_HZ
    return SpeechSegment(start_s, end_s, samples, SPEECH_RATE_HZ, turn.speaker + 1, reasons)


_WITHOUT = {
    "silence": "The sound is silent throughout.",
    "no_speech": "Nobody speaks in the sound.",
    "music": "The sound is music; no voice speaks in it alone.",
    "too_short": "What is spoken is too short to judge.",
}
