"""Gather stored results into the tables of a leaderboard; published numbers stay apart."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import ConfigError

RESULT = "result.json"
OVERALL = "overall"
HIGHER = ("auc", "average_precision", "accuracy", "balanced_accuracy", "f1", "ap_50", "ar_100")
LOWER = ("equal_error_rate", "min_tdcf", "log_loss", "ece", "brier", "aurc")
ORDER = (*HIGHER, *LOWER)
PLAIN = "within"  # comes before the other protocols of the same data
MOST_SETS = 4  # named in a line; a card may hold fifty
"""Which metrics count, the first that a table has ranks it."""


@dataclass(frozen=True, slots=True)
class Number:
    """A measured value with its 95 % interval, None where there is none."""

    value: float
    low: float | None
    high: float | None
    n_fake: int
    n_real: int
    n_groups: int


@dataclass(frozen=True, slots=True)
class Line:
    """One model in one table: what it was trained on and, by metric, what was measured."""

    model: str
    net: str
    trained_on: str
    bundle_sha256: str
    numbers: Mapping[str, Number]
    provenance: Mapping[str, Any]
    source: Path


@dataclass(frozen=True, slots=True)
class Table:
    """Models measured on the same items by the same protocol at one level, best first.

    `slices` maps a slice of the data (a generator, a set) to the ranking metric by model.
    """

    protocol: str
    data: str
    data_hash: str
    split: str
    level: str
    n_items: int
    final: bool
    lines: tuple[Line, ...]
    metrics: tuple[str, ...]
    slices: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    significance: tuple[Mapping[str, Any], ...] = ()

    @property
    def ranked_by(self) -> str:
        """The metric that orders the lines."""
        return self.metrics[0]


def gather(places: Iterable[Path]) -> list[Path]:
    """Every result.json at or below these places, sorted. Raises ConfigError where there is none.

    Symbolic links are not followed.
    """
    wanted = list(places)
    found: set[Path] = set()
    for place in wanted:
        if place.is_file():
            found.add(place)
        found.update(p for p in place.rglob(RESULT) if p.is_file())
    if not found:
        named = ", ".join(map(str, wanted)) or "nothing"
        raise ConfigError(
            f"There is no {RESULT} in {named}.",
            remedy="Make one with: assay evaluate --model DIR --data MANIFEST --out RESULTS",
        )
    return sorted(found)


def tables_of(paths: Iterable[Path]) -> list[Table]:
    """The tables of these results. Those of one protocol, split, level and data are one table;
    data are the same where their hashes are. Of two results for one model the newer counts.

    Raises ConfigError, naming the file, where one is no result.
    """
    merged: dict[tuple[str, ...], list[tuple[Path, dict[str, Any]]]] = {}
    for path in paths:
        result = _read(path)
        for level in sorted({row["level"] for row in result["rows"]}):
            data = result["data"]
            key = (_named(data), result["protocol"], data["split"], data["data_hash"], level)
            merged.setdefault(key, []).append((path, result))
    tables = [_table(key, results) for key, results in sorted(merged.items())]
    kept = [table for table in tables if not _repeats(table, tables)]
    return sorted(kept, key=lambda table: (table.data, table.protocol != PLAIN))


def _repeats(table: Table, others: Sequence[Table]) -> bool:
    """Whether it is of frames and says what that of the files says: every file is a picture."""
    if table.level != "frame":
        return False
    same = (table.data, table.protocol, table.split, table.data_hash, "file")
    return any(
        (one.data, one.protocol, one.split, one.data_hash, one.level) == same
        and [(line.model, line.numbers.get(one.ranked_by)) for line in one.lines]
        == [(line.model, line.numbers.get(one.ranked_by)) for line in table.lines]
        for one in others
        if one.metrics
    )


def _named(data: Mapping[str, Any]) -> str:
    """The set's name, after that of the manifest: many sets are plain folders."""
    stem = Path(str(data.get("manifest") or "")).stem
    return f"{stem} ({data['name']})" if stem and stem != data["name"] else str(data["name"])


def _read(path: Path) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("protocol", "data", "models", "rows", "final", "provenance"):
            result[name]
        for name in ("name", "data_hash", "n_items", "split"):
            result["data"][name]
        for row in result["rows"]:
            _number(row)
            for name in ("model", "level", "slice", "metric"):
                if not isinstance(row[name], str):
                    raise TypeError(f"{name} is {row[name]!r}")
        known = {model["name"] for model in result["models"]}
        strange = {row["model"] for row in result["rows"]} - known
        if strange:
            raise ValueError(f"rows of {', '.join(sorted(strange))}, whose models are not told")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} is no result: {type(error).__name__}: {said}") from error
    return result


def _number(row: Mapping[str, Any]) -> Number | None:
    """The row's number; None where it was not measurable."""
    if row["value"] is None:
        return None
    low, high = (None if row.get(end) is None else float(row[end]) for end in ("low", "high"))
    n_fake, n_real, n_groups = (int(row[name]) for name in ("n_fake", "n_real", "n_groups"))
    found = Number(float(row["value"]), low, high, n_fake, n_real, n_groups)
    if not all(math.isfinite(x) for x in (found.value, low, high) if x is not None):
        raise ValueError(f"{row['metric']} is not finite")
    return found


def _table(key: tuple[str, ...], results: list[tuple[Path, dict[str, Any]]]) -> Table:
    name, protocol, split, data_hash, level = key
    results = sorted(results, key=lambda one: str(one[1]["provenance"].get("made", "")))
    lines: dict[str, Line] = {}
    slices: dict[str, dict[str, dict[str, Number]]] = {}
    for path, result in results:
        for model in result["models"]:
            numbers = _numbers_of(result, model["name"], level)
            if numbers.get(OVERALL):
                lines[model["name"]] = _line(model, numbers[OVERALL], result, path)
                slices[model["name"]] = numbers
    present = {metric for line in lines.values() for metric in line.numbers}
    metrics = tuple([m for m in ORDER if m in present] + sorted(present - set(ORDER)))
    ranked = sorted(lines.values(), key=lambda line: _place(line, metrics))
    return Table(
        protocol=protocol,
        data=name,
        data_hash=data_hash,
        split=split,
        level=level,
        n_items=max(int(result["data"]["n_items"]) for _, result in results),
        final=any(bool(result["final"]) for _, result in results),
        lines=tuple(ranked),
        metrics=metrics,
        slices=_by_slice(slices, metrics[0]) if metrics else {},
        significance=tuple(one for _, result in results for one in result.get("significance", ())),
    )


def _numbers_of(result: Mapping[str, Any], model: str, level: str) -> dict[str, dict[str, Number]]:
    """By slice and metric."""
    found: dict[str, dict[str, Number]] = {}
    for row in result["rows"]:
        number = _number(row) if (row["model"], row["level"]) == (model, level) else None
        if number is not None:
            found.setdefault(row["slice"], {})[row["metric"]] = number
    return found


def _line(
    model: Mapping[str, Any], numbers: dict[str, Number], result: Mapping[str, Any], path: Path
) -> Line:
    return Line(
        model=model["name"],
        net=str(model.get("net") or ""),
        trained_on=_trained(model.get("trained_on")),
        bundle_sha256=str(model.get("bundle_sha256") or ""),
        numbers=numbers,
        provenance=result["provenance"],
        source=path,
    )


def _trained(told: Any) -> str:
    """A card's `trained_on` in words: what is fake first, the genuine sources after it."""
    if not told or isinstance(told, str):
        return told or "not told"
    entries = [one if isinstance(one, dict) else {"set": one} for one in told]
    entries.sort(key=lambda one: one.get("label") != "fake")
    names = [str(one.get("method") or one.get("set") or "unnamed") for one in entries]
    names = list(dict.fromkeys(names))
    more = [f"{len(names) - MOST_SETS} more"] if len(names) > MOST_SETS else []
    return ", ".join([name[:80] for name in names[:MOST_SETS]] + more)


def _place(line: Line, metrics: tuple[str, ...]) -> tuple[bool, float, str]:
    number = line.numbers.get(metrics[0]) if metrics else None
    if number is None:
        return True, 0.0, line.model
    return False, number.value if metrics[0] in LOWER else -number.value, line.model


def _by_slice(
    found: Mapping[str, Mapping[str, Mapping[str, Number]]], metric: str
) -> dict[str, dict[str, Number]]:
    """Slice → model → the ranking metric's number, worst slices first by their best model."""
    turned: dict[str, dict[str, Number]] = {}
    for model, slices in found.items():
        for name, numbers in slices.items():
            if name != OVERALL and metric in numbers:
                turned.setdefault(name, {})[model] = numbers[metric]
    sign = -1 if metric in LOWER else 1
    return dict(
        sorted(turned.items(), key=lambda one: max(sign * n.value for n in one[1].values()))
    )
