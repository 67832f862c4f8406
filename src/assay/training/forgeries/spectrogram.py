"""Short-time Fourier transform and back, and the mel scale, in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray


@dataclass(frozen=True, slots=True)
class Frames:
    """Windows of `size` samples (even), one every `hop`, which divides `size` at least by 2."""

    size: int
    hop: int

    def spectra(self, sound: FloatArray) -> NDArray[Any]:
        """(n,) to complex (frames, size // 2 + 1), each frame centred on a multiple of the hop."""
        n_frames = -(-sound.size // self.hop) + 1
        reach = self.size // 2
        padded = np.pad(sound, (reach, reach + self.hop))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size)
        return np.fft.rfft(windows[:: self.hop][:n_frames] * _window(self.size))

    def sound(self, spectra: NDArray[Any], n: int) -> FloatArray:
        """The `n` samples whose spectra come nearest (Griffin & Lim, 1984)."""
        window = _window(self.size)
        parts = np.fft.irfft(spectra, self.size) * window
        whole = _added(parts, self.hop)
        weight = _added(np.broadcast_to(window**2, parts.shape), self.hop)
        out = whole / np.maximum(weight, 0.02)
        start = self.size // 2
        out = out[start : start + n]
        return np.pad(out, (0, n - out.size)).astype(np.float32)


def frames_for(size_16k: int, overlap: int, sample_rate_hz: int) -> Frames:
    """Frames as long as `size_16k` samples at 16 kHz, a hop of one `overlap`-th."""
    hop = max(2, round(size_16k / overlap * sample_rate_hz / 16_000))
    return Frames(hop * overlap, hop)


def _added(parts: NDArray[Any], hop: int) -> NDArray[Any]:
    """Overlap-add of (frames, size), a whole number of hops each."""
    n_frames, size = parts.shape
    overlap = size // hop
    out = np.zeros((n_frames + overlap - 1, hop), parts.dtype)
    for k in range(overlap):
        out[k : k + n_frames] += parts[:, k * hop : (k + 1) * hop]
    return out.ravel()


@cache
def _window(size: int) -> FloatArray:
    # Periodic Hann: squared and overlapped it sums to a constant.
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


@cache
def mel_filters(
    n_mels: int, size: int, sample_rate_hz: int, low_hz: float, high_hz: float
) -> FloatArray:
    """Triangles (n_mels, size // 2 + 1) of unit area on the mel scale 2595 log10(1 + f / 700)."""
    edges = np.linspace(_mel(low_hz), _mel(high_hz), n_mels + 2)
    edges_hz = 700 * (10 ** (edges / 2595) - 1)
    hz = np.fft.rfftfreq(size, 1 / sample_rate_hz)
    low, middle, high = (edges_hz[k : k + n_mels, None] for k in range(3))
    rising = (hz - low) / np.maximum(middle - low, 1e-9)
    falling = (high - hz) / np.maximum(high - middle, 1e-9)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles / np.maximum(triangles.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def smooth_envelope(magnitudes: NDArray[Any], width_hz: float, sample_rate_hz: int) -> FloatArray:
    """Magnitudes (frames, bins) averaged over a band of `width_hz` about each bin; same shape."""
    bins = magnitudes.shape[1]
    half = max(1, round(width_hz / 2 / (sample_rate_hz / 2 / max(bins - 1, 1))))
    padded = np.pad(
        magnitudes, ((0, 0), (half + 1, half)), mode="reflect" if half < bins - 1 else "edge"
    )
    sums = np.cumsum(padded, axis=1, dtype=np.float64)
    return ((sums[:, 2 * half + 1 :] - sums[:, : -2 * half - 1]) / (2 * half + 1)).astype(
        np.float32
    )
