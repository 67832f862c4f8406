"""The measures of the field's sets, each of scores, probabilities and labels, with an interval.

Scores are higher for fakes; `p` is the probability of a fake, None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from assay.evaluation import spoofing
from assay.evaluation.bootstrap import LEVELS, MIN_GROUPS, Numbers
from assay.evaluation.measures import LEAST_DRAWS, MIN_OF_A_LABEL, MOST_DRAWN, Row, Scored, row
from assay.evaluation.protocol_runs import Asked
from assay.evaluation.ranking import Flags

Measure = Callable[[Numbers, Numbers | None, Flags], float]
CLIP = 1e-7


def numbers(
    part: Scored, name: str, measures: Mapping[str, Measure], asked: Asked
) -> Iterator[Row]:
    """Each measure with an interval over groups; why there is none where a label is too rare."""
    lacking = min(part.n_fake, part.n_real) < MIN_OF_A_LABEL
    for metric, measure in measures.items():
        if lacking:
            why = f"too small: {part.n_fake} fakes and {part.n_real} reals scored"
            yield row(part, name, metric, {"why": why})
        else:
            yield row(part, name, metric, spread(part, measure, asked))


def spread(part: Scored, measure: Measure, asked: Asked) -> dict[str, Any]:
    """A measure of scores, p and labels with a 95 % interval over groups."""
    value = measure(part.score, part.p, part.fake)
    if not np.isfinite(value):
        return {"value": None, "why": "it does not exist for these scores"}
    names, member = np.unique(part.group, return_inverse=True)
    if len(names) < MIN_GROUPS:
        return {"value": value}
    order = np.argsort(member, kind="stable")
    rows_of = np.split(order, np.cumsum(np.bincount(member))[:-1])
    rng = np.random.default_rng(asked.seed)
    n_draws = min(asked.n_draws, max(LEAST_DRAWS, MOST_DRAWN // 8 // len(part.fake)))
    drawn = []
    for _ in range(n_draws):
        at = np.concatenate([rows_of[g] for g in rng.integers(len(names), size=len(names))])
        fake = part.fake[at]
        if fake.any() and not fake.all():
            drawn.append(measure(part.score[at], None if part.p is None else part.p[at], fake))
    kept = np.array([one for one in drawn if np.isfinite(one)])
    if len(kept) < n_draws // 2 or not len(kept) or np.ptp(kept) < 1e-12:
        return {"value": value}
    low, high = np.quantile(kept, LEVELS)
    return {"value": value, "low": float(low), "high": float(high)}


def accuracy(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """The share of items called what they are at one half; NaN without probabilities."""
    return float("nan") if p is None else float(np.mean((p >= 0.5) == fake))


def balanced_accuracy(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """Mean of both classes' accuracies at one half."""
    if p is None:
        return float("nan")
    return float((np.mean(p[fake] >= 0.5) + np.mean(p[~fake] < 0.5)) / 2)


def log_loss(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """DFDC's: mean of -ln of the probability of the truth, held within 1e-7 of 0 and 1."""
    if p is None:
        return float("nan")
    kept = np.clip(p, CLIP, 1 - CLIP)
    return float(-np.mean(np.log(np.where(fake, kept, 1 - kept))))


def auc(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
    """Area under the ROC curve."""
    from assay.evaluation.metrics import auc as area

    return area(score, fake)


def average_precision(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
    """Area under the precision-recall curve of the fakes."""
    from assay.evaluation.metrics import average_precision as area

    return area(score, fake)


def f1(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """F1 of the fakes at one half."""
    if p is None:
        return float("nan")
    fired = p >= 0.5
    below = fired.sum() + fake.sum()
    return float(2 * (fired & fake).sum() / below) if below else float("nan")


def equal_error_rate(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
    """The challenges' EER."""
    return spoofing.equal_error_rate(spoofing.Trials.of(score, fake))


def min_dcf(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
    """ASVspoof 5's primary measure."""
    return spoofing.min_dcf(spoofing.Trials.of(score, fake))


def act_dcf(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """ASVspoof 5's cost at the cut that its priors ask for; NaN without probabilities."""
    return float("nan") if p is None else spoofing.act_dcf(spoofing.Trials.of(_odds(p), fake))


def cllr(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """Cost of the log-likelihood ratios; NaN without probabilities."""
    return float("nan") if p is None else spoofing.cllr(spoofing.Trials.of(_odds(p), fake))


def _odds(p: Numbers) -> Numbers:
    """Log-likelihood ratios of fake to real, of probabilities at equal prior odds."""
    kept = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def accuracy_over_half(_score: Numbers, p: Numbers | None, fake: Flags) -> float:
    """DeepfakeBench's accuracy: fake where the probability is over (not at) one half."""
    return float("nan") if p is None else float(np.mean((p > 0.5) == fake))


def bench_eer(score: Numbers, _p: Numbers | None, fake: Flags) -> float:
    """DeepfakeBench's EER: the false-alarm rate at the corner of the ROC curve where it is nearest
    to the miss rate, points on a straight line left out."""
    from sklearn.metrics import roc_curve

    alarms, hits, _ = roc_curve(fake, score)
    return float(alarms[int(np.nanargmin(np.abs(1 - hits - alarms)))])
