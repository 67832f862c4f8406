"""Who speaks when: voice activity, segments of speech, and what limits judging them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.media.audio import resampled
from assay.subjects.speakers import ONE_SPEAKER, tell_apart, voice_prints
from assay.subjects.turns import LEAST_S, Turn, cut_turns, halve, join_short, spread
from assay.subjects.voice_activity import FRAME, voice_likelihood, voice_regions
from assay.subjects.voice_quality import (
    MUSIC,
    background_power,
    measure_voice,
    music_measure,
    voice_reasons,
)
from assay.types import FloatArray, Reason, SpeechSegment, Waveform

SPEECH_RATE_HZ = 16000
"""The rate of all segments; a file's own rate stays in `Case.waveform`."""

MOST_SOUND_S = 7200.0
MOST_SEGMENTS = 256
_SILENCE_DBFS = -70.0
_LEAST_OFFSET = 1e-5


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
    if sound.duration_s < LEAST_S:
        return _without_speech(sound, "too_short")
    likely = voice_likelihood(sound.samples, check)
    regions_s = np.minimum(voice_regions(likely), np.float32(sound.duration_s))
    all_turns = cut_turns(regions_s, likely)
    if not all_turns:
        return _without_speech(sound, "music" if _is_music(sound.samples) else "no_speech")
    turns = spread(all_turns, MOST_SEGMENTS)
    if len(turns) < len(all_turns):
        notes.append(f"{len(turns)} of {len(all_turns)} stretches of speech are judged.")
    turns = join_short(_by_speaker(sound.samples, turns, likely, check))
    segments = tuple(_segment(sound, waveform, likely, turn) for turn in turns)
    n_speakers = len({turn.speaker for turn in turns})
    return Speech(
        sound, segments, regions_s + np.float32(sound.start_s), n_speakers, (), tuple(notes)
    )


def _by_speaker(
    samples: FloatArray, turns: Sequence[Turn], likely: FloatArray, check: Callable[[], None]
) -> list[Turn]:
    """The turns with their speakers; one that two share is cut in two."""
    found: list[tuple[Turn, FloatArray]] = []
    prints = voice_prints([_cut(samples, turn) for turn in turns], check)
    for turn, voice in zip(turns, prints, strict=True):
        if voice.ends_alike >= ONE_SPEAKER:
            found.append((turn, voice.vector))
            continue
        halves = halve(turn, likely)
        both = voice_prints([_cut(samples, half) for half in halves], check)
        found += [(half, own.vector) for half, own in zip(halves, both, strict=True)]
    vectors = np.stack([vector for _, vector in found])
    lengths_s = np.array([turn.length_s for turn, _ in found], np.float32)
    speakers = tell_apart(vectors, lengths_s).tolist()
    return [replace(turn, speaker=k) for (turn, _), k in zip(found, speakers, strict=True)]


def _cut(samples: FloatArray, turn: Turn) -> FloatArray:
    return samples[round(turn.start_s * SPEECH_RATE_HZ) : round(turn.end_s * SPEECH_RATE_HZ)]


def _at_speech_rate(waveform: Waveform, notes: list[str]) -> Waveform:
    samples = waveform.samples[: round(MOST_SOUND_S * waveform.sample_rate_hz)]
    if len(samples) < len(waveform.samples):
        notes.append(f"Speech was searched in the first {MOST_SOUND_S / 60:.0f} minutes.")
    offset = np.float32(samples.mean(dtype=np.float64)) if len(samples) else np.float32(0)
    if abs(offset) > _LEAST_OFFSET:
        samples = samples - offset  # before the ends meet the resampler's silence
    samples = resampled(samples, waveform.sample_rate_hz, SPEECH_RATE_HZ)
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


def _is_music(samples: FloatArray) -> bool:
    """Half of twenty stretches of 4 s, evenly spread over the sound, hold their tones."""
    size = 4 * SPEECH_RATE_HZ
    starts = np.unique(np.linspace(0, max(0, len(samples) - size), 20).astype(int))
    measured = [music_measure(samples[start : start + size]) for start in starts.tolist()]
    return float(np.median(measured)) > MUSIC


def _segment(sound: Waveform, original: Waveform, likely: FloatArray, turn: Turn) -> SpeechSegment:
    samples = _cut(sound.samples, turn).copy()
    rate_hz = original.sample_rate_hz
    first, last = (round(time_s * SPEECH_RATE_HZ / FRAME) for time_s in (turn.start_s, turn.end_s))
    quality = measure_voice(
        samples,
        original.samples[round(turn.start_s * rate_hz) : round(turn.end_s * rate_hz)],
        likely[first : max(last, first + 1)],
        background_power(sound.samples, likely, turn.start_s, turn.end_s),
    )
    start_s = round(turn.start_s * SPEECH_RATE_HZ) / SPEECH_RATE_HZ + sound.start_s
    end_s = start_s + len(samples) / SPEECH_RATE_HZ
    return SpeechSegment(
        start_s,
        end_s,
        samples,
        SPEECH_RATE_HZ,
        turn.speaker + 1,
        voice_reasons(quality),
        quality,
    )


_WITHOUT = {
    "silence": "The sound is silent throughout.",
    "no_speech": "Nobody speaks in the sound.",
    "music": "The sound is music; no voice was found in it.",
    "too_short": "The sound is shorter than 1 s: too short to judge.",
}
