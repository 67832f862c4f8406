"""What is left of a clip after a mel spectrogram, made audible again without a network."""

from __future__ import annotations

from functools import cache

import numpy as np

from assay.training.forgeries.griffin_lim import draw_iterations, phase_found
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.spectrogram import frames_for, mel_filters
from assay.types import FloatArray


def through_mel(magnitudes: FloatArray, filters: FloatArray, updates: int) -> FloatArray:
    """Magnitudes (k, bins) that have the same mel bands: the pseudo-inverse, made positive.

    `updates` multiplicative steps of non-negative factorisation (Lee & Seung, 2001) follow; 0 is
    what most published text-to-speech front ends did.
    """
    mels = magnitudes @ filters.T
    back = np.maximum(mels @ _inverse(filters.tobytes(), filters.shape).T, 1e-6)
    for _ in range(updates):
        again = back @ filters.T
        back = back * ((mels @ filters) / np.maximum(again @ filters, 1e-9))
    return back.astype(np.float32)


@cache
def _inverse(filters: bytes, shape: tuple[int, int]) -> FloatArray:
    return np.linalg.pinv(np.frombuffer(filters, np.float32).reshape(shape)).astype(np.float32)


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip through 40 to 128 mel bands, its phase guessed."""
    genuine = checked(samples, sample_rate_hz)
    size, overlap = int(rng.choice([512, 800, 1024])), int(rng.choice([4, 4, 5]))
    frames = frames_for(size, overlap, sample_rate_hz)
    n_mels = int(rng.choice([40, 64, 80, 80, 100, 128]))
    top_hz = min(sample_rate_hz / 2, float(rng.choice([7600.0, 8000.0, sample_rate_hz / 2])))
    filters = mel_filters(
        n_mels, frames.size, sample_rate_hz, float(rng.choice([0, 60, 80])), top_hz
    )
    updates = int(rng.choice([0, 5, 30]))
    magnitudes = through_mel(np.abs(frames.spectra(genuine)), filters, updates)
    iterations, momentum = draw_iterations(rng)
    fake = phase_found(magnitudes, frames, genuine.size, rng, iterations, momentum)
    name = f"mel_reconstruction/{n_mels}_{size}_{iterations}"
    return finished(fake, genuine, sample_rate_hz, name)


SOUND_FORGER = SoundForger(
    name="mel_reconstruction",
    title="The whole clip from its mel spectrogram, without a network",
    kind="voice_generated",
    needs="voice",
    source="as Tacotron's first vocoder (Wang et al., Interspeech 2017); our own code",
    make=forge,
)
