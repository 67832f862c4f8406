"""How well several networks separate the same rows, each with its interval and their difference.

All networks of one call are measured on the same bootstrap draws of groups, so that their
differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from assay.evaluation import ranking
from assay.evaluation.bootstrap import MIN_GROUPS, Numbers, intervals
from assay.evaluation.metrics import rate_interval
from assay.evaluation.ranking import Curve, Flags, Ranking
from assay.evaluation.slices import MIN_OF_A_LABEL

Table = dict[str, Any]
Measure = Callable[[Curve], Numbers]

MEASURES: dict[str, Measure] = {
    "auc": ranking.auc,
    "average_precision": ranking.average_precision,
    "equal_error_rate": ranking.equal_error_rate,
    "detection_at_far_1": lambda curve: ranking.detection_at(curve, 0.01),
    "detection_at_far_5": lambda curve: ranking.detection_at(curve, 0.05),
}
SHARES = ("detection", "false_alarms")
# Of a real source against the other real files: how much of it lies above a cut made for those.
ALARMS: dict[str, Measure] = {
    "false_alarms_at_1": lambda curve: ranking.detection_at(curve, 0.01),
    "false_alarms_at_5": lambda curve: ranking.detection_at(curve, 0.05),
}


def separated(
    logits: Mapping[str, Numbers],
    positive: Flags,
    groups: Sequence[str],
    *,
    measures: Mapping[str, Measure] = MEASURES,
    minus: tuple[str, str] | None = None,
    n_draws: int = 1000,
) -> Table:
    """{network: {measure: number}}, and {"worth": …} for the paired difference `minus`.

    A number is {"value", "low", "high"}; {"too_small": why} where a side has fewer than five
    rows. No interval where a side has fewer than five groups.
    """
    why = too_small(positive)
    if why:
        return {"too_small": why}
    rankings = {name: Ranking(values, positive) for name, values in logits.items()}

    def measured(weights: Numbers) -> dict[str, Numbers]:
        curves = {name: one.curve(weights) for name, one in rankings.items()}
        found = {f"{n}|{m}": f(c) for n, c in curves.items() for m, f in measures.items()}
        if minus:
            first, second = minus
            for m in measures:
                found[f"worth|{m}"] = found[f"{first}|{m}"] - found[f"{second}|{m}"]
        return found

    numbers = intervals(measured, groups, n_draws)
    few = few_groups(positive, groups)
    of_positive = np.asarray(groups, str)[positive].tolist()
    table: Table = {}
    for key, number in numbers.items():
        name, measure = key.rsplit("|", 1)
        number = without_interval(number) if few else number
        if measure.startswith(SHARES) and name != "worth":
            number = never_certain(number, of_positive)
        table.setdefault(name, {})[measure] = number
    return table


def never_certain(share: Table, groups: Sequence[str]) -> Table:
    """A share of none or all, which draws hardly vary: Wilson's interval with a group as one."""
    n = len(set(groups))
    if share["value"] not in (0.0, 1.0) or n < MIN_GROUPS:
        return share
    low, high = rate_interval(round(share["value"] * n), n)
    return {**share, "low": low, "high": high}


def too_small(positive: Flags) -> str | None:
    """Why there is no number, None where there is one."""
    n, m = int(positive.sum()), int((~positive).sum())
    return f"{n} against {m} rows" if min(n, m) < MIN_OF_A_LABEL else None


def few_groups(positive: Flags, groups: Sequence[str]) -> bool:
    """Whether a side has too few groups to be drawn from."""
    named = np.asarray(groups, str)
    return min(len(set(named[side].tolist())) for side in (positive, ~positive)) < MIN_GROUPS


def without_interval(number: Table) -> Table:
    """The value alone."""
    return {"value": number["value"], "low": None, "high": None}
