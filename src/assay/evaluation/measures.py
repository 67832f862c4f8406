"""The numbers of one model on one part of the data, each with its interval over groups.

A row of a result: model, level, slice, metric, value, low, high, n_fake, n_real, n_groups; where
there is no number, `value` is None and `why` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation import ranking
from assay.evaluation.bootstrap import Numbers, intervals, ratio
from assay.evaluation.calibration import brier, calibration_error, log_loss
from assay.evaluation.predictions import FILE, Prediction
from assay.evaluation.ranking import Flags, Ranking
from assay.evaluation.selective import Selective, confidence

Row = dict[str, Any]
MIN_OF_A_LABEL = 5
# Drawing a million frames a thousand times says nothing more: groups are drawn, not frames.
MOST_DRAWN = 40_000_000
LEAST_DRAWS = 100
# Numbers that need both labels, in the order in which tables show them.
BOTH = (
    "auc", "average_precision", "equal_error_rate", "detection_at_far_1", "detection_at_far_5",
    "accuracy", "balanced_accuracy", "accuracy_at_threshold", "balanced_accuracy_at_threshold",
    "log_loss", "brier", "ece", "aurc",
)  # fmt: skip
OF_FAKES, OF_REALS = "detection_rate", "false_alarm_rate"


@dataclass(frozen=True, slots=True)
class Scored:
    """One model's scored rows of one level as arrays (n,), and the counts of all rows.

    `score` orders them, higher = fake. `p` is the probability of a fake: calibrated, or the
    sigmoid of a network's raw logit; None for scores on any other scale. `fired` is the answer at
    the rows' own thresholds, None where some row has none.
    """

    model: str
    level: str
    rows: tuple[Prediction, ...]
    score: Numbers
    p: Numbers | None
    fired: Flags | None
    fake: Flags
    group: NDArray[np.str_]
    n_fake_all: int
    n_real_all: int

    def take(self, mask: Flags, n_fake_all: int = 0, n_real_all: int = 0) -> Scored:
        """The rows of the mask; the counts of all are told anew."""
        return Scored(
            self.model,
            self.level,
            tuple(row for row, kept in zip(self.rows, mask, strict=True) if kept),
            self.score[mask],
            None if self.p is None else self.p[mask],
            None if self.fired is None else self.fired[mask],
            self.fake[mask],
            self.group[mask],
            n_fake_all,
            n_real_all,
        )

    @property
    def n_fake(self) -> int:
        """Scored fakes."""
        return int(self.fake.sum())

    @property
    def n_real(self) -> int:
        """Scored reals."""
        return len(self.fake) - self.n_fake

    @property
    def counts(self) -> dict[str, int]:
        """What every row of a result states."""
        n_groups = len(set(self.group.tolist()))
        return {"n_fake": self.n_fake, "n_real": self.n_real, "n_groups": n_groups}


def scored_of(
    model: str, rows: Iterable[Prediction], *, level: str = FILE, is_logit: bool = False
) -> Scored:
    """The arrays of one model's rows; `is_logit`: its raw scores are logits of a network.

    A model whose rows all carry a raw score is ordered by that, else by p_fake. Rows of which one
    has only the one and one only the other cannot be ordered: those without the commoner are left
    out of no count, they raise ValueError.
    """
    every = list(rows)
    kept = tuple(row for row in every if row.status == "scored")
    logit = _column(kept, "logit")
    p_fake = _column(kept, "p_fake")
    score = logit if logit is not None else p_fake
    if score is None:
        raise ValueError(f"{model} mixes raw scores and probabilities.")
    p = p_fake
    if p is None and logit is not None and is_logit:
        p = 1 / (1 + np.exp(-np.clip(logit, -60, 60)))
    fired = [row.fired for row in kept]
    return Scored(
        model,
        level,
        kept,
        score,
        p,
        None if any(one is None for one in fired) else np.array(fired, bool),
        np.array([row.label == "fake" for row in kept], bool),
        np.array([row.group for row in kept], str),
        sum(row.label == "fake" for row in every),
        sum(row.label == "real" for row in every),
    )


def _column(rows: Sequence[Prediction], name: str) -> Numbers | None:
    values = [getattr(row, name) for row in rows]
    if any(value is None for value in values):
        return None
    return np.array(values, np.float64)


def measured(scored: Scored, weights: Numbers) -> dict[str, Numbers]:
    """Every number that these rows allow, under weights (b, n); NaN where a draw lacks a label."""
    fake = scored.fake
    curve = Ranking(scored.score, fake).curve(weights)
    found = {
        "auc": ranking.auc(curve),
        "average_precision": ranking.average_precision(curve),
        "equal_error_rate": ranking.equal_error_rate(curve),
    }
    if scored.level == FILE:
        found["detection_at_far_1"] = ranking.detection_at(curve, 0.01)
        found["detection_at_far_5"] = ranking.detection_at(curve, 0.05)
    if scored.p is not None:
        found |= _of_probabilities(scored.p, fake, weights)
    if scored.fired is not None:
        found |= _at_threshold(scored.fired, fake, weights)
    return found


def accuracies(fired: Flags, fake: Flags, weights: Numbers) -> dict[str, Numbers]:
    """accuracy, balanced_accuracy, detection_rate and false_alarm_rate (b,) of these answers."""
    right = weights @ (fired == fake)
    hits = ratio(weights @ (fired & fake), weights @ fake)
    alarms = ratio(weights @ (fired & ~fake), weights @ ~fake)
    return {
        "accuracy": ratio(right, weights.sum(axis=1)),
        "balanced_accuracy": (hits + 1 - alarms) / 2,
        OF_FAKES: hits,
        OF_REALS: alarms,
    }


def _of_probabilities(p: Numbers, fake: Flags, weights: Numbers) -> dict[str, Numbers]:
    fired = p >= 0.5
    at_half = accuracies(fired, fake, weights)
    sure = confidence(p, np.full(len(p), 0.5), probabilities=True)
    return {
        "accuracy": at_half["accuracy"],
        "balanced_accuracy": at_half["balanced_accuracy"],
        "log_loss": log_loss(weights, p, fake),
        "brier": brier(weights, p, fake),
        "ece": calibration_error(weights, p, fake),
        "aurc": Selective(sure, fired != fake).aurc(weights),
    }


def _at_threshold(fired: Flags, fake: Flags, weights: Numbers) -> dict[str, Numbers]:
    found = accuracies(fired, fake, weights)
    return {
        "accuracy_at_threshold": found["accuracy"],
        "balanced_accuracy_at_threshold": found["balanced_accuracy"],
        OF_FAKES: found[OF_FAKES],
        OF_REALS: found[OF_REALS],
    }


def rows_of_slice(
    scored: Scored, name: str, n_draws: int = 1000, seed: int = 0, only: Sequence[str] = ()
) -> list[Row]:
    """The rows of one slice: coverage first, then every number there is (or those of `only`)."""
    rows = [coverage_row(scored, name)]
    if not len(scored.rows):
        return rows
    found = with_intervals(lambda w: measured(scored, w), scored, n_draws, seed)
    small = too_small(scored)
    for metric in [m for m in (*BOTH, OF_FAKES, OF_REALS) if m in found]:
        if only and metric not in only:
            continue
        why = small["both"]
        if metric in (OF_FAKES, OF_REALS):
            why = small["fake" if metric == OF_FAKES else "real"]
        number = {"value": None, "low": None, "high": None, "why": why} if why else found[metric]
        rows.append(row(scored, name, metric, number))
    return rows


def row(scored: Scored, slice_name: str, metric: str, number: Mapping[str, Any]) -> Row:
    """One row of a result."""
    found = {
        "model": scored.model,
        "level": scored.level,
        "slice": slice_name,
        "metric": metric,
        **{key: number.get(key) for key in ("value", "low", "high")},
        **scored.counts,
    }
    if found["value"] is None:
        found["why"] = number.get("why") or "it does not exist for these scores"
    return found


def coverage_row(scored: Scored, name: str) -> Row:
    """The share of the slice's items that got a score."""
    n = scored.n_fake_all + scored.n_real_all
    if not n:
        return row(scored, name, "coverage", {"why": "no item"})
    return row(scored, name, "coverage", {"value": len(scored.rows) / n})


def with_intervals(
    measures: Callable[[Numbers], Mapping[str, Numbers]],
    scored: Scored,
    n_draws: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """95 % intervals over the groups of these rows; see `bootstrap.intervals`."""
    few = min(n_draws, max(LEAST_DRAWS, MOST_DRAWN // max(1, len(scored.rows))))
    return intervals(measures, scored.group.tolist(), few, seed)


def too_small(scored: Scored) -> dict[str, str]:
    """For "fake", "real" and "both" why there is no number; "" where there is one."""
    fakes = f"too small: {scored.n_fake} fakes scored" if scored.n_fake < MIN_OF_A_LABEL else ""
    reals = f"too small: {scored.n_real} reals scored" if scored.n_real < MIN_OF_A_LABEL else ""
    return {"fake": fakes, "real": reals, "both": fakes or reals}
