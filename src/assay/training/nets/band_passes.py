"""A fixed bank of band-pass filters on the waveform: the first layer of the published peers.

Ravanelli and Bengio, "Speaker Recognition from Raw Waveform with SincNet", SLT 2018, with the cuts
held at equal steps of the mel scale instead of learned, as Tak et al. (ICASSP 2021) found better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

RATE_HZ = 16_000


class BandPasses(nn.Module):
    """Waveforms (b, n) in; (b, n_filters, n - n_taps + 1) out. Nothing in it is learned."""

    taps: Tensor

    def __init__(self, n_filters: int, n_taps: int) -> None:
        super().__init__()
        bank = torch.from_numpy(band_passes(n_filters, n_taps).astype(np.float32))
        # Made from two numbers, so it is no part of a checkpoint.
        self.register_buffer("taps", bank[:, None], persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """See the class."""
        return nn.functional.conv1d(waveform[:, None], self.taps)


def band_passes(n_filters: int, n_taps: int, rate_hz: int = RATE_HZ) -> NDArray[Any]:
    """Windowed ideal filters (n_filters, n_taps), side by side from 0 Hz to half the rate."""
    edges_hz = _hz(np.linspace(0.0, _mel(rate_hz / 2), n_filters + 1))[:, None]
    at = np.arange(n_taps) - (n_taps - 1) / 2
    low_passes = 2 * edges_hz / rate_hz * np.sinc(2 * edges_hz / rate_hz * at)
    bank: NDArray[Any] = np.hamming(n_taps) * np.diff(low_passes, axis=0)
    return bank


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = 700 * (10 ** (mel / 2595) - 1)
    return found
