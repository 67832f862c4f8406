"""Leave one generator out, leave one real source out, and what each was worth to the others."""

from __future__ import annotations

import numpy as np

from assay.evaluation import ranking
from assay.evaluation.bootstrap import Numbers, intervals
from assay.evaluation.ranking import Ranking
from held_out.scores import REFERENCE, SHIPPED, WITHOUT, Flags, Scores
from held_out.separation import (
    ALARMS,
    MEASURES,
    Table,
    few_groups,
    separated,
    too_small,
    without_interval,
)

SEEN = "all of them were trained on"
MADE_IN_TRAINING = ("vae_reconstruction", "upsampling_reconstruction", "face_reconstruction")
AGAINST = {name: MEASURES[name] for name in ("auc", "equal_error_rate")}


def generators(scores: Scores, n_draws: int) -> list[Table]:
    """One entry for each generator left out, and for each that no network ever saw; worst first.

    `never_seen` are all its fakes, whatever their split, for the network that left it out;
    `fresh` only those whose pictures no network was trained on, for all networks side by side.
    """
    reals = ~scores.fake & scores.held_out
    found = []
    for pattern in scores.patterns:
        fakes = scores.fakes_like(pattern)
        if fakes.any():
            found.append(_generator(scores, pattern, fakes, reals, n_draws))
    for name in unseen_generators(scores):
        found.append(_unseen_by_all(scores, name, scores.fakes_like(name), reals, n_draws))
    return sorted(found, key=lambda entry: _first(entry, ("never_seen", "fresh"), "auc"))


def unseen_generators(scores: Scores) -> list[str]:
    """Generators of which no fake was trained on. What was need not be among the scored rows of
    the `train` split; the run's facts and, of reconstructions, its configuration tell."""
    trained = set(scores.method[scores.fake & ~scores.held_out].tolist())
    trained |= set(scores.facts.get("trained_methods", ()))
    if scores.facts.get("config", {}).get("data", {}).get("reconstructions"):
        trained |= set(MADE_IN_TRAINING)
    return sorted(set(scores.method[scores.fake].tolist()) - trained)


def _generator(scores: Scores, pattern: str, fakes: Flags, reals: Flags, n_draws: int) -> Table:
    column = WITHOUT + pattern
    fresh = fakes & scores.held_out
    own = own_sources(scores, fresh) & reals
    pair = (REFERENCE, column)
    return {
        "left_out": pattern,
        "seen_by": "all but the network without it",
        **_described(scores, fakes, fresh, reals),
        "never_seen": _side_by_side(scores, [column], fakes, reals, n_draws),
        "fresh": _side_by_side(scores, [column, *scores.baseline], fresh, reals, n_draws, pair),
        "own_sources": _own(scores, [column, *scores.baseline], fresh, own, n_draws, pair),
    }


def _unseen_by_all(scores: Scores, name: str, fakes: Flags, reals: Flags, n_draws: int) -> Table:
    return {
        "left_out": name,
        "seen_by": "no network",
        **_described(scores, fakes, fakes, reals),
        "never_seen": _side_by_side(scores, [SHIPPED], fakes, reals, n_draws),
        "fresh": _side_by_side(scores, scores.baseline, fakes, reals, n_draws),
        "own_sources": None,
    }


def _described(scores: Scores, fakes: Flags, fresh: Flags, reals: Flags) -> Table:
    return {
        "matches": sorted(set(scores.method[fakes].tolist())),
        "n_fakes": int(fakes.sum()),
        "n_fakes_fresh": int(fresh.sum()),
        "n_groups_fresh": len(set(scores.group[fresh].tolist())),
        "n_reals": int(reals.sum()),
    }


def own_sources(scores: Scores, fakes: Flags) -> Flags:
    """Genuine rows that these fakes were made of: of the same file, or else of the same person."""
    for column in (scores.path, scores.group):
        same = ~scores.fake & np.isin(column, column[fakes])
        if same.any():
            return np.asarray(same)
    return np.zeros(len(scores.fake), bool)


def _own(
    scores: Scores,
    networks: list[str],
    fakes: Flags,
    own: Flags,
    n_draws: int,
    minus: tuple[str, str],
) -> Table | None:
    if not own.any():
        return None  # generated from nothing
    table = _side_by_side(scores, networks, fakes, own, n_draws, minus)
    return {"n_reals": int(own.sum()), **table}


def _side_by_side(
    scores: Scores,
    networks: list[str],
    positive: Flags,
    negative: Flags,
    n_draws: int,
    minus: tuple[str, str] | None = None,
) -> Table:
    if not positive.any():
        return {"too_small": SEEN}
    rows = positive | negative
    logits = {name: scores.logits[name][rows] for name in networks}
    groups = scores.group[rows].tolist()
    return separated(logits, positive[rows], groups, minus=minus, n_draws=n_draws)


def real_sources(scores: Scores, n_draws: int) -> list[Table]:
    """One entry for each real source left out, and for each that no network ever saw; worst first.

    False alarms are counted at the cut that gives 1 and 5 % over the OTHER held-out reals.
    """
    found = []
    for pattern in scores.patterns:
        reals = scores.reals_like(pattern)
        if reals.any():
            column = WITHOUT + pattern
            networks, pair = [column, *scores.baseline], (REFERENCE, column)
            found.append(_source(scores, pattern, reals, networks, pair, n_draws))
    for name, members in unseen_sources(scores).items():
        reals = ~scores.fake & np.isin(scores.source, members)
        found.append(_source(scores, name, reals, scores.baseline, None, n_draws))
    return sorted(found, key=lambda e: -_first(e, ("never_seen", "fresh"), "false_alarms_at_1", -1))


def unseen_sources(scores: Scores) -> dict[str, list[str]]:
    """Genuine sources that no network was trained on, by name; the photographs of web packages
    together, for each package holds few."""
    trained = set(scores.source[~scores.fake & ~scores.held_out].tolist())
    trained |= set(scores.facts.get("trained_methods", ()))
    names = sorted(set(scores.source[~scores.fake].tolist()) - trained)
    packages = [name for name in names if name.startswith("web-")]
    if len(packages) < 2:
        return {name: [name] for name in names}
    found = {name: [name] for name in names if name not in packages}
    return {**found, f"{len(packages)} web packages": packages}


def _source(
    scores: Scores,
    name: str,
    reals: Flags,
    networks: list[str],
    minus: tuple[str, str] | None,
    n_draws: int,
) -> Table:
    fresh = reals & scores.held_out
    others = ~scores.fake & scores.held_out & ~reals
    # One that no network finds anyway would hide what the genuine rows do.
    unseen = np.isin(scores.method, unseen_generators(scores))
    fakes = scores.fake & scores.held_out & ~unseen
    sources = sorted(set(scores.source[reals].tolist()))
    own = fakes & (np.isin(scores.path, scores.path[fresh]) | np.isin(scores.source, sources))
    return {
        "left_out": name,
        "seen_by": "all but the network without it" if minus else "no network",
        "matches": sources,
        "n_reals": int(reals.sum()),
        "n_reals_fresh": int(fresh.sum()),
        "n_groups_fresh": len(set(scores.group[fresh].tolist())),
        "n_other_reals": int(others.sum()),
        "n_fakes": int(fakes.sum()),
        "never_seen": _alarms(scores, networks[:1] if minus else [SHIPPED], reals, others, n_draws),
        "fresh": _alarms(scores, networks, fresh, others, n_draws, minus),
        "against_fakes": _against(scores, networks, fakes, fresh, minus, n_draws),
        "against_own_forgeries": _against(scores, networks, own, fresh, minus, n_draws)
        if own.any()
        else None,
    }


def _alarms(
    scores: Scores,
    networks: list[str],
    reals: Flags,
    others: Flags,
    n_draws: int,
    minus: tuple[str, str] | None = None,
) -> Table:
    if not reals.any():
        return {"too_small": SEEN}
    rows = reals | others
    logits = {name: scores.logits[name][rows] for name in networks}
    groups = scores.group[rows].tolist()
    return separated(logits, reals[rows], groups, measures=ALARMS, minus=minus, n_draws=n_draws)


def _against(
    scores: Scores,
    networks: list[str],
    fakes: Flags,
    reals: Flags,
    minus: tuple[str, str] | None,
    n_draws: int,
) -> Table:
    if not reals.any():
        return {"too_small": SEEN}
    rows = fakes | reals
    logits = {name: scores.logits[name][rows] for name in networks}
    groups = scores.group[rows].tolist()
    return separated(logits, fakes[rows], groups, measures=AGAINST, minus=minus, n_draws=n_draws)


def _first(entry: Table, parts: tuple[str, ...], measure: str, nothing: float = 9.0) -> float:
    """The number that entries are sorted by; those without one come last."""
    for part in parts:
        for network in entry[part].values():
            if isinstance(network, dict) and network.get(measure, {}).get("value") is not None:
                return float(network[measure]["value"])
    return nothing


def worth(scores: Scores, n_draws: int) -> Table:
    """What each thing left out had added: AUC(reference) - AUC(without it), forgery by forgery.

    All on held-out rows and on the same draws: `areas` by network and forgery, `gains` by what was
    left out, `mean_of_others` over the forgeries that it does not match.
    """
    rows = scores.held_out
    fake, method, groups = scores.fake[rows], scores.method[rows], scores.group[rows].tolist()
    names = sorted(set(method[fake].tolist()))
    sides = {name: ~fake | (fake & (method == name)) for name in names}
    told = {n: too_small(fake[side]) for n, side in sides.items()}
    names = [name for name in names if told[name] is None]
    found = intervals(_areas(scores, rows, fake, {n: sides[n] for n in names}), groups, n_draws)
    few = {n for n in names if few_groups(fake[sides[n]], np.array(groups)[sides[n]].tolist())}
    for key, number in found.items():
        if key.rsplit("|", 1)[1] in few:
            found[key] = without_interval(number)
    return {
        "forgeries": names,
        "too_small": {name: why for name, why in told.items() if why},
        "n_fakes": {name: int((fake & (method == name)).sum()) for name in names},
        "n_reals": int((~fake).sum()),
        "areas": _nested(found, "area"),
        "gains": _nested(found, "gain"),
    }


def _areas(scores: Scores, rows: Flags, fake: Flags, sides: dict[str, Flags]):  # type: ignore[no-untyped-def]
    rankings = {
        (network, name): Ranking(values[rows][side], fake[side])
        for network, values in scores.logits.items()
        for name, side in sides.items()
    }
    others = {
        p: [n for n in sides if not scores.fakes_like(p)[scores.method == n].any()]
        for p in scores.patterns
    }

    def measured(weights: Numbers) -> dict[str, Numbers]:
        areas = {
            (network, name): ranking.auc(one.curve(weights[:, sides[name]]))
            for (network, name), one in rankings.items()
        }
        found = {f"area|{network}|{name}": value for (network, name), value in areas.items()}
        for pattern in scores.patterns:
            gains = {n: areas[REFERENCE, n] - areas[WITHOUT + pattern, n] for n in sides}
            found |= {f"gain|{pattern}|{name}": value for name, value in gains.items()}
            if others[pattern]:
                mean = np.mean([gains[n] for n in others[pattern]], axis=0)
                found[f"gain|{pattern}|mean_of_others"] = mean
        return found

    return measured


def _nested(numbers: dict[str, Table], kind: str) -> dict[str, dict[str, Table]]:
    found: dict[str, dict[str, Table]] = {}
    for key, number in numbers.items():
        first, network, name = key.split("|")
        if first == kind:
            found.setdefault(network, {})[name] = number
    return found
