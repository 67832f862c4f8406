"""What a forged sound is, and what a forger of sounds offers: the sibling of `forgery`.

Every forger of sounds is found by `forgeries.discover_sound()`. A forgery is as long as the genuine
clip, as loud, and every sound is where it was, so that nothing but the forging tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assay.errors import InputError
from assay.types import FloatArray, ForgeryKind

SoundNeeds = Literal["voice", "two_voices"]
MIN_S = 0.1
MIN_RMS = 1e-5
"""Quieter than 100 dB below full scale there is no sound to forge."""


@dataclass(frozen=True, slots=True)
class SoundForgery:
    """A forged clip beside the genuine one it was made of.

    `fake` and `genuine` are (n,) float32 within [-1, 1] at the rate that the forger was given.
    `spans_s` are the seconds (k, 2), start and end, that were changed; a clip that was made anew
    throughout has one span, the whole. `name` is the forger's, a slash, and what was drawn.
    """

    fake: FloatArray
    genuine: FloatArray
    spans_s: FloatArray
    name: str


@dataclass(frozen=True, slots=True)
class SoundForger:
    """One way to forge sound.

    `make(samples, sample_rate_hz, rng, donor=None)` draws everything random from `rng`; `samples`
    and `donor` are (n,) float32 mono. `needs` "two_voices" says that a donor, another voice at the
    same rate, is put to use where there is one. It raises ConfigError where a part that it needs
    is missing, InputError where the clip is too short or silent.
    """

    name: str
    title: str
    kind: ForgeryKind
    needs: SoundNeeds
    source: str
    make: Callable[..., SoundForgery]
    modality: Literal["sound"] = "sound"


def checked(samples: FloatArray, sample_rate_hz: int) -> FloatArray:
    """The clip as finite float32 within [-1, 1]. Raises InputError where it cannot be forged."""
    sound = np.asarray(samples, np.float32)
    if sound.ndim != 1 or not 1000 <= sample_rate_hz <= 400_000:
        raise InputError("A forger of sounds wants one channel of sound at a rate from 1 kHz.")
    if sound.size < MIN_S * sample_rate_hz:
        raise InputError(f"The sound is shorter than {MIN_S:g} s.")
    sound = np.clip(np.nan_to_num(sound, posinf=1, neginf=-1), -1, 1)
    if rms(sound) < MIN_RMS:
        raise InputError("The sound is silent.")
    return sound


def finished(
    fake: NDArray[Any] | FloatArray,
    genuine: FloatArray,
    sample_rate_hz: int,
    name: str,
    spans_s: FloatArray | None = None,
) -> SoundForgery:
    """The forgery at the genuine clip's length and loudness, no louder than full scale.

    A clip that was changed in `spans_s` only keeps its level: what is outside must stay as it was.
    """
    n = genuine.size
    sound: FloatArray = np.nan_to_num(np.asarray(fake, np.float32)[:n])
    sound = np.pad(sound, (0, n - sound.size))
    if spans_s is None:
        spans_s = np.array([[0.0, n / sample_rate_hz]], np.float32)
        loudest = max(float(np.abs(sound).max()), 1e-9)
        sound = sound * np.float32(min(rms(genuine) / max(rms(sound), 1e-9), 0.999 / loudest))
    return SoundForgery(np.clip(sound, -1, 1), genuine, spans_s, name)


def rms(sound: Any) -> float:
    """Root of the mean square; 0.0 of nothing."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if sound.size else 0.0
