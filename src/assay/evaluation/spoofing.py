"""The measures of spoofed-speech challenges: EER, min t-DCF, minDCF, actDCF, Cllr.

Theirs take scores where higher = bona fide; ours are p_fake-like, higher = fake. Here scores come
in OUR polarity and are turned once, in `Trials.of`. After the evaluation plans of ASVspoof 2019,
2021 and 5 and Kinnunen et al. (2018; 2020); the trials with equal scores are separated in the
order of the list by the challenge's own programs, here they stand on one side of every cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from assay.errors import ConfigError
from assay.evaluation.bootstrap import Numbers

P_SPOOF = 0.05
P_TARGET, P_NONTARGET = (1 - P_SPOOF) * 0.99, (1 - P_SPOOF) * 0.01
C_MISS, C_FALSE_ALARM, C_FALSE_ALARM_SPOOF = 1.0, 10.0, 10.0
LEAST_ACCEPTED = 3


@dataclass(frozen=True, slots=True)
class Trials:
    """Scores of bona fide and of spoofed speech, higher = bona fide, (n,) and (m,)."""

    bona_fide: Numbers
    spoof: Numbers

    @classmethod
    def of(cls, scores: ArrayLike, fake: ArrayLike) -> Trials:
        """From scores in which higher = fake. Raises ValueError where a label is missing or a
        score is no finite number."""
        s, f = np.asarray(scores, np.float64), np.asarray(fake, bool)
        if f.all() or not f.any():
            raise ValueError("Bona fide and spoofed trials are needed.")
        if not np.isfinite(s).all():
            raise ValueError("A score is no finite number.")
        return cls(-s[~f], -s[f])

    def errors(self) -> tuple[Numbers, Numbers]:
        """(miss rates, false-acceptance rates) (k,) at every cut, from "all pass" on.

        A miss is bona fide speech below the cut, a false acceptance spoofed speech at or above it.
        """
        cuts = np.append(np.unique(np.concatenate([self.bona_fide, self.spoof])), np.inf)
        miss = np.searchsorted(np.sort(self.bona_fide), cuts, "left") / len(self.bona_fide)
        accepted = 1 - np.searchsorted(np.sort(self.spoof), cuts, "left") / len(self.spoof)
        return miss, accepted


@dataclass(frozen=True, slots=True)
class AsvErrors:
    """Error rates of the speaker verification that stands behind the countermeasure, at its own
    equal-error threshold: targets missed, non-targets accepted, spoofs accepted."""

    miss: float
    false_alarm: float
    spoof_accepted: float

    @classmethod
    def of(cls, target: ArrayLike, nontarget: ArrayLike, spoof: ArrayLike) -> AsvErrors:
        """From its scores, higher = the same speaker. Raises ValueError where a kind is missing."""
        t, n, s = (np.asarray(x, np.float64) for x in (target, nontarget, spoof))
        if not (len(t) and len(n) and len(s)):
            raise ValueError("Target, non-target and spoofed trials are needed.")
        cut = _equal_error_cut(t, n)
        return cls(float(np.mean(t < cut)), float(np.mean(n >= cut)), float(np.mean(s >= cut)))


def _equal_error_cut(target: Numbers, nontarget: Numbers) -> float:
    """The threshold at which misses and false alarms are nearest, as the challenge has it: the
    score that ends the run of rejected trials, so trials AT it are accepted."""
    scores = np.concatenate([target, nontarget])
    is_target = np.r_[np.ones(len(target), bool), np.zeros(len(nontarget), bool)]
    order = np.argsort(scores, kind="stable")
    missed = np.cumsum(is_target[order]) / len(target)
    passed = 1 - np.cumsum(~is_target[order]) / len(nontarget)
    at = int(np.argmin(np.abs(np.r_[0.0, missed] - np.r_[1.0, passed])))
    return float(scores[order[0]] - 0.001 if at == 0 else scores[order[at - 1]])


def equal_error_rate(trials: Trials) -> float:
    """Mean of both error rates at the cut where they are nearest."""
    miss, accepted = trials.errors()
    at = int(np.argmin(np.abs(miss - accepted)))
    return float((miss[at] + accepted[at]) / 2)


def min_tdcf(trials: Trials, asv: AsvErrors) -> float:
    """Minimum normalised t-DCF of ASVspoof 2021 (revisited form, with the ASV floor C0).

    t-DCF = C0 + C1 P_miss + C2 P_fa, divided by C0 + min(C1, C2): 1 is a countermeasure that does
    nothing. Raises ValueError on error rates that give negative weights.
    """
    c0 = P_TARGET * C_MISS * asv.miss + P_NONTARGET * C_FALSE_ALARM * asv.false_alarm
    c1 = P_TARGET * C_MISS - c0
    c2 = P_SPOOF * C_FALSE_ALARM_SPOOF * asv.spoof_accepted
    _require_positive(c1, c2)
    miss, accepted = trials.errors()
    return float(np.min(c0 + c1 * miss + c2 * accepted) / (c0 + min(c1, c2)))


def min_tdcf_2019(trials: Trials, asv: AsvErrors) -> float:
    """Minimum normalised t-DCF of ASVspoof 2019 (Kinnunen et al., 2018): without the floor.

    t-DCF = C1 P_miss + C2 P_fa, divided by min(C1, C2). Raises as `min_tdcf`.
    """
    c1 = P_TARGET * (C_MISS - C_MISS * asv.miss) - P_NONTARGET * C_FALSE_ALARM * asv.false_alarm
    c2 = C_FALSE_ALARM_SPOOF * P_SPOOF * asv.spoof_accepted
    _require_positive(c1, c2)
    miss, accepted = trials.errors()
    return float(np.min(c1 * miss + c2 * accepted) / min(c1, c2))


def _require_positive(c1: float, c2: float) -> None:
    if c1 <= 0 or c2 <= 0:
        raise ValueError(f"The ASV's error rates give the weights {c1:g} and {c2:g}.")


def min_dcf(trials: Trials) -> float:
    """ASVspoof 5, track 1: minimum detection cost, normalised by the better of the two answers
    that look at nothing (P_spoof .05, C_miss 1, C_fa 10)."""
    miss, accepted = trials.errors()
    cost = C_MISS * (1 - P_SPOOF) * miss + C_FALSE_ALARM * P_SPOOF * accepted
    return float(cost.min() / _default_cost())


def act_dcf(trials: Trials) -> float:
    """ASVspoof 5: the cost at the cut that the priors and costs ask for, -ln(beta).

    Scores must be log-likelihood ratios of bona fide to spoof.
    """
    cut = -np.log(C_MISS * (1 - P_SPOOF) / (C_FALSE_ALARM * P_SPOOF))
    miss, accepted = np.mean(trials.bona_fide < cut), np.mean(trials.spoof >= cut)
    cost = C_MISS * (1 - P_SPOOF) * miss + C_FALSE_ALARM * P_SPOOF * accepted
    return float(cost / _default_cost())


def _default_cost() -> float:
    return min(C_MISS * (1 - P_SPOOF), C_FALSE_ALARM * P_SPOOF)


def cllr(trials: Trials) -> float:
    """Cost of the log-likelihood ratios in bits (Brümmer and du Preez, 2006): 0 is perfect, 1
    what no information costs. Scores must be log-likelihood ratios of bona fide to spoof."""
    of_bona_fide = np.logaddexp(0, -trials.bona_fide).mean()
    of_spoof = np.logaddexp(0, trials.spoof).mean()
    return float((of_bona_fide + of_spoof) / 2 / np.log(2))


def read_asv_scores(path: Path, phase: str = "eval") -> AsvErrors:
    """The organisers' speaker-verification scores.

    2019: a file with the columns attack, key (target, nontarget, spoof), score. 2021: the folder
    `keys/LA/ASV`, with trial_metadata.txt (column 6 the key, 8 the phase) and score.txt in it or
    in a folder below (column 3 the score), line by line the same trials. Raises ConfigError naming
    file and line.
    """
    if path.is_dir():
        return _of_2021(path, phase)
    kinds: dict[str, list[float]] = {"target": [], "nontarget": [], "spoof": []}
    for number, cells in _lines(path):
        if len(cells) < LEAST_ACCEPTED or cells[1] not in kinds:
            raise ConfigError(f"{path}, line {number}: expected attack, target|nontarget|spoof, "
                              "score.")  # fmt: skip
        kinds[cells[1]].append(_number(cells[2], path, number))
    return _errors_of(kinds, path)


def _of_2021(folder: Path, phase: str) -> AsvErrors:
    keys = folder / "trial_metadata.txt"
    scores = next(iter(sorted(folder.glob("**/score.txt"))), None)
    if not keys.is_file() or scores is None:
        raise ConfigError(f"{folder} holds no trial_metadata.txt and score.txt.")
    kinds: dict[str, list[float]] = {"target": [], "nontarget": [], "spoof": []}
    told, given = list(_lines(keys)), list(_lines(scores))
    if len(told) != len(given):
        raise ConfigError(f"{keys} has {len(told)} trials, {scores} has {len(given)}.")
    for (number, key), (_, cells) in zip(told, given, strict=True):
        if len(key) < 8 or key[5] not in kinds or len(cells) < LEAST_ACCEPTED:
            raise ConfigError(f"{keys}, line {number}: a trial without its key or its score.")
        if key[7] == phase:
            kinds[key[5]].append(_number(cells[2], scores, number))
    return _errors_of(kinds, folder)


def _errors_of(kinds: dict[str, list[float]], path: Path) -> AsvErrors:
    try:
        return AsvErrors.of(kinds["target"], kinds["nontarget"], kinds["spoof"])
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    split = [(n, line.split()) for n, line in enumerate(text.splitlines(), 1)]
    return [(n, cells) for n, cells in split if cells]


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ConfigError(f"{path}, line {line}: the score {text!r} is no number.")
    return value
