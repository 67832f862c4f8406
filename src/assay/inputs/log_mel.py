"""The logarithm of a mel spectrogram: one function for training and inference alike.

Frames of `n_fft` samples under a periodic Hann window, centred, the ends mirrored; power; a bank
of triangles whose peak is one, evenly spaced on HTK's mel scale from 0 Hz to half the rate. These
are torchaudio's defaults, which BA-TFD (Cai et al., DICTA 2022) uses.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from assay.types import FloatArray

FLOOR = 0.01


def log_mel(
    samples: FloatArray, rate_hz: int = 16000, n_fft: int = 321, n_mels: int = 64
) -> FloatArray:
    """(n_mels, columns) float32: log(power + 0.01) of samples (n,) float32, a
    column for every `n_fft // 2` samples; of 320 n samples at the defaults there are 2 n.

    Raises ValueError where there are fewer than `n_fft` samples.
    """
    if samples.ndim != 1 or len(samples) < n_fft:
        raise ValueError(f"{n_fft} samples of one channel are the least for a mel spectrogram.")
    hop = n_fft // 2
    padded = np.pad(np.asarray(samples, np.float32), n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return np.asarray(np.log(power @ _bank(rate_hz, n_fft, n_mels) + FLOOR).T, np.float32)


@cache
def _bank(rate_hz: int, n_fft: int, n_mels: int) -> FloatArray:
    """(n_fft // 2 + 1, n_mels): how much of each line counts for each band."""
    lines_hz = np.linspace(0, rate_hz // 2, n_fft // 2 + 1)
    top_mel = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top_mel, n_mels + 2) / 2595) - 1)
    widths_hz = np.diff(edges_hz)
    apart_hz = edges_hz[None] - lines_hz[:, None]
    rising = -apart_hz[:, :-2] / widths_hz[:-1]
    falling = apart_hz[:, 2:] / widths_hz[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
