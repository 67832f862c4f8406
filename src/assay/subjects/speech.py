"""Who speaks when: voice activity, segments of speech, and what limits judging them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.types import FloatArray, Reason, SpeechSegment, Waveform

SPEECH_RATE_HZ = 16000
"""The rate of all segments; a file's own rate stays in `Case.waveform`."""


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
    """The speech of a whole sound; `check()` is called along the way and may raise."""
    raise NotImplementedError
