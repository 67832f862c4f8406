"""Does plain sound lie on the grid of an earlier AAC compression?

As with MP3 (see `mp3_history`): AAC turns each 1024 samples into 1024 lines with one transform of
2048, and the small lines are exactly zero again only where that transform starts at the same
sample. Both windows of ISO/IEC 14496-3 are tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from assay.types import FloatArray

FRAME = 1024
N_FRAMES = 5
PIECE = (N_FRAMES + 2) * FRAME
"""Samples that one look takes: a sixth of a second at 44.1 kHz."""
TESTED = slice(16, 700)
_ZERO = 0.8 / 32768
_LEAST_RMS = 2e-3
_BATCH = 64


@dataclass(frozen=True, slots=True)
class AacGrid:
    """Where frames of 1024 begin: `offset` samples from sample 0; `score` as in `mp3_history`."""

    offset: int
    zeros: float
    score: float
    window: str


@cache
def _windows() -> dict[str, FloatArray]:
    """The two windows, (2048,) float32 each."""
    at = np.arange(2 * FRAME)
    kaiser = np.cumsum(np.kaiser(FRAME + 1, 4 * np.pi))
    half = np.sqrt(kaiser[:FRAME] / kaiser[-1])
    return {
        "sine": np.sin(np.pi / (2 * FRAME) * (at + 0.5)).astype(np.float32),
        "kaiser": np.r_[half, half[::-1]].astype(np.float32),
    }


@cache
def _twiddles() -> tuple[np.ndarray, np.ndarray]:
    at, line = np.arange(2 * FRAME), np.arange(FRAME)
    before = np.exp(-1j * np.pi * at / (2 * FRAME))
    shift = 0.5 + FRAME / 2
    after = np.exp(-1j * np.pi * (line + 0.5) * shift / FRAME) * np.sqrt(2 / FRAME)
    return before.astype(np.complex64), after.astype(np.complex64)


def transformed(frames: FloatArray, window: str) -> FloatArray:
    """Lines (n, 1024) of frames (n, 2048), scaled so that energy is kept."""
    before, after = _twiddles()
    spectrum = np.fft.fft(frames * _windows()[window] * before, axis=1)[:, :FRAME]
    found: FloatArray = (spectrum * after).real
    return found


def find_aac_grid(samples: FloatArray) -> AacGrid | None:
    """The grid that stands out most in PIECE samples (n,); None where they are too few or quiet."""
    samples = np.ascontiguousarray(samples[:PIECE], np.float32)
    if len(samples) < PIECE or float(np.sqrt(np.square(samples).mean())) < _LEAST_RMS:
        return None
    views = np.lib.stride_tricks.sliding_window_view(samples, 2 * FRAME)
    best: AacGrid | None = None
    for window in _windows():
        shares = np.zeros(FRAME)
        for first in range(0, FRAME, _BATCH):
            starts = np.arange(first, first + _BATCH)[:, None] + FRAME * np.arange(N_FRAMES)
            lines = transformed(views[starts.ravel()], window)[:, TESTED]
            zero = (np.abs(lines) < _ZERO).mean(axis=1)
            shares[first : first + _BATCH] = zero.reshape(_BATCH, N_FRAMES).mean(axis=1)
        at = int(shares.argmax())
        rest = np.delete(shares, [(at + d) % FRAME for d in (-1, 0, 1)])
        score = float((shares[at] - rest.mean()) / (rest.std() + 1e-3))
        if best is None or score > best.score:
            best = AacGrid(at, float(shares[at]), score, window)
    return best
