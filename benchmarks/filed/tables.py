"""Records as tables: what is told apart, what is found where, and what raises false alarms."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from assay.evaluation.bootstrap import Numbers, intervals
from assay.evaluation.metrics import rate_interval
from assay.evaluation.ranking import Ranking, auc
from assay.training.forgeries.local_edits import EDITS
from assay.training.honest_processing import PROCESSING
from filed.maps import CUTS
from filed.reading import Record

Table = dict[str, Any]
ALL = "all kinds"
LOCAL_IOU = 0.1
TEST, FIT = "val", "train"
SAID_BY_THE_FILE = ("metadata", "provenance")
WITH_TAGS = ("camera", "program", "clip", "sound")
UNTOUCHED = ("camera", "crop", "clip", "sound")


def separation(records: Sequence[Record], detectors: Sequence[str], n_draws: int) -> Table:
    """By detector and kind of edit: AUC of its number on the `val` half, against honest files
    saved alike (`resaved`) and against all honest ones; drawn over cameras."""
    found: Table = {}
    for name in detectors:
        own = [r for r in records if r["detector"] == name and r["split"] == TEST]
        scored = [r for r in own if r.get("raw_logit") is not None]
        if not any(r["forged"] for r in scored):
            continue
        found[name] = {
            kind: _apart(own, scored, kind, n_draws) for kind in (ALL, *EDITS) if _of(own, kind)
        }
    return found


def _of(records: Iterable[Record], kind: str) -> list[Record]:
    return [r for r in records if r["forged"] and kind in (ALL, r["kind"])]


def _apart(own: Sequence[Record], scored: Sequence[Record], kind: str, n_draws: int) -> Table:
    forged = _of(scored, kind)
    honest = [r for r in scored if r["group"] == "processed"]
    return {
        "files": len(_of(own, kind)),
        "answered": len(forged),
        "against_resaved": _auc(forged, [r for r in honest if r["kind"] == "resaved"], n_draws),
        "against_honest": _auc(forged, honest, n_draws),
    }


def _auc(forged: Sequence[Record], honest: Sequence[Record], n_draws: int) -> Table:
    if not forged or not honest:
        return {"value": None, "low": None, "high": None}
    rows = [*forged, *honest]
    scores = np.array([float(r["raw_logit"]) for r in rows])
    fake = np.array([bool(r["forged"]) for r in rows])
    ranking = Ranking(scores, fake)

    def measures(weights: Numbers) -> Mapping[str, Numbers]:
        return {"auc": auc(ranking.curve(weights))}

    return intervals(measures, [r["camera"] for r in rows], n_draws)["auc"]


def pixels(records: Sequence[Record], n_draws: int) -> Table:
    """By map, then by kind of edit and by quality: mean pixel AUC and F1 on the `val` half. The
    fixed cut is the one with the best mean F1 on the `train` half."""
    by_map: dict[str, list[tuple[Record, Table]]] = defaultdict(list)
    for record in records:
        for view, one in (record.get("maps") or {}).items():
            by_map[f"{record['detector']}: {view}"].append((record, one))
    return {name: _map_table(pairs, n_draws) for name, pairs in sorted(by_map.items())}


def _map_table(pairs: Sequence[tuple[Record, Table]], n_draws: int) -> Table:
    fit = [one["f1"] for record, one in pairs if record["split"] == FIT]
    at = int(np.argmax(np.mean(fit, axis=0))) if fit else len(CUTS) // 2
    test = [(record, one) for record, one in pairs if record["split"] == TEST]
    slices: dict[str, Callable[[Record], bool]] = {ALL: lambda record: True}
    slices |= {kind: _is_kind(kind) for kind in EDITS}
    slices |= {f"saved {name}": _is_saved(name) for name in ("at 60–78", "at 79–95", "as PNG")}
    slices |= {f"source {name}": _is_treated(name) for name in ("as_saved", "shrunk")}
    found: Table = {"cut": CUTS[at], "slices": {}}
    for name, holds in slices.items():
        part = [(record, one) for record, one in test if holds(record)]
        if part:
            found["slices"][name] = _means(part, at, n_draws)
    return found


def _is_kind(kind: str) -> Callable[[Record], bool]:
    return lambda record: bool(record["kind"] == kind)


def _is_saved(name: str) -> Callable[[Record], bool]:
    def holds(record: Record) -> bool:
        words = record["quality"]
        if words == "png":
            return name == "as PNG"
        return name == ("at 60–78" if int(words.removeprefix("q").split()[0]) <= 78 else "at 79–95")

    return holds


def _is_treated(name: str) -> Callable[[Record], bool]:
    return lambda record: bool(record["treatment"] == name)


def _means(part: Sequence[tuple[Record, Table]], at: int, n_draws: int) -> Table:
    columns = {
        "auc": np.array([one["auc"] for _, one in part]),
        "f1_best": np.array([max(one["f1"]) for _, one in part]),
        "f1_at_cut": np.array([one["f1"][at] for _, one in part]),
    }

    def measures(weights: Numbers) -> Mapping[str, Numbers]:
        total = weights.sum(axis=1)
        return {name: (weights * column).sum(axis=1) / total for name, column in columns.items()}

    groups = [record["camera"] for record, _ in part]
    return {"files": len(part), **intervals(measures, groups, n_draws)}


def located(records: Sequence[Record], detectors: Sequence[str]) -> Table:
    """By detector and kind: share of `val` forgeries with a finding whose region overlaps what was
    changed (or copied from) by more than `LOCAL_IOU`, and with any finding above `info`."""
    found: Table = {}
    for name in detectors:
        own = [r for r in records if r["detector"] == name and r["forged"] and r["split"] == TEST]
        own = [r for r in own if r["status"] == "reported"]
        if not any(box for r in own for one in r["findings"] for box in one["boxes"]):
            continue
        found[name] = {}
        for kind in (ALL, *EDITS):
            part = _of(own, kind)
            if part:
                hits = sum(r.get("overlap", 0) > LOCAL_IOU for r in part)
                told = sum(any(f["severity"] != "info" for f in r["findings"]) for r in part)
                found[name][kind] = {
                    "located": share(hits, len(part)),
                    "told": share(told, len(part)),
                }
    return found


def share(n_with: int, n_files: int) -> Table:
    """A share with its 95 % Wilson interval."""
    if not n_files:
        return {"n": 0, "n_with": 0, "value": None, "low": None, "high": None}
    low, high = rate_interval(n_with, n_files)
    return {"n": n_files, "n_with": n_with, "value": n_with / n_files, "low": low, "high": high}


def columns_of(records: Iterable[Record]) -> list[str]:
    """What false alarms are counted on: pristine groups, each honest processing, and edits."""
    present = {column(r) for r in records}
    order = ["camera file", "camera crop", "saved once", *PROCESSING, "by a program"]
    order += ["genuine clip", "genuine sound", "forged"]
    return [name for name in order if name in present]


def column(record: Record) -> str:
    """Where a record counts."""
    group, kind = record["group"], record["kind"]
    if group == "edited":
        return "forged"
    if group == "processed":
        return "saved once" if kind == "pristine" else str(kind)
    names = {"camera": "camera file", "crop": "camera crop", "program": "by a program"}
    names |= {"clip": "genuine clip", "sound": "genuine sound"}
    return names[group]


def alarms(
    records: Sequence[Record],
    codes: Mapping[str, Iterable[str]],
    families: Mapping[str, str],
) -> Table:
    """By detector, code and column: the share of answered files that show the finding.

    `codes` names, by detector, those that it can give; one never given is there too. What a file
    says of itself is counted on files that have kept their tags.
    """
    found: Table = {}
    for name, known in codes.items():
        own = [r for r in records if r["detector"] == name and r["status"] == "reported"]
        if families[name] in SAID_BY_THE_FILE:
            own = [r for r in own if r["group"] in WITH_TAGS]
        seen = {one["code"] for r in own for one in r["findings"]}
        found[name] = {}
        for code in sorted({*known, *seen}):
            entry: Table = {"severities": _severities(own, code), "columns": {}}
            for place in columns_of(own):
                part = [r for r in own if column(r) == place]
                n_with = sum(_shows(r, code) for r in part)
                entry["columns"][place] = share(n_with, len(part))
            found[name][code] = entry
    return found


def _severities(records: Iterable[Record], code: str) -> dict[str, int]:
    counts = Counter(f["severity"] for r in records for f in r["findings"] if f["code"] == code)
    return dict(counts)


def _shows(record: Record, code: str, severity: str | None = None) -> bool:
    return any(
        one["code"] == code and severity in (None, one["severity"]) for one in record["findings"]
    )


def coverage(records: Sequence[Record], detectors: Sequence[str]) -> Table:
    """By detector: how many files of each column were answered, and why the others were not."""
    found: Table = {}
    for name in detectors:
        own = [r for r in records if r["detector"] == name and r["status"] != "other_kind"]
        why = Counter(
            f"{r['status']}: {r.get('reason', '').split(':')[0]}"
            for r in own
            if r["status"] not in ("reported", "scored")
        )
        answered = {
            place: share(
                sum(r["status"] in ("reported", "scored") for r in own if column(r) == place),
                sum(column(r) == place for r in own),
            )
            for place in columns_of(own)
        }
        found[name] = {"answered": answered, "silent": dict(why)}
    return found


def finding_rates(
    records: Sequence[Record],
    codes: Mapping[str, Iterable[str]],
    families: Mapping[str, str],
) -> Table:
    """What verdict/finding_rates.json holds: every code counted on pristine files.

    What a file says of itself is counted on untouched files alone, since crops have lost it.
    """
    found: Table = {}
    for name in sorted(codes):
        part = [r for r in records if r["detector"] == name and _counts(r, families[name])]
        seen = _seen_in(r for r in records if r["detector"] == name)
        for code in sorted({*codes[name], *seen}):
            # A finding of sound is not counted on pictures, which cannot show it.
            media = seen.get(code) or {_medium(r) for r in part}
            counted = [r for r in part if _medium(r) in media]
            if counted:
                found[code] = {
                    "detector": name,
                    "family": families[name],
                    "n_files": len(counted),
                    "n_with": sum(_shows(r, code) for r in counted),
                    "n_strong": sum(_shows(r, code, "strong") for r in counted),
                    "measured_on": _described(counted),
                }
    return found


def _seen_in(records: Iterable[Record]) -> dict[str, set[str]]:
    """By code: the kinds of media that showed it."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for one in record["findings"]:
            found[one["code"]].add(_medium(record))
    return found


def _medium(record: Record) -> str:
    return str(record["group"]) if record["group"] in ("clip", "sound") else "picture"


def _counts(record: Record, family: str) -> bool:
    """Whether it is an untouched file; of what a file says of itself, one that kept its tags."""
    groups = WITH_TAGS if family in SAID_BY_THE_FILE else UNTOUCHED
    is_answered = record["status"] == "reported" and record["kind"] == "pristine"
    return is_answered and record["group"] in groups


def _described(part: Sequence[Record]) -> str:
    pictures = [r for r in part if _medium(r) == "picture"]
    names = {"clip": "genuine clips as published", "sound": "genuine recordings as published"}
    said = []
    if pictures:
        cameras = len({r["camera"] for r in pictures})
        said.append(f"{len(pictures)} untouched pictures of {cameras} cameras")
    for group, words in names.items():
        if n := sum(r["group"] == group for r in part):
            said.append(f"{n} {words}")
    return ", ".join(said)
