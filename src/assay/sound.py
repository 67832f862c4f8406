"""What a report draws and plays of a sound: values only, kept apart from the samples examined.

All times are seconds of the file. A report needs no more than this, so that the half hour of
samples behind it is let go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from assay.types import Array, FloatArray, Reason, Waveform

NotPlayable = Literal["not_wanted", "too_long", "nothing_flagged"]
MAX_COLUMNS = 4096


@dataclass(frozen=True, slots=True)
class SoundSegment:
    """One stretch of one person's speech; `reasons` say what limits judging it (none: valid)."""

    start_s: float
    end_s: float
    speaker_id: int
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and self.end_s > self.start_s):
            raise ValueError("a segment ends after it starts")


@dataclass(frozen=True, slots=True)
class Sound:
    """The examined sound as a drawing, its speech, and what of it may be played.

    `envelope` (n, 2) float32 is the least and the greatest sample of each of n equal stretches;
    `spectrogram` (bands, columns) uint8, the lowest band first, runs from 0 (80 dB below the
    loudest, or silent) to 255; it spans 0 to `top_hz`. `reasons` say why there are no segments.
    `clips` are what may be played, in time order; where they are not the whole, `not_playable`
    says why.
    """

    start_s: float
    duration_s: float
    sample_rate_hz: int
    envelope: FloatArray
    spectrogram: Array
    top_hz: float
    segments: tuple[SoundSegment, ...] = ()
    reasons: tuple[Reason, ...] = ()
    clips: tuple[Waveform, ...] = ()
    not_playable: NotPlayable | None = None

    def __post_init__(self) -> None:
        if self.envelope.ndim != 2 or self.envelope.shape[1] != 2:
            raise ValueError("an envelope is (n, 2)")
        if self.spectrogram.ndim != 2 or str(self.spectrogram.dtype) != "uint8":
            raise ValueError("a spectrogram is (bands, columns) uint8")
        if max(len(self.envelope), self.spectrogram.shape[1]) > MAX_COLUMNS:
            raise ValueError(f"a drawing has at most {MAX_COLUMNS} columns")
        if not (math.isfinite(self.start_s) and 0 < self.duration_s < math.inf):
            raise ValueError("a sound starts somewhere and lasts")

    @property
    def end_s(self) -> float:
        """Where the examined sound ends, in seconds of the file."""
        return self.start_s + self.duration_s
