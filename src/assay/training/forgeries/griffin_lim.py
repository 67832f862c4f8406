"""The magnitudes of the clip with a phase that was guessed (Griffin & Lim, 1984)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.spectrogram import Frames, frames_for
from assay.types import FloatArray


def phase_found(
    magnitudes: FloatArray,
    frames: Frames,
    n: int,
    rng: np.random.Generator,
    iterations: int,
    momentum: float = 0.0,
) -> FloatArray:
    """`n` samples whose magnitudes come near `magnitudes` (k, bins).

    `momentum` 0 is the classic way, 0.99 the fast one. A quarter of the time the first phase is
    zero rather than random.
    """
    turn = 0.0 if rng.random() < 0.25 else 2 * np.pi
    phase = np.exp(1j * rng.uniform(0, turn or 1e-9, magnitudes.shape)).astype(np.complex64)
    before: NDArray[Any] = np.zeros_like(phase)
    for _ in range(iterations):
        found = frames.spectra(frames.sound(magnitudes * phase, n))
        ahead = found + momentum * (found - before)
        before = found
        phase = ahead / np.maximum(np.abs(ahead), 1e-9)
    return frames.sound(magnitudes * phase, n)


def draw_iterations(rng: np.random.Generator) -> tuple[int, float]:
    """4 to 60 iterations, as many below 16 as above, and the momentum: classic or fast."""
    return round(4 * 15 ** rng.random()), float(rng.choice([0.0, 0.99]))


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip, its phase guessed anew from the linear magnitudes."""
    genuine = checked(samples, sample_rate_hz)
    size, overlap = int(rng.choice([256, 400, 512, 1024, 2048])), int(rng.choice([2, 4, 4, 8]))
    frames = frames_for(size, overlap, sample_rate_hz)
    iterations, momentum = draw_iterations(rng)
    magnitudes = np.abs(frames.spectra(genuine)).astype(np.float32)
    fake = phase_found(magnitudes, frames, genuine.size, rng, iterations, momentum)
    way = "fast" if momentum else "classic"
    name = f"griffin_lim/{way}_{size}_{overlap}_{iterations}"
    return finished(fake, genuine, sample_rate_hz, name)


SOUND_FORGER = SoundForger(
    name="griffin_lim",
    title="The whole clip, its phase guessed from the magnitudes",
    kind="voice_generated",
    needs="voice",
    source="Griffin & Lim, 1984; Perraudin et al., WASPAA 2013; our own code",
    make=forge,
)
