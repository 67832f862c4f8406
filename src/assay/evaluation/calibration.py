"""How far probabilities can be taken at their word: ECE, Brier score, log loss, reliability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import Numbers, ratio

N_BINS = 15
CLIP = 1e-7


def brier(weights: Numbers, p: Numbers, fake: NDArray[np.bool_]) -> Numbers:
    """Mean squared distance of p_fake (n,) from the truth (b,), under weights (b, n)."""
    return ratio(weights @ (p - fake) ** 2, weights.sum(axis=1))


def log_loss(weights: Numbers, p: Numbers, fake: NDArray[np.bool_]) -> Numbers:
    """Mean negative log-likelihood (b,); p is held within 1e-7 of 0 and 1, as DFDC did."""
    kept = np.clip(p, CLIP, 1 - CLIP)
    return ratio(weights @ -np.log(np.where(fake, kept, 1 - kept)), weights.sum(axis=1))


def calibration_error(
    weights: Numbers, p: Numbers, fake: NDArray[np.bool_], n_bins: int = N_BINS
) -> Numbers:
    """Expected calibration error (b,) of p_fake over bins of equal width.

    The mean distance, by weight, of a bin's mean p_fake from its share of fakes (Naeini et al.,
    2015, for the two-class probability).
    """
    member = _membership(p, n_bins)
    gap = np.abs(weights @ (member * (p - fake)[:, None]))
    return ratio(gap.sum(axis=1), weights.sum(axis=1))


def at_equal_odds(weights: Numbers, fake: NDArray[np.bool_]) -> Numbers:
    """The weights (b, n) with fakes and reals of equal total.

    p_fake is calibrated at equal prior odds; a collection with ten reals to a fake would make it
    look wrong by that alone. NaN where a draw lacks a label.
    """
    shares = [ratio(weights * which, (weights @ which)[:, None]) for which in (fake, ~fake)]
    return np.asarray(shares[0] + shares[1])


def reliability(p: Numbers, fake: NDArray[np.bool_], n_bins: int = N_BINS) -> list[dict[str, Any]]:
    """The bins that hold anything: mean p_fake, share of fakes with Wilson's interval, count.

    The shares are those of the collection as it is, whatever its odds.
    """
    from assay.evaluation.metrics import rate_interval

    member = _membership(p, n_bins).astype(bool)
    rows = []
    for inside in member.T:
        n = int(inside.sum())
        if n:
            n_fake = int(fake[inside].sum())
            low, high = rate_interval(n_fake, n)
            row = {"p_fake": float(p[inside].mean()), "share_fake": n_fake / n, "n": n}
            rows.append({**row, "low": low, "high": high})
    return rows


def _membership(p: Numbers, n_bins: int) -> Numbers:
    """(n, n_bins) of 0 and 1: which bin a probability falls in; 1.0 falls in the last."""
    at = np.minimum((p * n_bins).astype(np.intp), n_bins - 1)
    return np.asarray(at[:, None] == np.arange(n_bins), np.float64)
