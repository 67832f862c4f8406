"""What each cue of `face_geometry` is worth: AUC per generator against matched genuine faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.training.cue_measuring import CueTable

Numbers = NDArray[np.float64]
MIN_FAKES = 12  # people, on either side
MAX_ODDS = 10.0
FILMS = (".mp4", ".webm", ".avi", ".mov", ".mkv")


@dataclass(frozen=True, slots=True)
class Worth:
    """An AUC and its interval; above .5 a high value means fake. `draws` are the bootstrap's."""

    auc: float
    low: float
    high: float
    n_fake: int
    n_genuine: int
    draws: Numbers

    def as_json(self) -> dict[str, Any]:
        """Rounded, without the draws."""
        numbers = {name: round(float(getattr(self, name)), 3) for name in ("auc", "low", "high")}
        return {**numbers, "n_fake": self.n_fake, "n_genuine": self.n_genuine}


def generators(table: CueTable) -> tuple[str, ...]:
    """The methods that have fakes, sorted."""
    return tuple(sorted(set(table.method[table.fake])))


def against(table: CueTable, generator: str) -> NDArray[np.intp]:
    """The rows of one generator's fakes and of the genuine faces they are compared with.

    A method that has genuine faces itself (paired clips) is compared with those alone; films with
    films and pictures with pictures otherwise.
    """
    own = table.method == generator
    if (own & ~table.fake).any():
        return np.flatnonzero(own)
    films = np.array([source.endswith(FILMS) for source in table.source])
    film = bool(films[own].mean() > 0.5)
    return np.flatnonzero(own | (~table.fake & (films == film)))


def matching_weights(table: CueTable) -> Numbers:
    """Weights (n,): one for fakes; for genuine faces the odds of being a fake as far as pose,
    size, sharpness, brightness and contrast tell (Rosenbaum and Rubin, 1983; Hirano, Imbens and
    Ridder, 2003), at most ten. So weighted, the genuine faces are like the fakes in all these."""
    from sklearn.linear_model import LogisticRegression

    x = table.nuisances
    spread = np.maximum(x.std(axis=0), 1e-6)
    x = np.clip((x - x.mean(axis=0)) / spread, -3, 3)
    x = np.column_stack([x, x**2])
    fit = LogisticRegression(C=0.3, max_iter=500, class_weight="balanced").fit(x, table.fake)
    odds = np.exp(np.clip(fit.decision_function(x), -6, np.log(MAX_ODDS)))
    return np.where(table.fake, 1.0, odds)


def weighted_auc(scores: Numbers, fake: NDArray[np.bool_], weights: Numbers) -> float:
    """The area under the ROC curve with weighted rows; ties count half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fake, scores, sample_weight=weights))


def worth(
    scores: Numbers, table: CueTable, weights: Numbers, interval: float, n_draws: int, seed: int
) -> Worth | None:
    """The AUC of these scores (NaN where abstained), bootstrapped over groups; None where too
    few faces have one."""
    seen = np.isfinite(scores)
    s, fake, w, group = scores[seen], table.fake[seen], weights[seen], table.group[seen]
    if len(set(group[fake])) < MIN_FAKES or len(set(group[~fake])) < MIN_FAKES:
        return None
    _, member = np.unique(group, return_inverse=True)
    rows = [np.flatnonzero(member == n) for n in range(member.max() + 1)]
    rng = np.random.default_rng(seed)
    draws: list[float] = []
    while len(draws) < n_draws:
        drawn = np.concatenate([rows[n] for n in rng.integers(len(rows), size=len(rows))])
        if fake[drawn].any() and not fake[drawn].all():
            draws.append(weighted_auc(s[drawn], fake[drawn], w[drawn]))
    edge = (1 - interval) / 2
    low, high = np.quantile(draws, [edge, 1 - edge])
    n_fake = int(fake.sum())
    value = weighted_auc(s, fake, w)
    return Worth(value, float(low), float(high), n_fake, len(fake) - n_fake, np.array(draws))


def mean_worth(parts: Sequence[Worth], interval: float) -> Worth:
    """The mean over generators, each counted once, with its interval."""
    draws = np.mean([part.draws for part in parts], axis=0)
    edge = (1 - interval) / 2
    low, high = np.quantile(draws, [edge, 1 - edge])
    n_fake, n_genuine = sum(p.n_fake for p in parts), max(p.n_genuine for p in parts)
    value = float(np.mean([part.auc for part in parts]))
    return Worth(value, float(low), float(high), n_fake, n_genuine, draws)


def worth_by_generator(
    scores: Numbers, table: CueTable, interval: float, n_draws: int, seed: int
) -> dict[str, Worth]:
    """Per generator with enough people; against matched genuine faces."""
    found = {}
    for generator in generators(table):
        rows = against(table, generator)
        chosen = table.rows(rows)
        if chosen.fake.all():
            continue
        weights = matching_weights(chosen)
        one = worth(scores[rows], chosen, weights, interval, n_draws, seed)
        if one is not None:
            found[generator] = one
    return found


def earns_a_weight(by_generator: Mapping[str, Worth], overall: Worth) -> int:
    """+1 where a high value means fake, -1 where a low one does, 0 where the cue is worth nothing.

    Nothing: the interval of the mean holds .5, or one generator's own interval lies wholly on
    the other side, so that the cue would speak against the truth there.
    """
    if overall.low <= 0.5 <= overall.high:
        return 0
    sign = 1 if overall.auc > 0.5 else -1
    for one in by_generator.values():
        contradicts = one.high < 0.5 if sign > 0 else one.low > 0.5
        if contradicts:
            return 0
    return sign
