"""A source and a filter: pulses and noise through an all-pole filter (Atal & Hanauer, 1971)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.training.forgeries.pitch import pitch_of, pulses
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.spectrogram import Frames, frames_for
from assay.types import FloatArray


def all_pole(power: NDArray[Any], order: int) -> tuple[FloatArray, FloatArray]:
    """Filters (k, order + 1), the first 1, and gains (k,) for power spectra (k, bins).

    Levinson's recursion over all frames at once.
    """
    lags = np.fft.irfft(power)[:, : order + 1].astype(np.float64)
    lags[:, 0] = lags[:, 0] * (1 + 1e-5) + 1e-12
    filters = np.zeros((len(lags), order + 1))
    filters[:, 0] = 1.0
    error = lags[:, 0].copy()
    for k in range(1, order + 1):
        reflect = -(filters[:, :k] * lags[:, k:0:-1]).sum(axis=1) / error
        filters[:, 1 : k + 1] += reflect[:, None] * filters[:, k - 1 :: -1][:, :k]
        error = np.maximum(error * (1 - reflect**2), 1e-15)
    return filters.astype(np.float32), np.sqrt(error).astype(np.float32)


def excitation(
    sound: FloatArray, sample_rate_hz: int, hop: int, rng: np.random.Generator, kind: str
) -> FloatArray:
    """Pulses where the voice is voiced and noise elsewhere; (n,), about unit power."""
    hz, clarity = pitch_of(sound, sample_rate_hz, hop)
    noise = rng.standard_normal(sound.size, np.float32)
    if kind == "noise":
        return noise
    if kind == "monotone":
        hz = np.where(hz > 0, np.median(hz[hz > 0]) if (hz > 0).any() else 120.0, 0)
    at = np.arange(sound.size) / hop
    voiced = (hz > 0).astype(np.float32)
    share = voiced * (clarity if kind == "mixed" else 1.0)
    share = np.interp(at, np.arange(len(share)), share).astype(np.float32)
    return np.sqrt(share) * pulses(hz, hop, sound.size, sample_rate_hz) + np.sqrt(1 - share) * noise


def filtered(
    source: FloatArray, frames: Frames, filters: FloatArray, gains: FloatArray
) -> FloatArray:
    """The source through each frame's filter, overlapped and added; (n,)."""
    # Twice the frame: the filters ring on, and what rings over the end would come round.
    wide = Frames(2 * frames.size, frames.hop)
    spectra = wide.spectra(source)
    return wide.sound(spectra * gains[:, None] / np.fft.rfft(filters, wide.size), source.size)


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip as pulses and noise through filters of a drawn order."""
    genuine = checked(samples, sample_rate_hz)
    frames = frames_for(int(rng.choice([320, 400, 512])), int(rng.choice([2, 4])), sample_rate_hz)
    order = min(round(int(rng.integers(8, 33)) * sample_rate_hz / 16_000), frames.size // 4)
    kind = str(rng.choice(["pulse", "mixed", "mixed", "noise", "monotone"]))
    filters, gains = all_pole(np.abs(frames.spectra(genuine)) ** 2, max(4, order))
    source = excitation(genuine, sample_rate_hz, frames.hop, rng, kind)
    fake = filtered(source, frames, filters, gains)
    return finished(fake, genuine, sample_rate_hz, f"linear_prediction/{kind}_{order}")


SOUND_FORGER = SoundForger(
    name="linear_prediction",
    title="The whole clip as pulses and noise through an all-pole filter",
    kind="voice_generated",
    needs="voice",
    source="Atal & Hanauer, 1971 (LPC-10's kind of vocoder); our own code",
    make=forge,
)
