"""What depends on the order of scores alone: ROC, AUC, average precision, EER, at many weights.

Higher scores mean "more likely manipulated". Each number equals that of `metrics` (and so of
scikit-learn) for weights that count how often a row is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import Numbers, ratio

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curve:
    """Cumulated weights (b, k + 1) of fakes and reals at or above each of k cuts, from none on."""

    hits: Numbers
    alarms: Numbers

    @property
    def detection_rates(self) -> Numbers:
        """Share of fakes found (b, k + 1); NaN where a draw has no fake."""
        return ratio(self.hits, self.hits[:, -1:])

    @property
    def false_alarm_rates(self) -> Numbers:
        """Share of reals called fake (b, k + 1); NaN where a draw has no real."""
        return ratio(self.alarms, self.alarms[:, -1:])


class Ranking:
    """Scores in falling order, equal ones together: sorted once, measured under many weights."""

    def __init__(self, scores: Numbers, fake: Flags) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
        self._fake = fake[self._order]
        self.cuts = ordered[self._ends]

    def curve(self, weights: Numbers) -> Curve:
        """Both cumulated weights under `weights` (b, n)."""
        ordered = weights[:, self._order]
        return Curve(self._sums(ordered * self._fake), self._sums(ordered * ~self._fake))

    def _sums(self, values: Numbers) -> Numbers:
        total = np.cumsum(values, axis=1)[:, self._ends]
        return np.concatenate([np.zeros((len(values), 1)), total], axis=1)


def auc(curve: Curve) -> Numbers:
    """Area under the ROC curve (b,): how often a fake scores above a real one, ties half."""
    x, y = curve.false_alarm_rates, curve.detection_rates
    return np.asarray((np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1]) / 2).sum(axis=1))


def average_precision(curve: Curve) -> Numbers:
    """Area under the precision-recall curve (b,), by steps as scikit-learn has it.

    NaN where a draw lacks a label: without reals every cut would be precise.
    """
    recall = curve.detection_rates
    flagged = curve.hits + curve.alarms
    precision = np.where(flagged > 0, curve.hits / np.maximum(flagged, 1e-300), 0.0)
    found = (np.diff(recall, axis=1) * precision[:, 1:]).sum(axis=1)
    return np.where(curve.alarms[:, -1] > 0, found, np.nan)


def equal_error_rate(curve: Curve) -> Numbers:
    """Mean of both errors at the cut where they are nearest (b,)."""
    alarms, misses = curve.false_alarm_rates, 1 - curve.detection_rates
    apart = np.abs(misses - alarms)
    at = np.argmin(np.where(np.isfinite(apart), apart, np.inf), axis=1)
    rows = np.arange(len(at))
    return np.asarray((misses[rows, at] + alarms[rows, at]) / 2)


def detection_at(curve: Curve, rate: float) -> Numbers:
    """Share of fakes found (b,) at the best cut whose false-alarm rate is at most `rate`."""
    allowed = curve.false_alarm_rates <= rate + 1e-12
    best = np.where(allowed, curve.detection_rates, 0.0).max(axis=1)
    return np.where(np.isfinite(curve.false_alarm_rates[:, -1]), best, np.nan)


def fitted_cut(real_scores: Numbers, rate: float) -> float:
    """The lowest cut at which at most `rate` of these bona fide scores are called fake.

    A score fires from the cut on. Raises ValueError without scores.
    """
    if not len(real_scores):
        raise ValueError("A cut needs bona fide scores.")
    allowed = int(np.floor(rate * len(real_scores) + 1e-9))
    if allowed >= len(real_scores):
        return float(np.min(real_scores))
    return float(np.nextafter(np.sort(real_scores)[::-1][allowed], np.inf))
