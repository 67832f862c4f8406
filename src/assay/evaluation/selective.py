"""Risk–coverage: how often is it wrong if it may keep silent where it is least sure?

After Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", 2017. What the
detector abstained from is never covered, so its curve ends before coverage 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import Numbers, ratio


class Selective:
    """Answers ordered by confidence, surest first; equal ones are answered together.

    `confidence` and `wrong` are (n,) for the files that got an answer.
    """

    def __init__(self, confidence: Numbers, wrong: NDArray[np.bool_]) -> None:
        self._order = np.argsort(-confidence, kind="stable")
        ordered = confidence[self._order]
        self._ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
        self._wrong = wrong[self._order].astype(np.float64)

    def risks(self, weights: Numbers) -> tuple[Numbers, Numbers]:
        """(risk, answered weight) of the surest answers up to each block of equals, (b, k)."""
        ordered = weights[:, self._order]
        answered = np.cumsum(ordered, axis=1)[:, self._ends]
        errors = np.cumsum(ordered * self._wrong, axis=1)[:, self._ends]
        return ratio(errors, answered), answered

    def aurc(self, weights: Numbers) -> Numbers:
        """Area under the risk–coverage curve (b,): the mean risk over the answered coverages."""
        risk, answered = self.risks(weights)
        before = np.concatenate([np.zeros((len(answered), 1)), answered[:, :-1]], axis=1)
        total = np.nansum(risk * (answered - before), axis=1)
        return ratio(total, weights.sum(axis=1))

    def curve(self, n_all: int, n_points: int = 60) -> list[dict[str, Any]]:
        """Points of the curve; coverage counts the answers among all `n_all` files."""
        risk, answered = self.risks(np.ones((1, len(self._order))))
        chosen = np.unique(np.linspace(0, len(risk[0]) - 1, n_points).round().astype(int))
        return [
            {"coverage": float(answered[0, i] / n_all), "risk": float(risk[0, i])} for i in chosen
        ]


def confidence(scores: Numbers, cuts: Numbers, *, probabilities: bool) -> Numbers:
    """How far each score lies from its cut (n,); probabilities are compared as log-odds."""
    if not probabilities:
        return np.abs(scores - cuts)
    return np.abs(_log_odds(scores) - _log_odds(cuts))


def _log_odds(p: Numbers) -> Numbers:
    kept = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(kept) - np.log1p(-kept))
