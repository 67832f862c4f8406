"""Intervals for many numbers at once: whole groups (people, clips) are drawn, never single rows.

A draw is a row of weights: how often each file was drawn. A measure takes the weights of many
draws, (b, n), and gives one number a draw, (b,); the first row of all is the data as they are.
That is the bootstrap of `metrics.with_interval`, about a hundred times quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Measures = Callable[[Numbers], Mapping[str, Numbers]]

CELLS_AT_ONCE = 2_000_000
MIN_GROUPS = 5
LEVELS = (0.025, 0.975)


def draws(groups: Sequence[str], n_draws: int, seed: int = 0) -> Iterator[Numbers]:
    """Weights (b, n) in portions that fit in memory; the very first row is all ones."""
    names, member = np.unique(np.asarray(groups, str), return_inverse=True)
    n = max(len(names), len(member), 1)
    portion = max(1, CELLS_AT_ONCE // n)
    rng = np.random.default_rng(seed)
    yield np.ones((1, len(member)))
    for start in range(0, n_draws, portion):
        b = min(portion, n_draws - start)
        counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=b)
        yield counts[:, member].astype(np.float64)


def intervals(
    measures: Measures, groups: Sequence[str], n_draws: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """By name: {"value", "low", "high"}, a 95 % percentile interval over `groups`.

    Draws in which a number does not exist (a label is missing) are left out, as if drawn again.
    `low` and `high` are None with fewer than five groups, where most draws gave no number, and
    where all draws gave the same: a spread of none would claim certainty. `value` is None where
    the number does not exist at all.
    """
    parts = [measures(weights) for weights in draws(groups, n_draws, seed)]
    few = len(set(groups)) < MIN_GROUPS
    found = {}
    for name in parts[0]:
        values = np.concatenate([np.asarray(part[name], np.float64) for part in parts])
        found[name] = _summary(values, few)
    return found


def _summary(values: Numbers, few: bool) -> dict[str, Any]:
    value, drawn = float(values[0]), values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None}
    if few or len(drawn) < max(1, len(values[1:]) // 2):
        return {"value": value, "low": None, "high": None}
    low, high = np.quantile(drawn, LEVELS)
    if np.ptp(drawn) < 1e-12:
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": float(low), "high": float(high)}


def ratio(above: Numbers, below: Numbers) -> Numbers:
    """`above / below`, NaN where `below` is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
