"""Weigh the cues of a voice, and ask what cues and weights are worth on what they never saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import intervals
from assay.evaluation.ranking import Ranking, auc, detection_at, equal_error_rate
from assay.training.voice_cue_measuring import VoiceTable

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
MIN_ROWS = 6


@dataclass(frozen=True, slots=True)
class Weighing:
    """logit = bias + sum over cues of weight · z + either_side · |z|, where z is the cue's
    distance from the genuine median in spreads, at most `bound`; a cue not measured adds 0."""

    centre: Numbers
    spread: Numbers
    weight: Numbers
    either_side: Numbers
    bias: float
    bound: float

    def standard(self, cues: Numbers) -> Numbers:
        """Cues (n, k) as bounded distances, 0 where not measured."""
        z = np.clip((cues - self.centre) / self.spread, -self.bound, self.bound)
        return np.where(np.isfinite(z), z, 0.0)

    def logits(self, cues: Numbers) -> Numbers:
        """(n,) of cues (n, k)."""
        z = self.standard(cues)
        return np.asarray(z @ self.weight + np.abs(z) @ self.either_side + self.bias)


def weigh(table: VoiceTable, cues: Numbers, fit: Mapping[str, Any]) -> Weighing:
    """Ridge logistic regression; each genuine source and each generator counts with the root of
    its number, so that neither the largest nor the smallest set becomes the label."""
    from sklearn.linear_model import LogisticRegression

    weights = balance(table, float(fit["balance"]))
    with np.errstate(all="ignore"):
        low, centre, high = _weighted_quantiles(cues[~table.fake], weights[~table.fake])
    spread = np.maximum((high - low) / 1.349, 1e-3)
    n = len(centre)
    empty = Weighing(centre, spread, np.zeros(n), np.zeros(n), 0.0, float(fit["bound"]))
    z = empty.standard(cues)
    x = np.column_stack([z, np.abs(z)]) if fit["either_side"] else z
    model = LogisticRegression(C=float(fit["c"]), max_iter=1000)
    model.fit(x, table.fake, sample_weight=weights)
    found = np.concatenate([model.coef_[0], np.zeros(2 * n - x.shape[1])])
    return Weighing(centre, spread, found[:n], found[n:], float(model.intercept_[0]), empty.bound)


def _weighted_quantiles(cues: Numbers, weights: Numbers) -> Numbers:
    """Quartiles (3, k) of each cue where it was measured; 0 where it never was."""
    found = np.zeros((3, cues.shape[1]))
    for n, column in enumerate(cues.T):
        seen = np.isfinite(column)
        if seen.sum() < 2:
            continue
        order = np.argsort(column[seen])
        total = np.cumsum(weights[seen][order])
        found[:, n] = np.interp([0.25, 0.5, 0.75], total / total[-1], column[seen][order])
    return found


def balance(table: VoiceTable, power: float) -> Numbers:
    """Weights (n,): half on either label; within it each set's share is its size to `power`."""
    names = np.where(table.fake, np.char.add("fake ", table.method), table.source)
    weights = np.zeros(len(table))
    for label in (True, False):
        own = sorted(set(names[table.fake == label].tolist()))
        sizes = np.array([(names == name).sum() for name in own], np.float64)
        shares = sizes**power / (sizes**power).sum() if len(own) else sizes
        for name, size, share in zip(own, sizes, shares, strict=True):
            weights[names == name] = len(table) / 2 * share / size
    return weights


def generators(table: VoiceTable) -> tuple[str, ...]:
    """The methods of fakes, sorted."""
    return tuple(sorted(set(table.method[table.fake].tolist())))


def sources(table: VoiceTable) -> tuple[str, ...]:
    """The sets of genuine speech, sorted."""
    return tuple(sorted(set(table.source[~table.fake].tolist())))


def fold_of(table: VoiceTable, n: int) -> NDArray[np.intp]:
    """The fold of each row: a group is never divided."""
    codes = {
        group: int(hashlib.sha256(f"voice:{group}".encode()).hexdigest()[:8], 16) % n
        for group in set(table.group.tolist())
    }
    return np.array([codes[group] for group in table.group.tolist()], np.intp)


def left_out(
    table: VoiceTable, cues: Numbers, leave: Flags, learnt: Flags, fit: Mapping[str, Any]
) -> Numbers:
    """Logits of all rows by weights that saw neither a row's group nor any of `leave`; only rows
    of `learnt` are learnt from at all."""
    fold, logits = fold_of(table, int(fit["folds"])), np.full(len(table), np.nan)
    for k in range(int(fit["folds"])):
        use = learnt & ~leave & (fold != k)
        weighing = weigh(table.rows(use), cues[use], fit)
        logits[fold == k] = weighing.logits(cues[fold == k])
    return logits


def without_each_generator(
    table: VoiceTable,
    cues: Numbers,
    learnt: Flags,
    families: Mapping[str, str],
    fit: Mapping[str, Any],
) -> dict[str, Numbers]:
    """Logits of all rows, per generator, by weights that saw nothing of its family."""
    unit = {name: families.get(name, name) for name in generators(table)}
    of = np.array([unit.get(method, "") for method in table.method.tolist()])
    without = {
        one: left_out(table, cues, table.fake & (of == one), learnt, fit)
        for one in sorted(set(unit.values()))
    }
    return {name: without[one] for name, one in unit.items()}


def without_each_source(
    table: VoiceTable, cues: Numbers, learnt: Flags, fit: Mapping[str, Any]
) -> dict[str, Numbers]:
    """Logits of all rows, per genuine set of which the weights saw neither a voice nor a forgery
    of one."""
    return {
        name: left_out(table, cues, table.source == name, learnt, fit) for name in sources(table)
    }


def against(table: VoiceTable, generator: str) -> NDArray[np.intp]:
    """The rows of one generator and of the genuine voices it is compared with: where its fakes
    say sentences of genuine sets again, those sets alone."""
    own = table.fake & (table.method == generator)
    genuine = ~table.fake
    matched = genuine & np.isin(table.source, table.source[own])
    return np.flatnonzero(own | (matched if matched.sum() >= MIN_ROWS else genuine))


def cue_table(table: VoiceTable, cue: Numbers, fit: Mapping[str, Any]) -> dict[str, Any]:
    """AUC of one cue (n,), by generator and their mean; above .5 a high value means forged."""
    seen = table.rows(np.isfinite(cue))
    scores = {name: cue[np.isfinite(cue)] for name in generators(seen)}
    return by_generator(seen, scores, fit, auc)


def by_generator(
    table: VoiceTable,
    scores: Mapping[str, Numbers],
    fit: Mapping[str, Any],
    measure: Callable[[Any], Numbers],
    matched: bool = True,
) -> dict[str, Any]:
    """A measure of the ranking per generator with enough rows, and the mean, with intervals."""
    parts: dict[str, tuple[Ranking, NDArray[np.intp]]] = {}
    for name, logits in scores.items():
        if matched:
            rows = against(table, name)
        else:
            rows = np.flatnonzero(~table.fake | (table.method == name))
        fake = table.fake[rows]
        if min(fake.sum(), (~fake).sum()) >= MIN_ROWS:
            parts[name] = (Ranking(logits[rows], fake), rows)
    return _measured(table, parts, fit, measure)


def by_source(
    table: VoiceTable, scores: Mapping[str, Numbers], fit: Mapping[str, Any]
) -> dict[str, Any]:
    """AUC per genuine set against all fakes, and the mean, with intervals."""
    parts = {}
    for name, logits in scores.items():
        rows = np.flatnonzero(table.fake | (table.source == name))
        fake = table.fake[rows]
        if min(fake.sum(), (~fake).sum()) >= MIN_ROWS:
            parts[name] = (Ranking(logits[rows], fake), rows)
    return _measured(table, parts, fit, auc)


def _measured(
    table: VoiceTable,
    parts: Mapping[str, tuple[Ranking, NDArray[np.intp]]],
    fit: Mapping[str, Any],
    measure: Callable[[Any], Numbers],
) -> dict[str, Any]:
    def all_of(weights: Numbers) -> dict[str, Numbers]:
        each = {
            name: measure(ranking.curve(weights[:, rows]))
            for name, (ranking, rows) in parts.items()
        }
        return {**each, "mean": _mean(list(each.values()))} if each else {}

    if not parts:
        return {}
    return intervals(all_of, table.group.tolist(), int(fit["draws"]), int(fit["seed"]))


def _mean(each: Sequence[Numbers]) -> Numbers:
    """The mean over what exists (b,); NaN where nothing does."""
    values = np.array(each)
    there = np.isfinite(values)
    total = np.where(there, values, 0).sum(axis=0)
    return np.asarray(total / np.where(there.any(axis=0), there.sum(axis=0), np.nan))


def found_at_one_percent(curve: Any) -> Numbers:
    """Share of fakes found at 1 % false alarms."""
    return detection_at(curve, 0.01)


def pooled(
    table: VoiceTable, logits: Numbers, fit: Mapping[str, Any], names: Sequence[str] = ()
) -> dict[str, Any]:
    """AUC, equal error rate and share found at 1 % of all rows together, with intervals."""
    ranking = Ranking(logits, table.fake)
    measures: dict[str, Callable[[Any], Numbers]] = {
        "auc": auc,
        "equal_error_rate": equal_error_rate,
        "found_at_1_percent": found_at_one_percent,
    }

    def all_of(weights: Numbers) -> dict[str, Numbers]:
        curve = ranking.curve(weights)
        return {name: one(curve) for name, one in measures.items() if not names or name in names}

    return intervals(all_of, table.group.tolist(), int(fit["draws"]), int(fit["seed"]))
