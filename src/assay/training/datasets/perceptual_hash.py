"""Short codes that stay nearly the same when a picture or a sound is saved again, and the search
for items whose codes are near.

Pictures: the perceptual hash of ImageHash (Zauner 2010), 16 x 16 signs of low frequencies. Sound:
signs of energy differences between neighbouring bands and moments (after Haitsma and Kalker 2002),
16 bands x 16 moments spread over the sounding part. Both are 256 bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.types import Array, FloatArray

SIDE = 16
N_BITS = SIDE * SIDE
WORDS = N_BITS // 64
LEAST_DETAIL = 4.0
"""Standard deviation of luma below which a picture is too plain to be told from another."""
LOWEST_HZ, HIGHEST_HZ = 200.0, 3800.0
_SOUND_RATE_HZ = 8000
_LEAST_SOUND_S = 0.5
_QUIET = 1e-3

PORTION = 500_000
Code = NDArray[np.uint64]
Numbers = NDArray[np.int64]


def picture_code(rgb: Array) -> str:
    """64 hexadecimal digits; "" for a picture too plain to have any. `rgb` is (h, w, 3) uint8."""
    import imagehash

    image = Image.fromarray(np.ascontiguousarray(rgb)).convert("L")
    image = image.resize((SIDE * 4, SIDE * 4), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if float(np.asarray(image).std()) < LEAST_DETAIL:
        return ""
    return str(imagehash.phash(image, hash_size=SIDE))


def sound_code(samples: FloatArray, rate_hz: int) -> str:
    """64 hexadecimal digits of a sound (n,); "" for silence and less than half a second."""
    from assay.media.audio import resampled

    sound = resampled(samples, rate_hz, _SOUND_RATE_HZ)
    peak = float(np.abs(sound).max(initial=0.0))
    loud = np.flatnonzero(np.abs(sound) > max(0.05 * peak, _QUIET))
    if not len(loud) or loud[-1] - loud[0] < _LEAST_SOUND_S * _SOUND_RATE_HZ:
        return ""
    energies = _energies(sound[loud[0] : loud[-1] + 1])
    steps = np.diff(np.diff(energies, axis=1), axis=0)  # between bands, then between moments
    return np.packbits(steps > 0).tobytes().hex()


def _energies(sound: FloatArray) -> NDArray[np.float64]:
    """Logarithmic energy at 17 moments in 17 bands, evenly spaced in pitch."""
    n = SIDE + 1
    edges = np.linspace(0, len(sound), n + 1).astype(int)
    hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, n + 1)
    rows = []
    for first, last in itertools.pairwise(edges):
        part = sound[first:last]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        bins = (hz * len(part) / _SOUND_RATE_HZ).astype(int)
        sums = [power[a : max(b, a + 1)].mean() for a, b in itertools.pairwise(bins)]
        rows.append(np.log(np.array(sums) + 1e-9))
    return np.stack(rows)


def as_words(code: str) -> Code:
    """(4,) uint64 of 64 hexadecimal digits."""
    return np.frombuffer(bytes.fromhex(code), ">u8").astype(np.uint64)


def near_pairs(codes: Sequence[Sequence[str]], most_bits: int) -> Iterator[tuple[int, int, float]]:
    """(i, j, differing bits a code) of items i < j whose codes differ by at most `most_bits` of
    256 on average; an item has one code or several, and is compared with those of as many.

    None is missed: codes that near agree wholly in one of `most_bits` + 1 bands, and only those
    that do are compared.
    """
    lengths = sorted({len(one) for one in codes if one and all(one)})
    for n in lengths:
        members = [i for i, one in enumerate(codes) if len(one) == n and all(one)]
        table = np.stack([[as_words(code) for code in codes[i]] for i in members])
        for a, b, bits in _near(table, most_bits):
            yield members[a], members[b], bits


def _near(table: NDArray[np.uint64], most_bits: int) -> Iterator[tuple[int, int, float]]:
    """`table` is (items, codes an item, 4)."""
    k = table.shape[1]
    found: set[tuple[int, int]] = set()
    for code in range(k):
        bits = np.unpackbits(table[:, code].astype(">u8").view(np.uint8), axis=1)
        for band in np.array_split(np.arange(N_BITS), most_bits + 1):
            for a, b in _equal_rows(np.packbits(bits[:, band], axis=1)):
                apart = np.bitwise_count(table[a] ^ table[b]).sum(axis=(1, 2)) / k
                for at in np.flatnonzero(apart <= most_bits):
                    pair = (int(a[at]), int(b[at]))
                    if pair not in found:
                        found.add(pair)
                        yield *pair, float(apart[at])


def _equal_rows(rows: NDArray[Any]) -> Iterator[tuple[Numbers, Numbers]]:
    """Numbers (m,) and (m,) of rows that are equal, the smaller first; in portions."""
    _, which, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(which.ravel(), kind="stable")
    lefts, rights, n = [], [], 0
    for bucket in np.split(order, np.cumsum(counts)[:-1]):
        for i, left in enumerate(bucket[:-1]):
            lefts.append(np.full(len(bucket) - i - 1, left))
            rights.append(bucket[i + 1 :])
            n += len(rights[-1])
            if n > PORTION:
                yield np.concatenate(lefts), np.concatenate(rights)
                lefts, rights, n = [], [], 0
    if lefts:
        yield np.concatenate(lefts), np.concatenate(rights)
