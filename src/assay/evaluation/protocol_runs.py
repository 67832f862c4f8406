"""The protocols: within a set, across sets, on unseen generators, under changes.

Each takes the prediction matrix and gives the rows of a result (see `measures`). Frames are
measured beside items, but every interval and every test draws groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.evaluation import ranking
from assay.evaluation.bootstrap import Numbers
from assay.evaluation.generators import state_of
from assay.evaluation.measures import (
    Row,
    Scored,
    accuracies,
    coverage_row,
    row,
    rows_of_slice,
    scored_of,
    too_small,
    with_intervals,
)
from assay.evaluation.models import About
from assay.evaluation.predictions import FILE, FRAME, Prediction
from assay.evaluation.ranking import Ranking
from assay.evaluation.significance import compare_all
from assay.training.datasets.records import Notice, Record

OVERALL = "overall"
MEAN = "mean over sets"
FRAME_METRICS = (
    "auc", "average_precision", "equal_error_rate", "accuracy", "balanced_accuracy", "log_loss",
)  # fmt: skip
Keep = Callable[[Prediction], bool]


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's rows, files and frames, without and with variants."""

    about: About
    rows: tuple[Prediction, ...]

    def part(self, keep: Keep, level: str = FILE, variant: str = "") -> Scored:
        """The rows of a slice as arrays. Raises ConfigError where they cannot be ordered."""
        kept = [r for r in self.rows if r.level == level and r.variant == variant and keep(r)]
        try:
            is_logit = self.about.scale != "score"
            return scored_of(self.about.name, kept, level=level, is_logit=is_logit)
        except ValueError as error:
            raise ConfigError(str(error)) from error

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels at which there are rows, files first."""
        return (FILE, FRAME) if any(r.level == FRAME for r in self.rows) else (FILE,)


@dataclass(slots=True)
class Outcome:
    """What a protocol found. `cells` are those of the generalisation matrix."""

    rows: list[Row] = field(default_factory=list)
    significance: list[dict[str, Any]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a protocol is run: bootstrap draws and seed, and the records of a training manifest."""

    n_draws: int = 1000
    seed: int = 0
    trained: tuple[Record, ...] = ()


def within(models: Sequence[Scores], asked: Asked) -> Outcome:
    """All items; each method against the real items of its set; each subset, set and modality."""
    found = Outcome()
    for scores in models:
        for name, keep in slices_of(scores.rows):
            found.rows += _levels(scores, name, keep, asked)
    found.significance = _tested(models, OVERALL, lambda r: True, asked)
    return found


def slices_of(rows: Iterable[Prediction]) -> list[tuple[str, Keep]]:
    """The parts that `within` measures, by name."""
    files = [r for r in rows if r.level == FILE and not r.variant]
    sets = sorted({r.dataset for r in files})
    found: list[tuple[str, Keep]] = [(OVERALL, lambda r: True)]
    if len(sets) > 1:
        found += [(f"set: {name}", _of_set(name)) for name in sets]
    kinds = sorted({r.modality for r in files})
    if len(kinds) > 1:
        found += [(f"modality: {kind}", _of_kind(kind)) for kind in kinds]
    for dataset, method in sorted({(r.dataset, r.method) for r in files if r.label == "fake"}):
        named = method or "unnamed"
        title = f"{dataset} {named}" if len(sets) > 1 else named
        found.append((f"method: {title}", of_method(dataset, method)))
    for dataset, subset in sorted({(r.dataset, r.subset) for r in files if r.subset}):
        title = f"{dataset} {subset}" if len(sets) > 1 else subset
        found.append((f"subset: {title}", of_subset(dataset, subset)))
    return found


def _of_set(dataset: str) -> Keep:
    return lambda r: r.dataset == dataset


def _of_kind(kind: str) -> Keep:
    return lambda r: r.modality == kind


def of_method(dataset: str, method: str) -> Keep:
    """The fakes of one generator and every real item of its set."""
    return lambda r: r.dataset == dataset and (r.label == "real" or r.method == method)


def of_subset(dataset: str, subset: str) -> Keep:
    """The items of one part of a set."""
    return lambda r: r.dataset == dataset and r.subset == subset


def _levels(scores: Scores, name: str, keep: Keep, asked: Asked) -> list[Row]:
    rows = []
    for level in scores.levels:
        only = FRAME_METRICS if level == FRAME else ()
        part = scores.part(keep, level)
        rows += rows_of_slice(part, name, asked.n_draws, asked.seed, only)
    return rows


def _tested(models: Sequence[Scores], name: str, keep: Keep, asked: Asked) -> list[dict[str, Any]]:
    """Every pair of models on this slice, file level."""
    if len(models) < 2:
        return []
    parts = [part for scores in models if len((part := scores.part(keep)).rows)]
    rows = compare_all(parts, name, asked.n_draws, asked.seed)
    return [{**one, "level": FILE} for one in rows]


def cross_dataset(models: Sequence[Scores], asked: Asked) -> Outcome:
    """Each set, the mean over sets, and answers at ONE threshold for all sets.

    A mean of per-set AUCs lets every set have its own threshold; a user has one. The threshold
    "fitted here" is that of the highest mean balanced accuracy over these very sets, the one "of
    the other sets" is fitted without the set that it is then used on: what a new set gets.
    """
    found = Outcome()
    sets = sorted({r.dataset for scores in models for r in scores.rows})
    if len(sets) < 2:
        text = f"the data hold one set ({sets[0]}): there is nothing to compare across"
        found.notices.append(Notice("one_set", text))
    for scores in models:
        found.rows += _levels(scores, OVERALL, lambda r: True, asked)
        for name in sets:
            found.rows += _levels(scores, f"set: {name}", _of_set(name), asked)
        found.rows += _across(scores, sets, asked)
    for name, keep in [(OVERALL, lambda r: True), *((f"set: {s}", _of_set(s)) for s in sets)]:
        found.significance += _tested(models, name, keep, asked)
    return found


def _across(scores: Scores, sets: Sequence[str], asked: Asked) -> list[Row]:
    whole = scores.part(lambda r: True)
    names = np.array([r.dataset for r in whole.rows], str)
    usable = [name for name in sets if _is_measurable(whole.take(names == name))]
    if not usable:
        return [row(whole, MEAN, "auc", {"why": "no set has enough scored items of both labels"})]
    masks = {name: names == name for name in usable}
    inside = np.isin(names, usable)
    part = whole.take(inside)
    masks = {name: mask[inside] for name, mask in masks.items()}
    cut = best_cut([(part.score[m], part.fake[m]) for m in masks.values()])
    others = {
        name: best_cut([(part.score[m], part.fake[m]) for n, m in masks.items() if n != name])
        for name in usable
        if len(usable) > 1
    }

    def measures(weights: Numbers) -> dict[str, Numbers]:
        found: dict[str, Numbers] = {}
        for name, mask in masks.items():
            for metric, values in _of_one(part, mask, weights, cut, others.get(name)).items():
                found[f"{name}\t{metric}"] = values
        metrics = dict.fromkeys(key.split("\t")[1] for key in found)
        for metric in metrics:
            each = np.stack([found[f"{name}\t{metric}"] for name in masks])
            found[f"\t{metric}"] = each.mean(axis=0)
        return found

    rows = [row(part, MEAN, "threshold_fitted_here", {"value": cut})]
    for key, number in with_intervals(measures, part, asked.n_draws, asked.seed).items():
        name, metric = key.split("\t")
        if name and metric == "auc":
            continue  # it stands with the set's own numbers
        of = part.take(masks[name]) if name else part
        rows.append(row(of, f"set: {name}" if name else MEAN, metric, number))
    return rows


def _of_one(
    part: Scored, mask: Any, weights: Numbers, cut: float, other: float | None
) -> dict[str, Numbers]:
    """One set's numbers at thresholds that it did not choose alone, beside those it would."""
    own, score, fake = weights[:, mask], part.score[mask], part.fake[mask]
    curve = Ranking(score, fake).curve(own)
    best = (curve.detection_rates + 1 - curve.false_alarm_rates) / 2
    here = accuracies(score >= cut, fake, own)
    found = {
        "auc": ranking.auc(curve),
        "balanced_accuracy_at_own_threshold": best.max(axis=1),
        "balanced_accuracy_at_one_threshold": here["balanced_accuracy"],
        "accuracy_at_one_threshold": here["accuracy"],
    }
    if other is not None:
        there = accuracies(score >= other, fake, own)
        found["balanced_accuracy_at_threshold_of_the_others"] = there["balanced_accuracy"]
    return found


def best_cut(sets: Sequence[tuple[Numbers, Any]]) -> float:
    """The score from which to call fake so that the mean balanced accuracy over sets is highest.

    Midway between two scores; the lowest of equals. Raises ValueError without a set.
    """
    if not sets:
        raise ValueError("A cut needs scores.")
    values = np.unique(np.concatenate([score for score, _ in sets]))
    cuts = np.r_[values[0], (values[1:] + values[:-1]) / 2, np.nextafter(values[-1], np.inf)]
    total = np.zeros(len(cuts))
    for score, fake in sets:
        hits = 1 - np.searchsorted(np.sort(score[fake]), cuts, "left") / fake.sum()
        quiet = np.searchsorted(np.sort(score[~fake]), cuts, "left") / (~fake).sum()
        total += (hits + quiet) / 2
    return float(cuts[int(np.argmax(total))])


def _is_measurable(part: Scored) -> bool:
    return not too_small(part)["both"]


def leave_one_generator_out(models: Sequence[Scores], asked: Asked) -> Outcome:
    """Each model on those generators that its training did not name: the generalisation matrix.

    "overall" is measured on all unseen generators together; cells of generators that the model
    has seen hold no number, those of a model that tells nothing of its training are measured and
    marked unknown.
    """
    found = Outcome()
    for scores in models:
        pairs = sorted({(r.dataset, r.method) for r in scores.rows if r.label == "fake"})
        states = {p: state_of(scores.about, *p, asked.trained) for p in pairs}
        open_pairs = {pair for pair, state in states.items() if state != "seen"}
        several = len({dataset for dataset, _ in pairs}) > 1
        for (dataset, method), state in states.items():
            title = f"{dataset} {method or 'unnamed'}" if several else (method or "unnamed")
            cell: dict[str, Any] = {"model": scores.about.name, "generator": title, "state": state}
            if state == "seen":
                found.cells.append({**cell, "value": None, "why": "in its training"})
                continue
            rows = _levels(scores, f"generator: {title}", of_method(dataset, method), asked)
            found.rows += rows
            auc = next((r for r in rows if (r["metric"], r["level"]) == ("auc", FILE)), None)
            found.cells.append({**cell, **_value_of(auc)})
        found.rows += _unseen_together(scores, open_pairs, asked)
        found.notices += _told(scores.about, states)
    return found


def _value_of(auc: Row | None) -> dict[str, Any]:
    if auc is None:
        return {"value": None, "why": "no item got a score"}
    return {key: auc.get(key) for key in ("value", "low", "high", "why", "n_fake", "n_real")}


def _unseen_together(scores: Scores, pairs: set[tuple[str, str]], asked: Asked) -> list[Row]:
    sets = {dataset for dataset, _ in pairs}

    def keep(r: Prediction) -> bool:
        if r.label == "real":
            return r.dataset in sets
        return (r.dataset, r.method) in pairs

    return _levels(scores, OVERALL, keep, asked) if pairs else []


def _told(about: About, states: dict[tuple[str, str], Any]) -> list[Notice]:
    unknown = sum(state == "unknown" for state in states.values())
    seen = sum(state == "seen" for state in states.values())
    found = []
    if unknown:
        text = f"generators: {about.name} tells nothing of its training, so none counts as unseen"
        found.append(Notice("training_unknown", text, unknown))
    if seen:
        text = f"generators are named by the training of {about.name} and were left out"
        found.append(Notice("seen_in_training", text, seen))
    if states and seen == len(states):
        found.append(Notice("nothing_unseen", f"{about.name} has seen every generator here"))
    return found


def robustness(models: Sequence[Scores], asked: Asked) -> Outcome:
    """Each change: flips of the answer, false alarms and AUC before and after, and what was lost.

    The same items before and after; see `evaluation.robustness`.
    """
    from assay.evaluation.robustness import robustness_table

    found = Outcome()
    for scores in models:
        found.rows += _levels(scores, OVERALL, lambda r: True, asked)
        whole = scores.part(lambda r: True)
        table = robustness_table(
            (as_score_row(r) for r in scores.rows if r.level == FILE),
            n_draws=asked.n_draws,
            seed=asked.seed,
        )
        for entry in table.get(scores.about.name, []):
            found.rows += _of_variant(scores, whole, entry)
    if not any(r.variant for scores in models for r in scores.rows):
        raise ConfigError("No item could be changed: there is no picture, recording or video.")
    return found


def _of_variant(scores: Scores, whole: Scored, entry: dict[str, Any]) -> list[Row]:
    variant = entry["variant"]
    after = scores.part(lambda r: True, variant=variant)
    name = f"variant: {variant}"
    rows = [coverage_row(after, name)]
    for metric in (
        "auc_before", "auc_after", "auc_change", "flips", "false_alarms_before",
        "false_alarms_after",
    ):  # fmt: skip
        number = entry[metric]
        why = number.get("too_small")
        rows.append(row(after, name, metric, {**number, "why": f"too small: {why}" if why else ""}))
    rows.append(row(after, name, "lost", {"value": float(entry["lost"])}))
    return rows


def as_score_row(r: Prediction) -> Any:
    """A prediction at file level as a row of the tables of `assay evaluate DATA`."""
    from assay.evaluation.scores import Row as ScoreRow

    return ScoreRow(
        path=f"{r.dataset}: {r.path}",
        label=r.label,
        method=r.method or ("unnamed" if r.label == "fake" else r.dataset),
        group=r.group,
        modality=r.modality,
        split=r.split,
        variant=r.variant,
        detector=r.model,
        status=r.status,
        logit=r.logit,
        p_fake=r.p_fake,
        threshold=r.threshold,
        fired=r.fired,
        reason=r.reason,
    )


PROTOCOLS: dict[str, Callable[[Sequence[Scores], Asked], Outcome]] = {
    "within": within,
    "cross-dataset": cross_dataset,
    "leave-one-generator-out": leave_one_generator_out,
    "robustness": robustness,
}
