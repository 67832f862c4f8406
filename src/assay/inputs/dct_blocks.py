"""The cosine transform of 8 by 8 blocks, its lowest frequencies: what a JPEG file quantises."""

from __future__ import annotations

import numpy as np

from assay.types import FloatArray

BLOCK_PX = 8
N_LOW = 5  # frequencies 0 to 4 across and down
LOW_AC = tuple((v, u) for v in range(N_LOW) for u in range(N_LOW) if 0 < u + v < N_LOW)
"""The 14 frequencies (down, across) in which histories are read: lowest, and seldom all zero."""


def cosine_basis() -> FloatArray:
    """(8, 8) orthonormal cosines, frequency by place (ISO/IEC 10918-1 A.3.3, scaled alike)."""
    place, frequency = np.meshgrid(np.arange(8), np.arange(8))
    basis = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


BASIS = cosine_basis()
_AT_ONCE = 8
# Eight blocks side by side in one product: some zeros are multiplied, and it is ten times quicker.
_EIGHT_ACROSS = np.kron(np.eye(_AT_ONCE, dtype=np.float32), BASIS[:N_LOW].T)


def low_frequencies(values: FloatArray, down: int = 0, across: int = 0) -> FloatArray:
    """(n_down, n_across, 14) float32 coefficients of the blocks whose grid starts at the shift.

    `values` (h, w) in [0, 255]; only whole blocks count, so `n_down` or `n_across` may be 0.
    """
    both = low_square(values, down, across)
    return np.ascontiguousarray(np.stack([both[:, v, :, u] for v, u in LOW_AC], axis=-1))


def low_square(values: FloatArray, down: int = 0, across: int = 0) -> FloatArray:
    """(n_down, 5, n_across, 5): frequencies 0 to 4 of each block, the mean's included."""
    height, width = values.shape
    n_down, n_across = max(0, height - down) // BLOCK_PX, max(0, width - across) // BLOCK_PX
    if not n_down * n_across:
        return np.zeros((n_down, N_LOW, n_across, N_LOW), np.float32)
    part = np.zeros((n_down, BLOCK_PX, -(-n_across // _AT_ONCE) * _AT_ONCE * BLOCK_PX), np.float32)
    inner = values[down : down + n_down * BLOCK_PX, across : across + n_across * BLOCK_PX]
    part[..., : n_across * BLOCK_PX] = inner.reshape(n_down, BLOCK_PX, n_across * BLOCK_PX)
    lines = np.matmul(BASIS[:N_LOW], part).reshape(-1, _AT_ONCE * BLOCK_PX) @ _EIGHT_ACROSS
    return np.asarray(lines.reshape(n_down, N_LOW, -1, N_LOW)[:, :, :n_across])
