"""Does plain sound lie on the grid of an earlier AAC or Vorbis compression?

As with MP3 (see `mp3_history`): both turn each 1024 samples into 1024 lines with one transform of
2048, and the small lines are exactly zero again only where that transform starts at the same
sample. The search uses one window of ISO/IEC 14496-3 (Kaiser-Bessel), which those of Vorbis and
the sine are close enough to; the best of the three at the place that was found names the codec.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

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
    """Where frames of 1024 begin: `offset` samples from sample 0; `score` as in `mp3_history`.

    `window` is "kaiser" or "sine" (AAC) or "vorbis", whichever leaves most zeros there.
    """

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
        "vorbis": np.sin(np.pi / 2 * np.sin(np.pi / (2 * FRAME) * (at + 0.5)) ** 2).astype(
            np.float32
        ),
    }


@cache
def _twiddles() -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    at = np.arange(FRAME // 2)
    before = np.exp(-1j * np.pi * (at + 0.25) / FRAME)
    return before.astype(np.complex64), np.exp(-1j * np.pi * at / FRAME).astype(np.complex64)


def transformed(frames: FloatArray, window: str) -> FloatArray:
    """Lines (n, 1024) of frames (n, 2048), scaled so that energy is kept.

    Folded to 1024 and transformed by a complex FFT of 512 (a DCT of type IV).
    """
    half = FRAME // 2
    a, b, c, d = np.split(frames * _windows()[window], 4, axis=1)
    folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
    before, after = _twiddles()
    pairs = (folded[:, ::2] + 1j * folded[:, ::-2]).astype(np.complex64) * before
    spectrum = np.fft.fft(pairs, axis=1) * after
    found = np.empty((len(frames), 2 * half), np.float32)
    found[:, ::2], found[:, ::-2] = spectrum.real, -spectrum.imag
    return found * np.float32(np.sqrt(2 / FRAME))


def find_aac_grid(samples: FloatArray) -> AacGrid | None:
    """The grid that stands out most in PIECE samples (n,); None where they are too few or quiet."""
    samples = np.ascontiguousarray(samples[:PIECE], np.float32)
    if len(samples) < PIECE or float(np.sqrt(np.square(samples).mean())) < _LEAST_RMS:
        return None
    views = np.lib.stride_tricks.sliding_window_view(samples, 2 * FRAME)
    shares = np.concatenate([
        _shares(views, np.arange(first, first + _BATCH), "kaiser")
        for first in range(0, FRAME, _BATCH)
    ])  # fmt: skip
    at = int(shares.argmax())
    rest = np.delete(shares, [(at + d) % FRAME for d in (-1, 0, 1)])
    score = float((shares[at] - rest.mean()) / (rest.std() + 1e-3))
    zeros = {name: float(_shares(views, np.array([at]), name)[0]) for name in _windows()}
    best = max(zeros, key=lambda name: zeros[name])
    return AacGrid(at, zeros[best], score, best)


def confirmed(samples: FloatArray, offset: int, apart_from: int) -> bool:
    """Whether other places of samples (n,) have the grid as well, which begins at `offset`.

    Two are asked, at least PIECE away from `apart_from`; at one of them the grid must have the most
    zeros of 64 starts. A sound of a fixed period imitates a grid at one place, not at others.
    """
    places = [round(share * (len(samples) - PIECE)) for share in (0.15, 0.35, 0.5, 0.65, 0.85)]
    places = [place for place in places if place >= 0 and abs(place - apart_from) >= PIECE]
    places.sort(key=lambda place: -float(np.square(samples[place : place + PIECE]).mean()))
    for place in places[:2]:
        piece = np.ascontiguousarray(samples[place : place + PIECE], np.float32)
        if float(np.sqrt(np.square(piece).mean())) < _LEAST_RMS:
            continue
        views = np.lib.stride_tricks.sliding_window_view(piece, 2 * FRAME)
        starts = ((offset - place) % FRAME + 16 * np.arange(FRAME // 16)) % FRAME
        shares = _shares(views, starts, "kaiser")
        if shares[0] > shares[1:].max() + 2 * shares[1:].std() and shares[0] < 0.9:
            return True
    return False


def _shares(views: FloatArray, offsets: NDArray[np.int_], window: str) -> NDArray[np.float64]:
    """The share of lines that are zero, for frames that begin at each offset."""
    starts = offsets[:, None] + FRAME * np.arange(N_FRAMES)
    lines = transformed(views[starts.ravel()], window)[:, TESTED]
    zero = (np.abs(lines) < _ZERO).mean(axis=1)
    return np.asarray(zero.reshape(len(offsets), N_FRAMES).mean(axis=1), np.float64)
