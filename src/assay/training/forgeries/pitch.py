"""The pitch of a voice and whether it is voiced, from the autocorrelation (Boersma, 1993)."""

from __future__ import annotations

import numpy as np

from assay.types import FloatArray

LOW_HZ, HIGH_HZ = 65.0, 450.0
_WINDOW_S = 0.04
_VOICED_FROM = 0.45
_OCTAVE_COST = 0.05


def pitch_of(sound: FloatArray, sample_rate_hz: int, hop: int) -> tuple[FloatArray, FloatArray]:
    """Pitch in hertz (0 where unvoiced) and likeness of neighbouring periods in [0, 1], each (k,).

    One value every `hop` samples from sample 0 on.
    """
    size = round(_WINDOW_S * sample_rate_hz)
    n = sound.size // hop + 1
    padded = np.pad(sound, (size // 2, size // 2 + hop + 1))
    window = np.hanning(size).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:n]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    likeness = _autocorrelation(frames) / np.maximum(_autocorrelation(window[None])[0], 1e-6)
    first = max(2, int(sample_rate_hz / HIGH_HZ))
    last = min(int(sample_rate_hz / LOW_HZ), likeness.shape[1] - 1)
    part = likeness[:, first:last]
    # Two periods are as alike as one: the shorter lag is preferred a little.
    best = (part - _OCTAVE_COST * np.log2(np.arange(first, last) / first)).argmax(axis=1)
    clarity = np.clip(part[np.arange(n), best], 0, 1)
    loud = (frames**2).mean(axis=1)
    voiced = (clarity > _VOICED_FROM) & (loud > 1e-4 * max(float(loud.max()), 1e-12))
    hz = np.where(voiced, sample_rate_hz / (best + first), 0.0)
    return _median_of_3(hz).astype(np.float32), clarity.astype(np.float32)


def pulses(hz: FloatArray, hop: int, n: int, sample_rate_hz: int) -> FloatArray:
    """`n` samples with one pulse a period, none where `hz` (k,) is 0; each period has energy 1."""
    at = np.arange(n) / hop
    here = np.interp(at, np.arange(len(hz)), hz)
    voiced = np.interp(at, np.arange(len(hz)), (hz > 0).astype(np.float32)) > 0.5
    phase = np.cumsum(here / sample_rate_hz)
    starts = np.flatnonzero(np.diff(np.floor(phase), prepend=0) > 0)
    out = np.zeros(n, np.float32)
    starts = starts[voiced[starts]]
    out[starts] = np.sqrt(sample_rate_hz / np.maximum(here[starts], 20))
    return out


def _autocorrelation(frames: FloatArray) -> FloatArray:
    size = frames.shape[1]
    power = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    lags = np.fft.irfft(power)[:, :size]
    return (lags / np.maximum(lags[:, :1], 1e-9)).astype(np.float32)


def _median_of_3(values: FloatArray) -> FloatArray:
    padded = np.pad(values, 1, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
