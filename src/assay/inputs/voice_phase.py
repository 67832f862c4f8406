"""The phases of a voice's harmonics and the sharpness of its excitation.

A throat closes once a cycle: the harmonics start together, and what linear prediction leaves is a
row of sharp pulses of one sign. Vocoders that guess phases from a spectrogram (Griffin and Lim,
1984) blur the pulses; those that set them by rule make all alike. Relative phase follows De Leon
et al. (IEEE TASLP 2012) and Sanchez et al. (IEEE TIFS 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.pitch import Pitch
from assay.types import FloatArray

Numbers = NDArray[Any]

FRAME_S = 0.04
MAX_FRAMES = 120
MIN_FRAMES = 15
MAX_HARMONICS = 30
HIGHEST_HZ = 5000.0
LOW_HZ, HIGH_HZ = 2000.0, 2500.0
ORDER = 18


@dataclass(frozen=True, slots=True)
class VoicedFrames:
    """Frames (t, n) of 40 ms around voiced moments, their pitch (t,) in Hz, and the rate."""

    frames: Numbers
    f0_hz: Numbers
    rate_hz: int


def cut_voiced(samples: FloatArray, rate_hz: int, pitch: Pitch) -> VoicedFrames | None:
    """At most 120 voiced frames, evenly spread; None with fewer than 15."""
    n = round(FRAME_S * rate_hz)
    middle = np.round(pitch.times_s.astype(np.float64) * rate_hz).astype(np.intp)
    inside = (middle >= n // 2) & (middle + n - n // 2 <= len(samples))
    places = np.flatnonzero(np.isfinite(pitch.f0_hz) & inside)
    if len(places) < MIN_FRAMES:
        return None
    chosen = places[np.unique(np.linspace(0, len(places) - 1, MAX_FRAMES).astype(np.intp))]
    starts = middle[chosen] - n // 2
    frames = np.asarray(samples, np.float64)[starts[:, None] + np.arange(n)]
    return VoicedFrames(frames - frames.mean(axis=1, keepdims=True), pitch.f0_hz[chosen], rate_hz)


def harmonic_amplitudes(voiced: VoicedFrames) -> tuple[Numbers, Numbers, Numbers]:
    """Complex amplitudes (t, 30) at the harmonics and halfway above each, and their frequencies
    (t, 30) in Hz."""
    n = voiced.frames.shape[1]
    windowed = voiced.frames * np.hanning(n)
    time_s = (np.arange(n) - n / 2) / voiced.rate_hz
    f0 = voiced.f0_hz.astype(np.float64)
    half = np.exp(-1j * np.pi * f0[:, None] * time_s).astype(np.complex64)
    one = half * half
    turn, at, between = one.copy(), [], []
    for _ in range(MAX_HARMONICS):
        at.append((windowed * turn).sum(axis=1))
        between.append((windowed * turn * half).sum(axis=1))
        turn = turn * one
    numbers = np.arange(1, MAX_HARMONICS + 1)
    return np.array(at).T, np.array(between).T, f0[:, None] * numbers


def phase_cues(voiced: VoicedFrames) -> dict[str, float]:
    """How well the harmonics start together, and how far they stand out of what is between."""
    at, between, hz = harmonic_amplitudes(voiced)
    known = hz < HIGHEST_HZ
    turn = at / np.maximum(np.abs(at), 1e-12)
    # The second difference of phase along the harmonics does not know when the frame begins.
    bend = turn[:, 2:] * turn[:, :-2] * turn[:, 1:-1].conj() ** 2
    ok = known[:, 2:]
    depth = 20 * np.log10((np.abs(at) + 1e-9) / (np.abs(between) + 1e-9))
    low, high = known & (hz < LOW_HZ), known & (hz >= HIGH_HZ)
    return {
        "phase_coherence": _coherence(bend, ok & low[:, 2:]),
        "phase_coherence_high": _coherence(bend, ok & high[:, 2:]),
        "phase_steadiness": _steadiness(bend, ok),
        "harmonic_depth_low": float(np.median(depth[low])) if low.any() else float("nan"),
        "harmonic_depth_high": float(np.median(depth[high])) if high.any() else float("nan"),
    }


def _coherence(bend: Numbers, ok: Numbers) -> float:
    n = int(ok.sum())
    return float(np.abs(bend[ok].sum()) / n) if n >= MIN_FRAMES else float("nan")


def _steadiness(bend: Numbers, ok: Numbers) -> float:
    """How alike the bends of the same harmonic are from one frame to the next: mean cosine."""
    both = ok[1:] & ok[:-1]
    if not both.any():
        return float("nan")
    return float((bend[1:] * bend[:-1].conj()).real[both].mean())


def excitation_cues(voiced: VoicedFrames) -> dict[str, float]:
    """Sharpness and one-sidedness of what linear prediction leaves: medians over frames."""
    residual = prediction_residual(voiced.frames)
    spread = np.maximum(residual.std(axis=1), 1e-9)
    z = (residual - residual.mean(axis=1, keepdims=True)) / spread[:, None]
    sharp = np.log(np.maximum((z**4).mean(axis=1), 1e-3))
    skew = (z**3).mean(axis=1)
    return {
        "pulse_sharpness": float(np.median(sharp)),
        "pulse_sharpness_spread": float(np.subtract(*np.quantile(sharp, [0.75, 0.25]))),
        "pulse_one_sidedness": float(abs(np.median(skew))),
    }


def prediction_residual(frames: Numbers) -> Numbers:
    """What an all-pole model of order 18 does not predict of each frame (t, n)."""
    n = frames.shape[1]
    sharpened = np.diff(frames, axis=1, prepend=frames[:, :1]) * 0.97 + 0.03 * frames
    size = 1 << int(np.ceil(np.log2(2 * n)))
    power = np.abs(np.fft.rfft(sharpened * np.hanning(n), size, axis=1)) ** 2
    acf = np.fft.irfft(power, size, axis=1)[:, : ORDER + 1]
    acf[:, 0] = acf[:, 0] * 1.0001 + 1e-12
    coefficients = levinson(acf)
    size = 1 << int(np.ceil(np.log2(n + ORDER + 1)))
    product = np.fft.rfft(sharpened, size, axis=1) * np.fft.rfft(coefficients, size, axis=1)
    return np.asarray(np.fft.irfft(product, size, axis=1)[:, ORDER:n])


def levinson(acf: Numbers) -> Numbers:
    """Prediction filters (t, p + 1), first coefficient one, of autocorrelations (t, p + 1)."""
    t, p = acf.shape[0], acf.shape[1] - 1
    a = np.zeros((t, p + 1))
    a[:, 0] = 1
    error = acf[:, 0].copy()
    for m in range(1, p + 1):
        k = -(a[:, :m] * acf[:, m:0:-1]).sum(axis=1) / np.maximum(error, 1e-20)
        k = np.clip(k, -0.9999, 0.9999)
        a[:, 1 : m + 1] += k[:, None] * a[:, m - 1 :: -1][:, :m]
        error *= 1 - k * k
    return a


def high_band_pulsing(voiced: VoicedFrames) -> float:
    """How far the level between 3 and 7 kHz rises and falls with the pitch: the correlation of
    its envelope with itself one cycle on, median over frames."""
    n = voiced.frames.shape[1]
    size = 1 << int(np.ceil(np.log2(2 * n)))
    hz = np.fft.fftfreq(size, 1 / voiced.rate_hz)
    band = np.where((hz > 3000) & (hz < 7000), 2.0, 0.0)
    envelope = np.abs(np.fft.ifft(np.fft.fft(voiced.frames, size, axis=1) * band, axis=1))[:, :n]
    envelope -= envelope.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(envelope, size, axis=1)) ** 2
    acf = np.fft.irfft(power, size, axis=1)[:, :n]
    lag = np.clip(np.round(voiced.rate_hz / voiced.f0_hz), 1, n - 1).astype(np.intp)
    at = np.take_along_axis(acf, lag[:, None], axis=1)[:, 0]
    return float(np.median(at / np.maximum(acf[:, 0], 1e-12) * n / (n - lag)))
