"""Does an answer stand when the picture is saved, sized, cropped, sent or heard across a room?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from assay.evaluation import ranking
from assay.evaluation.bootstrap import Numbers, intervals
from assay.evaluation.metrics import rate_interval
from assay.evaluation.ranking import Flags, Ranking
from assay.evaluation.scores import Row
from assay.evaluation.slices import MIN_OF_A_LABEL
from assay.evaluation.variants import text_of

Pair = tuple[Row, Row]
Table = dict[str, Any]


def robustness_table(
    rows: Iterable[Row], *, n_draws: int = 1000, seed: int = 0
) -> dict[str, list[Table]]:
    """By detector, one entry for each variant, those with most flips first.

    `rows` holds files as they are (`variant` "") and changed (`scoring.score_pieces` over
    `pieces.varied`). An entry compares the same files before and after: `flips` (share of answers
    that changed, both ways counted), `false_alarms_before` and `_after` (Wilson's interval),
    `auc_before`, `auc_after` and `auc_change` (paired, bootstrapped over groups), `lost` (scored
    before and not after) and `median_change` of the score. Cells too small say so.
    """
    known = list(rows)
    before = {(row.detector, row.path): row for row in known if not row.variant and row.counts}
    pairs: dict[str, dict[str, list[Pair]]] = {}
    for row in known:
        first = before.get((row.detector, row.path))
        if row.variant and row.counts and first is not None and first.status == "scored":
            pairs.setdefault(row.detector, {}).setdefault(row.variant, []).append((first, row))
    return {
        detector: sorted(
            (_entry(name, found, n_draws, seed) for name, found in by_variant.items()),
            key=lambda entry: -(entry["flips"].get("value") or -1.0),
        )
        for detector, by_variant in sorted(pairs.items())
    }


def _entry(variant: str, pairs: list[Pair], n_draws: int, seed: int) -> Table:
    both = [(old, new) for old, new in pairs if new.status == "scored"]
    real = [(old, new) for old, new in both if old.label == "real"]
    return {
        "variant": variant,
        "text": text_of(variant),
        "n": len(both),
        "lost": len(pairs) - len(both),
        "flips": _flips(both),
        "false_alarms_before": _share([bool(old.fired) for old, _ in real]),
        "false_alarms_after": _share([bool(new.fired) for _, new in real]),
        **_areas(both, n_draws, seed),
        "median_change": float(np.median([_score(n) - _score(o) for o, n in both]))
        if both
        else None,
    }


def _flips(pairs: list[Pair]) -> Table:
    found = _share([old.fired != new.fired for old, new in pairs])
    found["to_fired"] = sum(bool(new.fired) and not old.fired for old, new in pairs)
    found["to_silent"] = sum(bool(old.fired) and not new.fired for old, new in pairs)
    return found


def _share(flags: list[bool]) -> Table:
    if len(flags) < MIN_OF_A_LABEL:
        return {"too_small": f"{len(flags)} files"}
    low, high = rate_interval(sum(flags), len(flags))
    return {"value": sum(flags) / len(flags), "low": low, "high": high}


def _areas(pairs: list[Pair], n_draws: int, seed: int) -> Table:
    fake: Flags = np.array([old.label == "fake" for old, _ in pairs], bool)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    names = ("auc_before", "auc_after", "auc_change")
    if min(n_fake, n_real) < MIN_OF_A_LABEL:
        return {name: {"too_small": f"{n_fake} fakes and {n_real} reals"} for name in names}
    first = Ranking(np.array([_score(old) for old, _ in pairs]), fake)
    second = Ranking(np.array([_score(new) for _, new in pairs]), fake)

    def measured(weights: Numbers) -> dict[str, Numbers]:
        one, two = ranking.auc(first.curve(weights)), ranking.auc(second.curve(weights))
        return {"auc_before": one, "auc_after": two, "auc_change": two - one}

    return dict(intervals(measured, [old.group for old, _ in pairs], n_draws, seed))


def _score(row: Row) -> float:
    value = next(v for v in (row.score, row.logit, row.p_fake) if v is not None)
    return float(value)
