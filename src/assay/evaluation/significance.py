"""Is one model better than another on the same items? Paired tests over groups, never over frames.

The bootstrap draws whole groups (people, footage), so items that share one are not counted as
independent. DeLong's and McNemar's tests take every item for independent; they stand beside it
because papers quote them, and are too sure where groups hold many items.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation import ranking
from assay.evaluation.bootstrap import MIN_GROUPS, Numbers, draws, ratio
from assay.evaluation.measures import MIN_OF_A_LABEL, Scored
from assay.evaluation.ranking import Flags, Ranking

Row = dict[str, Any]
_LEVELS = (0.025, 0.975)


def compare_all(
    models: Sequence[Scored], slice_name: str, n_draws: int = 1000, seed: int = 0
) -> list[Row]:
    """Every pair of models on the items that both scored; p-values of AUC adjusted after Holm.

    Each row: slice, a, b, metric ("auc" or "accuracy"), difference (a - b), low, high, p (paired
    bootstrap over groups), p_holm, test and p_test (DeLong, McNemar), n, n_groups; or `why` there
    is none. Scores must be at file level.
    """
    rows: list[Row] = []
    for a, b in itertools.combinations(models, 2):
        rows += compare(a, b, slice_name, n_draws, seed)
    for metric in ("auc", "accuracy"):
        tested = [row for row in rows if row["metric"] == metric and row["p"] is not None]
        for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
            row["p_holm"] = p
    return rows


def compare(a: Scored, b: Scored, slice_name: str, n_draws: int = 1000, seed: int = 0) -> list[Row]:
    """The rows of one pair; see `compare_all`."""
    first, second = _shared(a, b)
    head = {"slice": slice_name, "a": a.model, "b": b.model}
    counts = {"n": len(first.rows), "n_groups": first.counts["n_groups"]}
    if min(first.n_fake, first.n_real) < MIN_OF_A_LABEL:
        why = f"too small: {first.n_fake} fakes and {first.n_real} reals scored by both"
        return [{**head, "metric": "auc", **_nothing(why), **counts}]
    fake, groups = first.fake, first.group.tolist()
    rankings = Ranking(first.score, fake), Ranking(second.score, fake)
    rights = [_right(one) for one in (first, second)]
    gaps: dict[str, list[Numbers]] = {"auc": [], "accuracy": []}
    for weights in draws(groups, n_draws, seed):
        one, two = (ranking.auc(which.curve(weights)) for which in rankings)
        gaps["auc"].append(one - two)
        if rights[0] is not None and rights[1] is not None:
            apart = rights[0].astype(float) - rights[1].astype(float)
            gaps["accuracy"].append(ratio(weights @ apart, weights.sum(axis=1)))
    auc = _of_draws(np.concatenate(gaps["auc"]), counts["n_groups"])
    rows = [{**head, "metric": "auc", **auc, "test": "DeLong", **counts}]
    rows[0]["p_test"] = delong(first.score, second.score, fake)[2]
    if gaps["accuracy"] and rights[0] is not None and rights[1] is not None:
        found = _of_draws(np.concatenate(gaps["accuracy"]), counts["n_groups"])
        row = {**head, "metric": "accuracy", **found, "test": "McNemar", **counts}
        row["p_test"] = mcnemar(rights[0], rights[1])
        rows.append(row)
    return rows


def _nothing(why: str) -> Row:
    return {"difference": None, "low": None, "high": None, "p": None, "p_holm": None,
            "test": None, "p_test": None, "why": why}  # fmt: skip


def _shared(a: Scored, b: Scored) -> tuple[Scored, Scored]:
    """Both models' rows of the items that both scored, in one order."""
    at = {row.item: i for i, row in enumerate(b.rows)}
    pairs = [(i, at[row.item]) for i, row in enumerate(a.rows) if row.item in at]
    return _ordered(a, [i for i, _ in pairs]), _ordered(b, [j for _, j in pairs])


def _ordered(scored: Scored, places: list[int]) -> Scored:
    at = np.array(places, int)
    return Scored(
        scored.model,
        scored.level,
        tuple(scored.rows[i] for i in places),
        scored.score[at],
        None if scored.p is None else scored.p[at],
        None if scored.fired is None else scored.fired[at],
        scored.fake[at],
        scored.group[at],
        0,
        0,
    )


def _right(scored: Scored) -> Flags | None:
    """Which answers are right: at p_fake one half, else at the model's own threshold."""
    fired = scored.fired if scored.p is None else scored.p >= 0.5
    return None if fired is None else np.asarray(fired == scored.fake)


def _of_draws(values: Numbers, n_groups: int) -> Row:
    """Difference, percentile interval and two-sided p of a bootstrap; the first value is the data.

    p is twice the smaller share of draws on either side of zero, draws at zero counted on both,
    and at least 2 / (draws + 1), capped at 1 (Efron and Tibshirani, 1993, chapter 15). None with
    fewer than five groups.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    found: Row = {"difference": float(values[0]), "low": None, "high": None, "p": None}
    found["p_holm"] = None
    if n_groups < MIN_GROUPS or len(drawn) < max(1, len(values[1:]) // 2):
        return {**found, "why": f"{n_groups} groups are too few to draw from"}
    found["low"], found["high"] = (float(v) for v in np.quantile(drawn, _LEVELS))
    low, high = np.sum(drawn <= 0) + 1, np.sum(drawn >= 0) + 1
    found["p"] = float(min(1.0, 2 * min(low, high) / (len(drawn) + 1)))
    return found


def delong(one: Numbers, two: Numbers, fake: Flags) -> tuple[float, float, float]:
    """Difference of the AUCs of two scores of the same items, its standard error, two-sided p.

    After DeLong, DeLong and Clarke-Pearson (1988), by the mid-ranks of Sun and Xu (2014). p is 1
    where the difference has no spread and is none, NaN-free in every case.
    """
    parts = [_placements(np.asarray(scores, np.float64), fake) for scores in (one, two)]
    gap = float(parts[0][0] - parts[1][0])
    of_fakes = np.cov(np.stack([part[1] for part in parts]))
    of_reals = np.cov(np.stack([part[2] for part in parts]))
    m, n = int(fake.sum()), int((~fake).sum())
    s = of_fakes / m + of_reals / n
    variance = float(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    if variance <= 1e-18:
        return gap, 0.0, 1.0 if abs(gap) < 1e-12 else 0.0
    error = math.sqrt(variance)
    return gap, error, math.erfc(abs(gap) / error / math.sqrt(2))


def _placements(scores: Numbers, fake: Flags) -> tuple[float, Numbers, Numbers]:
    """AUC; for each fake the share of reals below it; for each real the share of fakes above."""
    fakes, reals = scores[fake], scores[~fake]
    below = np.searchsorted(np.sort(reals), fakes, "left")
    upto = np.searchsorted(np.sort(reals), fakes, "right")
    of_fakes = (below + upto) / 2 / len(reals)
    left = np.searchsorted(np.sort(fakes), reals, "left")
    right = np.searchsorted(np.sort(fakes), reals, "right")
    of_reals = 1 - (left + right) / 2 / len(fakes)
    return float(of_fakes.mean()), of_fakes, of_reals


def mcnemar(right_one: NDArray[np.bool_], right_two: NDArray[np.bool_]) -> float:
    """Two-sided exact p of McNemar's test (1947): are the items that only one of two models gets
    right divided evenly? 1 where there is none."""
    b = int(np.sum(right_one & ~right_two))
    c = int(np.sum(~right_one & right_two))
    n, k = b + c, min(b, c)
    if n == 0:
        return 1.0
    # Logarithms: 2^-n leaves the range of floats from about a thousand items on.
    logs = [_log_choose(n, i) - n * math.log(2) for i in range(k + 1)]
    return float(min(1.0, 2 * math.fsum(math.exp(one) for one in logs)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, step by step (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    found, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        found[i] = highest
    return found
