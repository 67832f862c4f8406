"""Stretched in time, or shifted in pitch, and brought back: the phase vocoder twice.

The clip keeps its length and its place, and carries what the phase vocoder leaves (Flanagan &
Golden, 1966; Laroche & Dolson, 1999).
"""

from __future__ import annotations

import numpy as np

from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.spectrogram import Frames, frames_for
from assay.training.sound_codecs import resampled
from assay.types import FloatArray


def stretched(sound: FloatArray, factor: float, frames: Frames) -> FloatArray:
    """(n,) to (round(n * factor),), as high as before: phases go on at the measured frequency."""
    spectra = frames.spectra(sound)
    if len(spectra) < 2:
        return resampled(sound, max(1, round(sound.size * factor)))
    at = np.arange(0, len(spectra) - 1, 1 / factor)
    here = np.minimum(at.astype(int), len(spectra) - 2)
    part = (at - here)[:, None]
    size = np.abs(spectra)
    magnitudes = (1 - part) * size[here] + part * size[here + 1]
    turn = 2 * np.pi * frames.hop * np.arange(size.shape[1]) / frames.size
    phase = np.angle(spectra)
    ahead = np.diff(phase, axis=0) - turn
    ahead = ahead - 2 * np.pi * np.round(ahead / (2 * np.pi)) + turn
    steps = np.concatenate([phase[:1], ahead[here[:-1]]])
    return frames.sound(
        magnitudes * np.exp(1j * np.cumsum(steps, axis=0)), round(sound.size * factor)
    )


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip slower or quicker, or higher or lower, and back."""
    genuine = checked(samples, sample_rate_hz)
    size, n = int(rng.choice([512, 1024, 2048])), genuine.size
    frames = frames_for(size, int(rng.choice([4, 8])), sample_rate_hz)
    factor = float(np.exp(rng.uniform(0.05, 0.5) * rng.choice([-1, 1])))
    way = str(rng.choice(["tempo", "pitch"]))
    other = stretched(genuine, factor, frames)
    if way == "pitch":
        shifted = resampled(other, n)
        other = resampled(shifted, round(n * factor))
    fake = stretched(other, n / max(other.size, 1), frames)
    return finished(fake, genuine, sample_rate_hz, f"time_stretch/{way}_{size}_{factor:.2f}")


SOUND_FORGER = SoundForger(
    name="time_stretch",
    title="The whole clip stretched or shifted in pitch, and brought back",
    kind="edited",
    needs="voice",
    source="Flanagan & Golden, 1966; Laroche & Dolson, 1999; our own code",
    make=forge,
)
