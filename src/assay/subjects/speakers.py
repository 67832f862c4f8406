"""Tell speakers apart: a voice embedding (GE2E, Wan et al., 2018) and clusters of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from assay.bundles import open_network
from assay.types import FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

RATE_HZ = 16000
N_BANDS = 40
SURE_S = 1.6
SAME_SPEAKER = 0.68
ONE_SPEAKER = 0.62
_WINDOW, _HOP = 400, 160
_PART_FRAMES = 160
_LEVEL_DBFS = -30.0
_PARTS_A_CALL = 32


@dataclass(frozen=True, slots=True)
class VoicePrint:
    """One voice: `vector` (256,) of length 1, and how alike (cosine) its two ends are.

    The ends overlap in a voice under 3.2 s, and are one below 2.4 s. Of 74 stretches of one speaker
    none has ends less alike than .66; of two speakers 95 % have below .62.
    """

    vector: FloatArray
    ends_alike: float = 1.0


def voice_prints(
    voices: Sequence[FloatArray], check: Callable[[], None] = lambda: None
) -> list[VoicePrint]:
    """What tells speakers apart, for each voice (k,) at 16 kHz.

    The vector is the mean over one part of 1.6 s, or over the first and the last of a voice from
    2.4 s on. `check()` is called between batches.
    """
    parts = [_parts(mel_power(_levelled(voice))) for voice in voices]
    vectors = iter(_embedded([part for own in parts for part in own], check))
    return [_print([next(vectors) for _ in own]) for own in parts]


def _print(vectors: list[FloatArray]) -> VoicePrint:
    total = np.sum(vectors, axis=0)
    unit: FloatArray = (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)
    return VoicePrint(unit, float(vectors[0] @ vectors[-1]) if len(vectors) > 1 else 1.0)


def _embedded(parts: list[FloatArray], check: Callable[[], None]) -> list[FloatArray]:
    network = open_network("speaker_identity")
    vectors: list[FloatArray] = []
    for first in range(0, len(parts), _PARTS_A_CALL):
        check()
        batch = np.stack(parts[first : first + _PARTS_A_CALL])
        vectors += list(np.nan_to_num(network.run(batch)["embeddings"]))
    return vectors


def tell_apart(vectors: FloatArray, lengths_s: FloatArray) -> IntArray:
    """A speaker number (n,) for each of n unit vectors, from 0, the longest speaking.

    Clusters are joined while the mean likeness between two of them is at least .68 (average
    linkage). Voices under 1.6 s are too short to make a speaker of their own: they go to the
    likest one, unless there is nothing longer.

    Measured on LibriSpeech (83 readers, one or two voices of 1 to 3 s each): no reader is split;
    of talks between two, three and five readers the number is right in 93, 88 and 72 %, and 8, 5
    and 4 % of the pairs of voices of different readers are taken for one.
    """
    n = len(vectors)
    sure = np.flatnonzero(lengths_s >= min(SURE_S, lengths_s.max(initial=0.0)))
    labels = np.zeros(n, np.int64)
    if not len(sure):
        return labels
    labels[sure] = _clusters(vectors[sure] @ vectors[sure].T)
    middles = np.stack(
        [vectors[sure][labels[sure] == k].mean(axis=0) for k in range(labels[sure].max() + 1)]
    )
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
    unsure = np.setdiff1d(np.arange(n), sure)
    labels[unsure] = (vectors[unsure] @ middles.T).argmax(axis=1)
    order = np.argsort(-np.bincount(labels, weights=lengths_s), kind="stable")
    return np.argsort(order)[labels]


def _clusters(alike: FloatArray) -> IntArray:
    """Average linkage over likenesses (n, n): the cluster (n,) of each, from 0."""
    n = len(alike)
    sums = alike.astype(np.float64)
    sizes = np.ones(n)
    labels = np.arange(n)
    means = np.where(np.eye(n, dtype=bool), -np.inf, sums)
    while n > 1:
        first, second = divmod(int(means.argmax()), n)
        if means[first, second] < SAME_SPEAKER:
            break
        labels[labels == second] = first
        sums[first] += sums[second]
        sums[:, first] += sums[:, second]
        sizes[first] += sizes[second]
        sizes[second] = 0.0
        means[first] = means[:, first] = sums[first] / np.maximum(sizes * sizes[first], 1.0)
        means[first, first] = -np.inf
        means[sizes == 0] = means[:, sizes == 0] = -np.inf
    return np.unique(labels, return_inverse=True)[1]


def _levelled(voice: FloatArray) -> FloatArray:
    """The voice at -30 dBFS, as the network knows it; near and far must not make two speakers."""
    level = float(np.sqrt(np.square(voice).mean())) if len(voice) else 0.0
    return voice * np.float32(10.0 ** (_LEVEL_DBFS / 20) / max(level, 1e-6))


def _parts(mels: FloatArray) -> list[FloatArray]:
    """One or two pieces (160, 40); a shorter voice is filled up with nothing."""
    mels = np.pad(mels, ((0, max(0, _PART_FRAMES - len(mels))), (0, 0)))
    if len(mels) >= 1.5 * _PART_FRAMES:
        return [mels[:_PART_FRAMES], mels[-_PART_FRAMES:]]
    start = (len(mels) - _PART_FRAMES) // 2
    return [mels[start : start + _PART_FRAMES]]


def mel_power(samples: FloatArray) -> FloatArray:
    """Power in 40 mel bands every 10 ms of sound (n,) at 16 kHz: (1 + n // 160, 40).

    Windows of 25 ms (Hann), centred, with zeros beyond the ends; no logarithm.
    """
    padded = np.pad(samples, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(frames * window.astype(np.float32), axis=1)) ** 2
    bands: FloatArray = (power.astype(np.float32) @ _mel_bands().T).astype(np.float32)
    return bands


@lru_cache(maxsize=1)
def _mel_bands() -> FloatArray:
    """Triangles (40, 201) of equal area on Slaney's mel scale, 0 to 8 kHz."""
    edges_hz = _hz(np.linspace(0.0, _mel(RATE_HZ / 2), N_BANDS + 2, dtype=np.float32))
    bins_hz = np.arange(_WINDOW // 2 + 1) * (RATE_HZ / _WINDOW)
    low, middle, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    triangles = np.clip(np.minimum(rising, falling), 0.0, None) * (2.0 / (high - low))
    bands: FloatArray = triangles.astype(np.float32)
    return bands


def _mel(hz: float) -> float:
    """Slaney's scale: linear to 1 kHz (15 mel), logarithmic above."""
    return float(15.0 + np.log(hz / 1000.0) * 27.0 / np.log(6.4))


def _hz(mel: FloatArray) -> FloatArray:
    linear = mel * (200.0 / 3.0)
    return np.where(mel < 15.0, linear, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))
