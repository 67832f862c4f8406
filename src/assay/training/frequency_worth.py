"""Weigh the fine detail's statistics, and ask what the weights are worth on what they never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import intervals
from assay.evaluation.ranking import Ranking, auc, detection_at
from assay.inputs.spectrum import FEATURES
from assay.training.frequency_measuring import SpectrumTable, pool_of

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

# JPEG's own grid is measured to be told, and never weighed.
WEIGHED = np.array([feature.group != "jpeg_grid" for feature in FEATURES])
CONDITIONS = {
    "as found": "found",
    "degraded": "degraded",
    "JPEG 75": "jpeg 75",
    "resized 0.75": "resized 0.75",
}
FAMILIES = ("stylegan", "realesrgan")
MIN_FAKES = 12
QUALITY_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Weighing:
    """logit = bias + sum of weight · clip((feature - centre) / spread, ±bound), NaN counting 0."""

    centre: Numbers
    spread: Numbers
    weight: Numbers
    bias: float
    bound: float

    def standard(self, features: Numbers) -> Numbers:
        """Features (..., k) in bounded spreads from the genuine median."""
        z = np.clip((features - self.centre) / self.spread, -self.bound, self.bound)
        return np.where(np.isfinite(z), z, 0.0)

    def logits(self, features: Numbers) -> Numbers:
        """(...,) of features (..., k)."""
        return self.standard(features) @ self.weight + self.bias

    def of_pictures(self, windows: Numbers) -> Numbers:
        """(n,) of windows (n, w, k): the mean over the windows that there are."""
        there = np.isfinite(windows).any(axis=2)
        logits = np.where(there, self.logits(windows), 0.0)
        return np.asarray(logits.sum(axis=1) / np.maximum(there.sum(axis=1), 1))


def weigh(table: SpectrumTable, fit: Mapping[str, Any]) -> Weighing:
    """Ridge logistic regression on mean features; each genuine pool and each generator counts
    alike, so that no set's habits become the label."""
    from sklearn.linear_model import LogisticRegression

    features = table.features.astype(np.float64)
    weights = balance(table)
    genuine = features[~table.fake]
    centre, spread = _centre_and_spread(genuine, weights[~table.fake])
    empty = Weighing(centre, spread, np.zeros(len(centre)), 0.0, float(fit["bound"]))
    x = _mean_of_windows(empty.standard(features), features)
    model = LogisticRegression(C=float(fit["c"]), max_iter=500)
    model.fit(x[:, WEIGHED], table.fake, sample_weight=weights)
    weight = np.zeros(len(centre))
    weight[WEIGHED] = model.coef_[0]
    return Weighing(centre, spread, weight, float(model.intercept_[0]), empty.bound)


def _centre_and_spread(genuine: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """Median and normal-consistent quartile range of each feature over windows, by weight."""
    flat = genuine.reshape(-1, genuine.shape[2])
    each = np.repeat(weights, genuine.shape[1])
    rng = np.random.default_rng(0)
    drawn = flat[rng.choice(len(flat), size=20_000, p=each / each.sum())]
    low, centre, high = np.nanquantile(drawn, [0.25, 0.5, 0.75], axis=0)
    return np.nan_to_num(centre), np.maximum(np.nan_to_num(high - low) / 1.349, 1e-3)


def _mean_of_windows(standard: Numbers, features: Numbers) -> Numbers:
    there = np.isfinite(features[..., None]).any(axis=2)
    total = np.where(there, standard, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(there.sum(axis=1), 1))


def balance(table: SpectrumTable) -> Numbers:
    """Half the weight on genuine pictures, each pool alike; half on fakes, each method alike."""
    names = np.array(
        [
            f"fake {method}" if fake else f"genuine {pool_of(source)}"
            for fake, method, source in zip(table.fake, table.method, table.source, strict=True)
        ]
    )
    weights = np.zeros(len(table))
    for label in ("fake", "genuine"):
        own = sorted({name for name in names if name.startswith(label)})
        for name in own:
            weights[names == name] = len(table) / (2 * len(own) * (names == name).sum())
    return weights


def generators(table: SpectrumTable) -> tuple[str, ...]:
    """The methods of fakes, sorted."""
    return tuple(sorted(set(table.method[table.fake].tolist())))


def family_of(method: str) -> str:
    """The family of a generator: sets of one architecture are left out together."""
    return next((family for family in FAMILIES if method.startswith(family)), method)


def pools(table: SpectrumTable) -> tuple[str, ...]:
    """The pools of genuine pictures, sorted."""
    return tuple(sorted({pool_of(source) for source in table.source[~table.fake]}))


def fold_of(table: SpectrumTable, n: int) -> NDArray[np.intp]:
    """The fold of each row: a group is never divided."""
    codes = {
        group: int(hashlib.sha256(f"frequency:{group}".encode()).hexdigest()[:8], 16) % n
        for group in set(table.group.tolist())
    }
    return np.array([codes[group] for group in table.group.tolist()], np.intp)


def left_out(table: SpectrumTable, leave: Flags, others: Flags, fit: Mapping[str, Any]) -> Numbers:
    """Logits of all rows by weights that saw neither a row's group nor any of `leave`; only rows
    of `others` are learnt from at all."""
    fold, logits = fold_of(table, int(fit["folds"])), np.full(len(table), np.nan)
    for k in range(int(fit["folds"])):
        weighing = weigh(table.rows(others & ~leave & (fold != k)), fit)
        logits[fold == k] = weighing.of_pictures(table.features[fold == k].astype(np.float64))
    return logits


def without_each_generator(
    table: SpectrumTable, learnt: Flags, fit: Mapping[str, Any], by_family: bool = True
) -> dict[str, Numbers]:
    """Logits of all rows, per generator, by weights that saw nothing of it; of its whole family
    either, where `by_family`."""
    unit = {name: family_of(name) if by_family else name for name in generators(table)}
    of = np.array([unit.get(method, "") for method in table.method.tolist()])
    without = {u: left_out(table, table.fake & (of == u), learnt, fit) for u in set(unit.values())}
    return {name: without[one] for name, one in unit.items()}


def without_each_pool(
    table: SpectrumTable, learnt: Flags, fit: Mapping[str, Any]
) -> dict[str, Numbers]:
    """Logits of all rows, per genuine pool of which the weights never saw a picture, nor a
    forgery made of one."""
    of = np.array([pool_of(source) for source in table.source])
    return {name: left_out(table, of == name, learnt, fit) for name in pools(table)}


def condition(table: SpectrumTable, name: str) -> Flags:
    """The rows of one of CONDITIONS."""
    return np.char.startswith(table.copy.astype(str), CONDITIONS[name])


def generator_table(
    table: SpectrumTable, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """AUC by condition and generator, each against all genuine pictures, pools alike."""
    picked = {g: table.fake & (table.method == g) for g in scores}
    return _tables(table, {g: (scores[g], ~table.fake | own) for g, own in picked.items()}, fit)


def quality_table(
    table: SpectrumTable, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """Mean AUC over unseen generators by how blocky and how sharp the copies are: stretches of
    equal counts, each with its limits."""
    found: dict[str, Any] = {}
    for name in ("blockiness", "sharpness"):
        values = getattr(table, name)
        edges = np.quantile(values, QUALITY_SHARES)
        found[name] = []
        for low, high in pairwise(edges):
            rows = (values >= low) & (values <= high)
            part = table.rows(rows)
            here = {g: (s[rows], ~part.fake | (part.method == g)) for g, s in scores.items()}
            auc_of_mean = _aucs(part, here, fit).get("mean")
            found[name].append({"from": float(low), "to": float(high), "auc": auc_of_mean})
    return found


def pool_table(
    table: SpectrumTable, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """AUC by condition and genuine pool, each against all fakes, generators alike."""
    of = np.array([pool_of(source) for source in table.source])
    picked = {p: ~table.fake & (of == p) for p in scores}
    return _tables(table, {p: (scores[p], table.fake | own) for p, own in picked.items()}, fit)


def _tables(
    table: SpectrumTable, parts: Mapping[str, tuple[Numbers, Flags]], fit: Mapping[str, Any]
) -> dict[str, Any]:
    found = {}
    for name in CONDITIONS:
        rows = condition(table, name)
        if not rows.any():
            continue
        found[name] = _aucs(
            table.rows(rows), {p: (s[rows], c[rows]) for p, (s, c) in parts.items()}, fit
        )
    return found


def _aucs(
    table: SpectrumTable, parts: Mapping[str, tuple[Numbers, Flags]], fit: Mapping[str, Any]
) -> dict[str, Any]:
    measures: dict[str, Callable[[Numbers], Numbers]] = {}
    for name, (scores, chosen) in parts.items():
        rows = np.flatnonzero(chosen)
        part = table.rows(rows)
        if min(part.fake.sum(), (~part.fake).sum()) < MIN_FAKES:
            continue
        measures[name] = _weighted_auc(scores[rows], part, rows)

    def all_of(weights: Numbers) -> dict[str, Numbers]:
        each = {name: measure(weights) for name, measure in measures.items()}
        return {**each, "mean": np.mean(list(each.values()), axis=0)} if each else {}

    return intervals(all_of, table.group.tolist(), int(fit["draws"]), int(fit["seed"]))


def _weighted_auc(
    scores: Numbers, part: SpectrumTable, rows: NDArray[np.intp]
) -> Callable[[Numbers], Numbers]:
    ranking, own = Ranking(scores, part.fake), balance(part)
    return lambda weights: auc(ranking.curve(weights[:, rows] * own))


def detection_table(
    table: SpectrumTable, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """Share of each unseen generator's pictures found at 1 % false alarms on the genuine ones of
    `table`, and the mean, with intervals over groups."""
    measures: dict[str, Callable[[Numbers], Numbers]] = {}
    for name, logits in scores.items():
        rows = np.flatnonzero(~table.fake | (table.method == name))
        if table.fake[rows].sum() >= MIN_FAKES:
            measures[name] = _found_at_one_percent(logits[rows], table.fake[rows], rows)

    def all_of(weights: Numbers) -> dict[str, Numbers]:
        each = {name: measure(weights) for name, measure in measures.items()}
        return {**each, "mean": np.mean(list(each.values()), axis=0)} if each else {}

    return intervals(all_of, table.group.tolist(), int(fit["draws"]), int(fit["seed"]))


def _found_at_one_percent(
    logits: Numbers, fake: Flags, rows: NDArray[np.intp]
) -> Callable[[Numbers], Numbers]:
    ranking = Ranking(logits, fake)
    return lambda weights: detection_at(ranking.curve(weights[:, rows]), 0.01)
