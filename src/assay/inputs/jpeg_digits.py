"""First digits of the coefficients of a JPEG: near Benford's law if saved once, off it if twice.

Fu, Shi, Su 2007: of a picture saved once they follow p(d) = N log10(1 + 1/(s + d^q)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_COUNT = 2000
_DIGITS = np.arange(1, 10)
_EXPONENTS = np.arange(0.6, 2.61, 0.1)
_OFFSETS = np.arange(-0.8, 1.21, 0.1)


def benford_gap(levels: NDArray[np.intp], most: int) -> float | None:
    """How far the first digits of levels 1 to `most` - 1 lie from the best fitting law.

    The chi-squared distance between shares, over the sum of both: 0 is on it, above 0.01 far off.
    None where fewer than 2,000 levels count.
    """
    counted = levels[(levels > 0) & (levels < most)].ravel()
    if counted.size < LEAST_COUNT:
        return None
    digit = np.where(counted >= 10, counted // 10, counted)
    shares = np.bincount(digit, minlength=10)[1:10] / counted.size
    law = np.log10(1 + 1 / (_OFFSETS[:, None, None] + _DIGITS ** _EXPONENTS[None, :, None]))
    law /= law.sum(axis=-1, keepdims=True)
    gaps = (np.square(shares - law) / (shares + law)).sum(axis=-1)
    return float(gaps.min())
