"""Rows of scores as tables: who tells what apart, who raises alarms, what withstands a codec."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from held_out.separation import MEASURES, separated

from assay.evaluation.metrics import equal_error_rate, rate_interval, with_interval
from assay.evaluation.robustness import robustness_table
from assay.evaluation.scores import Row
from assay.evaluation.slices import MIN_OF_A_LABEL
from heard.sounds import pool_of

Table = dict[str, Any]
MEASURED = {name: MEASURES[name] for name in ("auc", "equal_error_rate", "detection_at_far_5")}
EVERYTHING = "everything"


def separation(
    rows: Sequence[Row], systems: Sequence[str], beside: Sequence[str], n_draws: int
) -> dict[str, Table]:
    """By pool (each folder with both labels, and all together): each generator against all of the
    pool's genuine speech, worst first for `systems[0]`.

    `systems` are compared on the clips that all of them answered, their difference paired;
    `beside`, and each of them `alone`, on whatever it answered itself.
    """
    plain = [row for row in rows if not row.variant and row.counts]
    pools = {name: [r for r in plain if pool_of(r.path) == name] for name in _pools(plain)}
    if len({pool_of(row.path) for row in plain}) > 1:
        pools[EVERYTHING] = plain
    return {name: _pool(part, systems, beside, n_draws) for name, part in pools.items()}


def _pools(rows: Iterable[Row]) -> list[str]:
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(pool_of(row.path), set()).add(row.label)
    return [name for name, found in labels.items() if found == {"real", "fake"}]


def _pool(
    rows: Sequence[Row], systems: Sequence[str], beside: Sequence[str], n_draws: int
) -> Table:
    reals = [row for row in rows if row.label == "real"]
    fakes = [row for row in rows if row.label == "fake"]
    methods = sorted({row.method for row in fakes})
    parts = {name: [row for row in fakes if row.method == name] for name in methods}
    entries = [_slice(name, part + reals, systems, beside, n_draws) for name, part in parts.items()]
    return {
        "all": _slice("all", [*fakes, *reals], systems, beside, n_draws),
        "methods": sorted(entries, key=lambda entry: _first_auc(entry, systems)),
    }


def _slice(
    name: str, rows: Sequence[Row], systems: Sequence[str], beside: Sequence[str], n_draws: int
) -> Table:
    by_system = {one: {row.path: row for row in rows if row.detector == one} for one in systems}
    answered = [{p for p, r in found.items() if _answered(r)} for found in by_system.values()]
    common = sorted(set.intersection(*answered)) if answered else []
    minus = (systems[0], systems[1]) if len(systems) > 1 else None
    return {
        "name": name,
        **_counted(rows),
        "compared_on": _counted([by_system[systems[0]][p] for p in common]) if systems else {},
        "systems": _measured({one: [by_system[one][p] for p in common] for one in systems},
                             n_draws, minus),
        "alone": {one: _alone(one, rows, n_draws) for one in (*systems, *beside)},
    }  # fmt: skip


def _alone(system: str, rows: Sequence[Row], n_draws: int) -> Table:
    own = [row for row in rows if row.detector == system]
    kept = [row for row in own if _answered(row)]
    found = _measured({system: kept}, n_draws)
    return {
        **{f"answered_{k}": v for k, v in _counted(kept).items()},
        **{f"of_{k}": v for k, v in _counted(own).items()},
        **(found if "too_small" in found else found[system]),
    }


def _measured(
    rows: Mapping[str, Sequence[Row]], n_draws: int, minus: tuple[str, str] | None = None
) -> Table:
    first = next(iter(rows.values()), [])
    if not first:
        return {"too_small": "0 rows"}
    fake = np.array([row.label == "fake" for row in first], bool)
    groups = [row.group for row in first]
    logits = {name: np.array([score_of(row) for row in part]) for name, part in rows.items()}
    return separated(logits, fake, groups, measures=MEASURED, minus=minus, n_draws=n_draws)


def _counted(rows: Iterable[Row]) -> dict[str, int]:
    labels = {row.path: row.label for row in rows}
    count = Counter(labels.values())
    return {"fakes": count["fake"], "reals": count["real"]}


def _first_auc(entry: Table, systems: Sequence[str]) -> float:
    for name in systems:
        value = (entry["systems"].get(name) or {}).get("auc", {}).get("value")
        if value is not None:
            return float(value)
    return 9.0


def _answered(row: Row) -> bool:
    return row.status == "scored"


def score_of(row: Row) -> float:
    """The raw logit where there is one, else the calibrated probability."""
    value = row.logit if row.logit is not None else row.p_fake
    return float("nan") if value is None else value


def alarms(rows: Iterable[Row], systems: Sequence[str]) -> list[Table]:
    """Genuine sounds by pool and source: how many of them each system calls fake, at its own
    cut, and how often it abstains; the highest share first. All must be unchanged files."""
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.label == "real" and row.counts:
            parts.setdefault((pool_of(row.path), row.method), []).append(row)
    entries = [
        {
            "pool": pool,
            "source": method,
            "files": len({row.path for row in part}),
            "systems": {one: _alarm(part, one) for one in systems},
        }
        for (pool, method), part in parts.items()
    ]
    return sorted(entries, key=lambda entry: _alarm_order(entry, systems))


def _alarm(rows: Iterable[Row], system: str) -> Table:
    own = [row for row in rows if row.detector == system]
    if not own:
        return {"too_small": "not run"}
    fired = sum(bool(row.fired) for row in own)
    low, high = rate_interval(fired, len(own))
    silent = [row for row in own if not _answered(row)]
    return {
        "files": len(own),
        "alarms": fired,
        "abstained": sum(row.status == "abstained" for row in silent),
        "failed": sum(row.status == "failed" for row in silent),
        "rate": {"value": fired / len(own), "low": low, "high": high},
        "reasons": dict(Counter(row.reason.split(":")[0] for row in silent).most_common()),
    }


def _alarm_order(entry: Table, systems: Sequence[str]) -> tuple[float, ...]:
    rates = [entry["systems"][name].get("rate", {}).get("value", -1.0) for name in systems]
    return tuple(-rate for rate in rates)


def robustness(rows: Sequence[Row], systems: Sequence[str], n_draws: int) -> dict[str, Any]:
    """By system, one entry for each change: AUC, EER, alarms and lost answers before and after;
    the greatest loss of AUC first."""
    known = [row for row in rows if row.detector in systems]
    found = robustness_table(known, n_draws=n_draws)
    for system, entries in found.items():
        own = [row for row in known if row.detector == system and _answered(row)]
        plain = {row.path: row for row in own if not row.variant}
        for entry in entries:
            after = [r for r in own if r.variant == entry["variant"] and r.path in plain]
            entry["eer_before"] = _error_rate([plain[row.path] for row in after], n_draws)
            entry["eer_after"] = _error_rate(after, n_draws)
        entries.sort(key=lambda entry: entry["auc_change"].get("value") or 0.0)
    return {name: found[name] for name in systems if name in found}


def _error_rate(rows: Sequence[Row], n_draws: int) -> Table:
    fake = [row.label == "fake" for row in rows]
    if min(sum(fake), len(fake) - sum(fake)) < MIN_OF_A_LABEL:
        return {"too_small": f"{sum(fake)} against {len(fake) - sum(fake)} files"}
    scores, groups = [score_of(row) for row in rows], [row.group for row in rows]
    found = asdict(with_interval(equal_error_rate, scores, fake, groups, min(n_draws, 300)))
    return {name: found[name] for name in ("value", "low", "high")}
