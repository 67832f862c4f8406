"""What a trained network makes of the test part: numbers with intervals, by frame and by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from assay.bundles.aggregation import Aggregation
from assay.evaluation.bootstrap import Numbers, intervals, ratio
from assay.evaluation.predictions import FILE, FRAME
from assay.evaluation.ranking import Ranking
from assay.evaluation.ranking import auc as area
from assay.training.classify_data import Cutter, Examples, Prepared, Row
from assay.training.classify_loop import logit_of, quiet_worker
from assay.training.progress import told

OVERALL = "overall"
LEAST_OF_METHOD = 5
"""Scored items of each label without which a method has no number of its own."""


@dataclass(frozen=True)
class Scored:
    """The logits (n,) of rows, and the items that they belong to."""

    items: Sequence[Prepared]
    rows: Sequence[Row]
    logits: NDArray[np.float64]

    def by_track(self) -> list[dict[int, NDArray[np.float64]]]:
        """For each item the logits of each person, in time order; empty where nobody was seen."""
        found: list[dict[int, list[float]]] = [{} for _ in self.items]
        for row, logit in zip(self.rows, self.logits, strict=True):
            found[row.item].setdefault(row.track, []).append(float(logit))
        return [{track: np.array(values) for track, values in one.items()} for one in found]


@dataclass(frozen=True)
class Answers:
    """Scores (n,) at one level with the labels, methods and groups of what was scored."""

    level: str
    scores: Numbers
    fake: NDArray[np.bool_]
    methods: tuple[str, ...]
    groups: tuple[str, ...]

    def only(self, chosen: NDArray[np.bool_]) -> Answers:
        """Those rows alone."""
        places = np.flatnonzero(chosen)
        return Answers(
            self.level,
            self.scores[chosen],
            self.fake[chosen],
            tuple(self.methods[i] for i in places),
            tuple(self.groups[i] for i in places),
        )


@torch.no_grad()
def score(
    net: nn.Module,
    items: Sequence[Prepared],
    rows: Sequence[Row],
    cut: Cutter,
    *,
    batch: int = 32,
    workers: int = 0,
    device: str = "cpu",
) -> Scored:
    """The network's logit of every row, cut as at inference. Raises FloatingPointError where one
    is no number."""
    net = net.eval().to(device)
    loader = DataLoader(
        Examples(rows, cut), batch_size=batch, num_workers=workers, worker_init_fn=quiet_worker
    )
    parts = [
        logit_of(net(given.to(device))).double().cpu().numpy()
        for given, _ in told(loader, len(loader), "scores")
    ]
    logits = np.concatenate(parts) if parts else np.zeros(0)
    if not np.isfinite(logits).all():
        raise FloatingPointError("The network gives logits that are no numbers.")
    return Scored(items, rows, logits)


def answers(scored: Scored, aggregation: Aggregation) -> tuple[Answers, Answers]:
    """By frame (or window) and by file. Frames of which nobody knows whether they were changed
    are not in the first; files without a face or voice are in neither."""
    frames = [(r, float(z)) for r, z in zip(scored.rows, scored.logits, strict=True) if r.sure]
    files = [
        (number, aggregation.file(people))
        for number, people in enumerate(scored.by_track())
        if people
    ]
    return (
        _answers(FRAME, scored.items, [(r.item, z) for r, z in frames]),
        _answers(FILE, scored.items, files),
    )


def _answers(level: str, items: Sequence[Prepared], found: Sequence[tuple[int, float]]) -> Answers:
    own = [items[number] for number, _ in found]
    return Answers(
        level,
        np.array([score for _, score in found], np.float64),
        np.array([item.fake for item in own], bool),
        tuple(item.record.method for item in own),
        tuple(item.group for item in own),
    )


def measured(
    found: Answers, model: str, n_draws: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Rows of a result file: accuracy, balanced accuracy and AUC with 95 % intervals over groups,
    overall, and of each method that has enough against all genuine ones."""
    rows = list(_of_slice(found, model, OVERALL, n_draws, seed))
    fakes = {m for m, fake in zip(found.methods, found.fake, strict=True) if fake}
    if len(fakes) > 1:
        for method in sorted(fakes):
            own = np.array([m == method for m in found.methods]) & found.fake
            if min(own.sum(), (~found.fake).sum()) < LEAST_OF_METHOD:
                continue
            part = found.only(own | ~found.fake)
            rows += _of_slice(part, model, method or "unnamed", n_draws, seed)
    return rows


def _of_slice(
    found: Answers, model: str, name: str, n_draws: int, seed: int
) -> Iterator[dict[str, Any]]:
    if not len(found.scores) or found.fake.all() or not found.fake.any():
        return
    ranking = Ranking(found.scores, found.fake)
    right = (found.scores > 0) == found.fake

    def measures(weights: Numbers) -> Mapping[str, Numbers]:
        found_fakes = ratio((weights * (right & found.fake)).sum(1), (weights * found.fake).sum(1))
        passed = ratio((weights * (right & ~found.fake)).sum(1), (weights * ~found.fake).sum(1))
        return {
            "auc": area(ranking.curve(weights)),
            "accuracy": ratio((weights * right).sum(1), weights.sum(1)),
            "balanced_accuracy": (found_fakes + passed) / 2,
        }

    for metric, numbers in intervals(measures, found.groups, n_draws, seed).items():
        yield {
            "model": model,
            "level": found.level,
            "slice": name,
            "metric": metric,
            **numbers,
            "n_fake": int(found.fake.sum()),
            "n_real": int((~found.fake).sum()),
            "n_groups": len(set(found.groups)),
        }
