"""Numbers that say how well scores separate labels, with intervals over groups.

Higher scores mean "more likely manipulated" everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Callable[[NDArray[np.float64], NDArray[np.bool_]], float]


@dataclass(frozen=True, slots=True)
class WithInterval:
    """A number and its 95 % bootstrap interval; `n_groups` were drawn with replacement."""

    value: float
    low: float
    high: float
    n_fake: int
    n_real: int
    n_groups: int


def auc(scores: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a fake scores above a genuine one, ties count half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fake, scores))


def average_precision(scores: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Area under the precision-recall curve for the fakes."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(fake, scores))


def equal_error_rate(scores: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Where the false-alarm rate equals the miss rate, between the nearest points of the curve."""
    from sklearn.metrics import roc_curve

    # Every point of the curve: sklearn drops those on a straight line, and with them the nearest.
    alarms, hits, _ = roc_curve(fake, scores, drop_intermediate=False)
    misses = 1 - hits
    at = int(np.argmin(np.abs(misses - alarms)))
    return float((misses[at] + alarms[at]) / 2)


def detection_rate_at(rate: float) -> Metric:
    """The metric "share of fakes found at this false-alarm rate"."""

    def metric(scores: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
        from sklearn.metrics import roc_curve

        alarms, hits, _ = roc_curve(fake, scores)
        return float(hits[alarms <= rate].max(initial=0.0))

    return metric


def with_interval(
    metric: Metric,
    scores: ArrayLike,
    fake: ArrayLike,
    groups: Sequence[str],
    n_draws: int = 1000,
    seed: int = 0,
) -> WithInterval:
    """The metric with a 95 % interval, bootstrapped over groups (people, clips), not over rows.

    Draws in which one label is missing are drawn again. Raises ValueError when a label is
    missing altogether, or lengths differ.
    """
    s, f = np.asarray(scores, np.float64), np.asarray(fake, bool)
    if not len(s) == len(f) == len(groups):
        raise ValueError("One score, one label and one group each.")
    if f.all() or not f.any():
        raise ValueError("Both labels are needed.")
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    rows = [np.flatnonzero(member == g) for g in range(len(names))]
    rng = np.random.default_rng(seed)
    values: list[float] = []
    while len(values) < n_draws:
        drawn = np.concatenate([rows[g] for g in rng.integers(len(rows), size=len(rows))])
        if f[drawn].any() and not f[drawn].all():
            values.append(metric(s[drawn], f[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return WithInterval(
        metric(s, f), float(low), float(high), int(f.sum()), int((~f).sum()), len(names)
    )


def rate_interval(n_hits: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share. Raises ValueError when n is 0."""
    if n <= 0:
        raise ValueError("A share of nothing has no interval.")
    z = 1.959964
    share = n_hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
