"""The magnitudes of the clip with a wrong phase: random, zero, minimum, coarse and so on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.spectrogram import Frames, frames_for
from assay.types import FloatArray

WAYS = ("random", "zero", "minimum", "coarse", "jitter", "high")


def with_phase(
    spectra: NDArray[Any], way: str, rng: np.random.Generator, frames: Frames, sample_rate_hz: int
) -> NDArray[Any]:
    """Spectra (k, bins) of the same magnitudes, the phase changed in the `way` of WAYS."""
    size, phase = np.abs(spectra), np.angle(spectra)
    random = rng.uniform(-np.pi, np.pi, spectra.shape)
    if way == "random":
        return size * np.exp(1j * random)
    if way == "zero":
        # Zero about the middle of each frame.
        return size * (-1.0) ** np.arange(size.shape[1])
    if way == "minimum":
        return _minimum(size, frames.size)
    if way == "coarse":
        step = 2 * np.pi / int(rng.integers(2, 9))
        return size * np.exp(1j * np.round(phase / step) * step)
    if way == "jitter":
        return size * np.exp(1j * (phase + float(rng.uniform(0.15, 0.6)) * random))
    from_hz = float(rng.uniform(1500, 5000))
    high = np.fft.rfftfreq(frames.size, 1 / sample_rate_hz) > from_hz
    return size * np.exp(1j * np.where(high, random, phase))


def _minimum(size: NDArray[Any], n: int) -> NDArray[Any]:
    """The minimum phase that belongs to the magnitudes, begun at the middle of the frame."""
    cepstrum = np.fft.irfft(np.log(np.maximum(size, 1e-7)), n)
    fold = np.zeros(n)
    fold[0] = fold[n // 2] = 1
    fold[1 : n // 2] = 2
    middle = (-1.0) ** np.arange(size.shape[1])
    return np.exp(np.fft.rfft(cepstrum * fold, n)) * middle


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip with its phase changed."""
    genuine = checked(samples, sample_rate_hz)
    size, overlap = int(rng.choice([256, 512, 1024])), int(rng.choice([2, 4]))
    frames = frames_for(size, overlap, sample_rate_hz)
    way = str(rng.choice(WAYS))
    spectra = with_phase(frames.spectra(genuine), way, rng, frames, sample_rate_hz)
    fake = frames.sound(spectra, genuine.size)
    return finished(fake, genuine, sample_rate_hz, f"phase_randomised/{way}_{size}_{overlap}")


SOUND_FORGER = SoundForger(
    name="phase_randomised",
    title="The whole clip with its own magnitudes and a wrong phase",
    kind="voice_generated",
    needs="voice",
    source="minimum phase after Oppenheim & Schafer, 1975; our own code",
    make=forge,
)
