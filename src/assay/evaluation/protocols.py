"""Held-out tables: every generator against all real files, every real source against all fakes.

A mean over data sets, each with its own best threshold, hides that their scores do not fit one
threshold ("When AUC misleads", 2606.19184). Here one global cut holds for all slices, and the
worst slice stands first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation import ranking
from assay.evaluation.bootstrap import Numbers, intervals, ratio
from assay.evaluation.calibration import (
    at_equal_odds,
    brier,
    calibration_error,
    log_loss,
    reliability,
)
from assay.evaluation.metrics import rate_interval
from assay.evaluation.ranking import Flags, Ranking, fitted_cut
from assay.evaluation.scores import Row
from assay.evaluation.selective import Selective
from assay.evaluation.slices import (
    AS_SHIPPED,
    MIN_OF_A_LABEL,
    Cut,
    Sample,
    Slice,
    cuts_of,
    rate_name,
    samples,
    slices_of,
)

FIXED_RATES = (0.01, 0.05)
ROC_GRID = np.r_[0.0, np.geomspace(0.001, 1.0, 60)]
Table = dict[str, Any]
# Why a number is not there although the files are many enough, by the beginning of its name.
UNKNOWN = {
    "before": "there are no raw logits",
    "after/": "the scores are no probabilities",
    "aurc": "no cut is known",
}


def held_out_tables(
    rows: Iterable[Row], *, far: float = 0.01, n_draws: int = 1000, seed: int = 0
) -> dict[str, Table]:
    """By detector ("file" is the file's verdict): the slices, worst first, and what they rest on.

    Each slice holds its counts and, as {"value", "low", "high"} (95 %, bootstrapped over groups),
    {"too_small": why} or {"unknown": why}: auc, average_precision, equal_error_rate; under
    `cuts`, for each global cut, detection_rate, false_alarm_rate and balanced_accuracy;
    `calibration` (ece, brier, log_loss, before and after, as found and at equal odds) and
    `selective` (aurc). A detector also holds `false_alarms` of each real source, `confusion` at
    the main cut, and the points for the plots under `curves`. `far` is the rate of the cut that
    decides where the rows carry no threshold of their own.
    """
    rates = (far, *FIXED_RATES)
    found = {}
    for name, sample in samples(rows).items():
        cuts = cuts_of(sample, rates)
        main = AS_SHIPPED if AS_SHIPPED in cuts else rate_name(far)
        tables = [_slice_table(sample, one, cuts, main, n_draws, seed) for one in slices_of(sample)]
        found[name] = {
            "detector": name,
            "versions": sorted({row.version for row in sample.rows if row.version}),
            "main_cut": main,
            "cuts": {cut.name: _described(cut) for cut in cuts.values()},
            "slices": worst_first(tables),
            "false_alarms": _alarms(sample, cuts, far),
            "confusion": _confusion(sample, cuts.get(main)),
            "curves": _curves(sample, cuts.get(main), n_draws, seed),
        }
    return found


def worst_first(tables: Sequence[Table]) -> list[Table]:
    """Overall and modalities first, then sources by rising AUC, those too small to tell last."""

    def place(table: Table) -> tuple[bool, bool, float, str]:
        value = table["auc"].get("value")
        is_source = table["kind"].endswith("_source")
        return is_source, value is None, value if is_source and value else 0.0, table["name"]

    return sorted(tables, key=place)


def _described(cut: Cut) -> Table:
    return {"text": cut.text, "value": cut.value, "measurable": cut.measurable}


def _slice_table(
    sample: Sample, one: Slice, cuts: dict[str, Cut], main: str, n_draws: int, seed: int
) -> Table:
    inside = one.mask & sample.covered
    part = sample.take(inside)
    small = _too_small(part.fake)
    here = {name: (cut.fired[inside], cut.sure[inside]) for name, cut in cuts.items()}
    found = (
        intervals(
            lambda weights: _measured(part, here, main, weights), part.group.tolist(), n_draws, seed
        )
        if len(part.rows)
        else {}
    )

    def number(name: str, why: str | None) -> Table:
        missing = {"unknown": UNKNOWN.get(name[:6])}
        return {"too_small": why} if why else found.get(name, missing)

    def share(name: str, which: Flags, why: str | None) -> Table:
        return number(name, why) if why else _never_certain(found[name], part.group[which])

    both, fakes, reals = small["both"], small["fake"], small["real"]
    return {
        "kind": one.kind,
        "name": one.name,
        **_counts(sample, one.mask),
        **{m: number(m, both) for m in ("auc", "average_precision", "equal_error_rate")},
        **{m: number(m, both) for m in ("detection_at_own_far_1", "detection_at_own_far_5")},
        "cuts": {
            name: {
                "detection_rate": share(f"{name}/detection_rate", part.fake, fakes),
                "false_alarm_rate": share(f"{name}/false_alarm_rate", ~part.fake, reals),
                "balanced_accuracy": number(f"{name}/balanced_accuracy", both),
            }
            for name in cuts
        },
        "calibration": _calibration(number, both),
        "selective": {"aurc": number("aurc", both)},
    }


def _never_certain(share: Table, groups: NDArray[np.str_]) -> Table:
    """A share of none or all, which no draw can vary: Wilson's interval with a group as one."""
    n = len(set(groups.tolist()))
    if share["low"] is not None or share["value"] not in (0.0, 1.0):
        return share
    low, high = rate_interval(round(share["value"] * n), n)
    return {**share, "low": low, "high": high}


def _measured(
    part: Sample, cuts: dict[str, tuple[Flags, Numbers]], main: str, weights: Numbers
) -> dict[str, Numbers]:
    """Every number of a slice under many weights; those that lack a label come out NaN."""
    fake = part.fake
    curve = Ranking(part.score, fake).curve(weights)
    found = {
        "auc": ranking.auc(curve),
        "average_precision": ranking.average_precision(curve),
        "equal_error_rate": ranking.equal_error_rate(curve),
        "detection_at_own_far_1": ranking.detection_at(curve, 0.01),
        "detection_at_own_far_5": ranking.detection_at(curve, 0.05),
    }
    for name, (fired, _) in cuts.items():
        hits = ratio(weights @ (fired & fake), weights @ fake)
        alarms = ratio(weights @ (fired & ~fake), weights @ ~fake)
        found[f"{name}/detection_rate"], found[f"{name}/false_alarm_rate"] = hits, alarms
        found[f"{name}/balanced_accuracy"] = (hits + 1 - alarms) / 2
    if main in cuts:
        fired, sure = cuts[main]
        found["aurc"] = Selective(sure, fired != fake).aurc(weights)
    for when, p in (("before", part.raw), ("after", part.p)):
        if p is not None:
            found |= _trust(when, p, fake, weights)
    return found


def _trust(when: str, p: Numbers, fake: Flags, weights: Numbers) -> dict[str, Numbers]:
    found = {}
    for odds, used in (("as_found", weights), ("equal_odds", at_equal_odds(weights, fake))):
        found[f"{when}/{odds}/ece"] = calibration_error(used, p, fake)
        found[f"{when}/{odds}/brier"] = brier(used, p, fake)
        found[f"{when}/{odds}/log_loss"] = log_loss(used, p, fake)
    return found


def _calibration(number: Any, small: str | None) -> Table:
    return {
        when: {
            odds: {m: number(f"{when}/{odds}/{m}", small) for m in ("ece", "brier", "log_loss")}
            for odds in ("as_found", "equal_odds")
        }
        for when in ("before", "after")
    }


def _too_small(fake: Flags) -> dict[str, str | None]:
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    why = {
        "fake": f"{n_fake} fakes scored" if n_fake < MIN_OF_A_LABEL else None,
        "real": f"{n_real} reals scored" if n_real < MIN_OF_A_LABEL else None,
    }
    both = ", ".join(text for text in why.values() if text)
    return {**why, "both": both or None}


def _counts(sample: Sample, mask: Flags) -> Table:
    """Files, groups, and how many of each label got no score and why."""
    found: Table = {"n_groups": len(set(sample.group[mask & sample.covered].tolist()))}
    for label, which in (("fake", sample.fake), ("real", ~sample.fake)):
        chosen = mask & which
        rows = [row for row, kept in zip(sample.rows, chosen, strict=True) if kept]
        found[f"n_{label}"] = len(rows)
        found[f"n_{label}_scored"] = int((chosen & sample.covered).sum())
        for status in ("abstained", "failed"):
            found[f"n_{label}_{status}"] = sum(row.status == status for row in rows)
    n = int(mask.sum())
    found["coverage"] = float((mask & sample.covered).sum() / n) if n else None
    return found


def _alarms(sample: Sample, cuts: dict[str, Cut], far: float) -> list[Table]:
    """False alarms of each real source with Wilson's interval, worst first.

    `threshold_without_it` repeats it with a cut fitted over the OTHER real sources: what a real
    source that nobody has seen would get.
    """
    found = []
    reals = sample.covered & ~sample.fake
    for name in sorted(set(sample.method[~sample.fake].tolist())):
        own = reals & (sample.method == name)
        rest = sample.score[reals & ~own]
        at = {cut.name: _share(cut.fired[own]) for cut in cuts.values()}
        if len(rest):
            at["threshold_without_it"] = _share(sample.score[own] >= fitted_cut(rest, far))
        n_groups = len(set(sample.group[own].tolist()))
        found.append({"name": name, "n": int(own.sum()), "n_groups": n_groups, "cuts": at})
    main = AS_SHIPPED if AS_SHIPPED in cuts else rate_name(far)
    return sorted(found, key=lambda row: -(row["cuts"].get(main, {}).get("value") or -1.0))


def _share(fired: Flags) -> Table:
    n, n_fired = len(fired), int(fired.sum())
    if n < MIN_OF_A_LABEL:
        return {"too_small": f"{n} reals scored", "n_fired": n_fired}
    low, high = rate_interval(n_fired, n)
    return {"value": n_fired / n, "low": low, "high": high, "n_fired": n_fired}


def _confusion(sample: Sample, cut: Cut | None) -> Table | None:
    """Files by label and answer, the unanswered included."""
    if cut is None:
        return None
    found = {}
    for label, which in (("real", ~sample.fake), ("fake", sample.fake)):
        scored = which & sample.covered
        found[label] = {
            "not_fired": int((scored & ~cut.fired).sum()),
            "fired": int((scored & cut.fired).sum()),
            "no_score": int((which & ~sample.covered).sum()),
        }
    return found


def _curves(sample: Sample, cut: Cut | None, n_draws: int, seed: int) -> Table:
    """The points that are plotted: ROC with its band, risk–coverage, reliability."""
    part = sample.take(sample.covered)
    if cut is None or _too_small(part.fake)["both"]:
        return {}
    ranked = Ranking(part.score, part.fake)
    roc = intervals(
        lambda weights: _roc(ranked.curve(weights)), part.group.tolist(), min(n_draws, 400), seed
    )
    wrong = (cut.fired != sample.fake)[sample.covered]
    curve = Selective(cut.sure[sample.covered], wrong).curve(len(sample.rows))
    found: Table = {
        "roc": [{"false_alarm_rate": float(name), **point} for name, point in roc.items()],
        "risk_coverage": curve,
    }
    for when, p in (("before", part.raw), ("after", part.p)):
        if p is not None:
            found[f"reliability_{when}"] = reliability(p, part.fake)
    return found


def _roc(curve: ranking.Curve) -> dict[str, Numbers]:
    return {repr(float(rate)): ranking.detection_at(curve, float(rate)) for rate in ROC_GRID}
