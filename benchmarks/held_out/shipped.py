"""The network that ships: every generator and source at ONE threshold, and how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assay.bundles import Card, load_card
from assay.errors import BundleMismatchError, BundleMissingError
from assay.evaluation.bootstrap import intervals, ratio
from assay.evaluation.protocols import held_out_tables
from assay.evaluation.ranking import fitted_cut
from assay.evaluation.scores import Row
from assay.evaluation.slices import MIN_OF_A_LABEL
from held_out.left_out import unseen_generators
from held_out.scores import LEFT_OUT, SHIPPED, Flags, Numbers, Scores
from held_out.separation import Table, never_certain

RATES = {"far_1": 0.01, "far_5": 0.05}


@dataclass(frozen=True, slots=True)
class Decision:
    """Cuts on the logit by operating point, and Platt scaling; `origin` says whose they are."""

    cuts: dict[str, float]
    scale: float
    bias: float
    origin: str
    bundle_sha256: str | None = None

    def p_fake(self, logit: float) -> float:
        """The calibrated probability."""
        z = max(-60.0, min(60.0, self.scale * logit + self.bias))
        return 1 / (1 + math.exp(-z))


def decision_of(scores: Scores) -> Decision:
    """As the installed bundle decides, where it is the network of this run; else as fitted on the
    run's own calibration rows."""
    card = matching_card(scores)
    if card is not None and card.calibration is not None:
        cuts = {point.name: point.threshold for point in card.operating_points}
        return Decision(
            {name: cuts[name] for name in RATES if name in cuts},
            card.calibration.scale,
            card.calibration.bias,
            f"the bundle's own card (version {card.version})",
            card.network_sha256,
        )
    return _fitted(scores)


def matching_card(scores: Scores) -> Card | None:
    """The card of the bundle that came out of this run, or that the run scored as it is; None
    where another one is installed."""
    try:
        card = load_card(scores.name.removesuffix(LEFT_OUT))
    except (BundleMissingError, BundleMismatchError):
        return None
    training = card.raw.get("training", {})
    config = scores.facts.get("config", {})
    if config.get("members", {}).get("only"):
        return card if card.network_sha256 == scores.facts.get("start_sha256") else None
    same = card.version == config.get("version") and bool(config)
    return card if same and training.get("data_hash") == scores.facts.get("data_hash") else None


def _fitted(scores: Scores) -> Decision:
    from sklearn.linear_model import LogisticRegression

    chosen = scores.split == "calibration"
    logits, fake = scores.logits[SHIPPED][chosen], scores.fake[chosen]
    if fake.all() or not fake.any():
        raise ValueError("Neither a bundle of this run nor calibration rows to fit a cut on.")
    fit = LogisticRegression(class_weight="balanced", C=1e6).fit(logits[:, None], fake)
    cuts = {name: fitted_cut(logits[~fake], rate) for name, rate in RATES.items()}
    origin = "fitted on this run's calibration rows, as its bundle is not installed"
    return Decision(cuts, float(fit.coef_[0, 0]), float(fit.intercept_[0]), origin)


def main_table(scores: Scores, split: str, decision: Decision, n_draws: int) -> Table:
    """Slices of one split, worst first, from `assay.evaluation`, with the rates at both cuts."""
    chosen = scores.split == split
    rows = evaluation_rows(scores, chosen, decision)
    table = held_out_tables(rows, n_draws=n_draws)[scores.name]
    overall = table["slices"][0]
    return {
        "split": split,
        "overall": _overall(scores, chosen, overall, decision, n_draws),
        "fakes": [
            _fakes(scores, chosen, one, decision, n_draws)
            for one in table["slices"]
            if one["kind"] == "fake_source"
        ],
        "reals": _reals(scores, chosen, table["slices"], decision, n_draws),
        "calibration": _calibrated(overall),
        "aurc": overall["selective"]["aurc"],
        "without_unseen": _without_unseen(scores, chosen, decision, n_draws),
        "curves": table["curves"],
    }


def _without_unseen(
    scores: Scores, chosen: Flags, decision: Decision, n_draws: int
) -> Table | None:
    """The overall numbers without the generators that nothing was trained on, where there are
    such: what the network was made for."""
    left_out = [name for name in unseen_generators(scores) if name in scores.method[chosen]]
    seen = chosen & ~np.isin(scores.method, left_out)
    if not left_out or not (seen & scores.fake).any():
        return None
    rows = evaluation_rows(scores, seen, decision)
    one = held_out_tables(rows, n_draws=n_draws)[scores.name]["slices"][0]
    return {
        "left_out": left_out,
        "overall": _overall(scores, seen, one, decision, n_draws),
        "calibration": _calibrated(one),
        "aurc": one["selective"]["aurc"],
    }


def _calibrated(one: Table) -> Table:
    return {when: one["calibration"][when]["equal_odds"] for when in ("before", "after")}


def evaluation_rows(scores: Scores, chosen: Flags, decision: Decision) -> list[Row]:
    """The rows as `assay.evaluation` has them; a genuine row's method is its source."""
    cut = decision.cuts["far_1"]
    found = []
    for i in np.flatnonzero(chosen):
        logit, fake = float(scores.logits[SHIPPED][i]), bool(scores.fake[i])
        found.append(
            Row(
                path=f"{scores.path[i]}#{i}",
                label="fake" if fake else "real",
                method=str(scores.method[i] if fake else scores.source[i]),
                group=str(scores.group[i]),
                split=str(scores.split[i]),
                detector=scores.name,
                logit=logit,
                p_fake=decision.p_fake(logit),
                threshold=decision.p_fake(cut),
                fired=logit >= cut,
            )
        )
    return found


def _overall(scores: Scores, chosen: Flags, one: Table, decision: Decision, n_draws: int) -> Table:
    return {
        "n_fakes": one["n_fake_scored"],
        "n_reals": one["n_real_scored"],
        "n_groups": one["n_groups"],
        **_ordered(one),
        "found": rates(scores, chosen & scores.fake, decision, n_draws),
        "false_alarms": rates(scores, chosen & ~scores.fake, decision, n_draws),
        "balanced_accuracy_at_far_1": one["cuts"]["as_shipped"]["balanced_accuracy"],
    }


def _ordered(one: Table) -> Table:
    return {name: one[name] for name in ("auc", "average_precision", "equal_error_rate")}


def _fakes(scores: Scores, chosen: Flags, one: Table, decision: Decision, n_draws: int) -> Table:
    which = chosen & scores.fake & (scores.method == one["name"])
    return {
        "name": one["name"],
        "n": int(which.sum()),
        "n_groups": len(set(scores.group[which].tolist())),
        **_ordered(one),
        "found": rates(scores, which, decision, n_draws),
    }


def _reals(
    scores: Scores, chosen: Flags, slices: list[Table], decision: Decision, n_draws: int
) -> list[Table]:
    found = []
    for one in slices:
        if one["kind"] != "real_source":
            continue
        which = chosen & ~scores.fake & (scores.source == one["name"])
        found.append(
            {
                "name": one["name"],
                "n": int(which.sum()),
                "n_groups": len(set(scores.group[which].tolist())),
                "auc": one["auc"],
                "false_alarms": rates(scores, which, decision, n_draws),
            }
        )
    return sorted(found, key=lambda e: -(e["false_alarms"]["far_1"].get("value") or -1.0))


def rates(scores: Scores, which: Flags, decision: Decision, n_draws: int) -> Table:
    """The share of these rows at or above each cut, bootstrapped over groups.

    A share of none or all, which no draw can vary, gets Wilson's interval with a group as one.
    """
    logits, groups = scores.logits[SHIPPED][which], scores.group[which].tolist()
    if len(logits) < MIN_OF_A_LABEL:
        n_fired = {name: int((logits >= cut).sum()) for name, cut in decision.cuts.items()}
        return {n: {"too_small": f"{len(logits)} rows", "n_fired": k} for n, k in n_fired.items()}
    fired = {name: (logits >= cut).astype(float) for name, cut in decision.cuts.items()}

    def measured(weights: Numbers) -> dict[str, Numbers]:
        return {name: ratio(weights @ one, weights.sum(axis=1)) for name, one in fired.items()}

    found = intervals(measured, groups, n_draws)
    return {
        name: {**never_certain(number, groups), "n_fired": int(fired[name].sum())}
        for name, number in found.items()
    }
