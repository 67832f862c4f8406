"""What differs between two prediction matrices: items, scores, verdicts, and whether it matters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.evaluation.measures import Scored, scored_of
from assay.evaluation.predictions import FILE, Matrix, Prediction
from assay.evaluation.significance import compare

SHOWN = 20
COMPARED = ("logit", "p_fake", "threshold")
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Flip:
    """An item whose answer changed: at the threshold, or between a score and none."""

    item: tuple[str, str, str]
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One model of A beside one of B, rows of both levels together.

    `n_same` rows agree within the tolerance, `n_changed` do not; `largest` is the largest change
    of each number with the row where it is; `changed` shows the first of them, largest first.
    """

    a: str
    b: str
    only_a: tuple[Key, ...]
    only_b: tuple[Key, ...]
    n_same: int
    n_changed: int
    largest: Mapping[str, tuple[float, Key]]
    changed: tuple[tuple[Key, str, float | None, float | None], ...]
    flips: tuple[Flip, ...]
    relabelled: tuple[Key, ...]
    same_network: bool
    significance: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def identical(self) -> bool:
        """Whether both say the same of the same items."""
        counted = (self.only_a, self.only_b, self.flips, self.relabelled)
        return not self.n_changed and not any(counted)

    def as_result(self) -> dict[str, Any]:
        """Plain values for --json."""
        return {
            "a": self.a,
            "b": self.b,
            "identical": self.identical,
            "same_network": self.same_network,
            "n_same": self.n_same,
            "n_changed": self.n_changed,
            "n_only_a": len(self.only_a),
            "n_only_b": len(self.only_b),
            "only_a": [spelled(key) for key in self.only_a[:SHOWN]],
            "only_b": [spelled(key) for key in self.only_b[:SHOWN]],
            "largest": {k: {"change": v, "row": spelled(r)} for k, (v, r) in self.largest.items()},
            "n_flips": len(self.flips),
            "flips": [
                {"item": spelled(f.item), "label": f.label, "before": f.before, "after": f.after}
                for f in self.flips[:SHOWN]
            ],
            "n_relabelled": len(self.relabelled),
            "relabelled": [spelled(key) for key in self.relabelled[:SHOWN]],
            "significance": [dict(row) for row in self.significance],
        }


def diff(
    a: Matrix, b: Matrix, *, tolerance: float = 1e-6, n_draws: int = 1000, seed: int = 0
) -> list[Pair]:
    """Each model of A beside the model of B with its name; one in each file are compared whatever
    their names are. A model without a counterpart is compared with nothing: all its rows are only
    on its side. `tolerance` is the largest difference that counts as none.
    """
    names = _pairs(a.models, b.models)
    return [_pair(a, b, one, other, tolerance, n_draws, seed) for one, other in names]


def _pairs(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, str]]:
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    found = [(name, name if name in b else "") for name in a]
    return found + [("", name) for name in b if name not in a]


def _pair(
    a: Matrix, b: Matrix, one: str, other: str, tolerance: float, n_draws: int, seed: int
) -> Pair:
    first = {row.key[1:]: row for row in a.rows if row.model == one}
    second = {row.key[1:]: row for row in b.rows if row.model == other}
    both = [key for key in first if key in second]
    changes = [change for key in both for change in _changes(key, first[key], second[key])]
    changes = [change for change in changes if not _within(change[2], change[3], tolerance)]
    changes.sort(key=lambda change: -_size(change[2], change[3]))
    largest: dict[str, tuple[float, Key]] = {}
    for key, name, before, after in changes:
        size = _size(before, after)
        if math.isfinite(size):
            largest.setdefault(name, (size, key))
    changed = {change[0] for change in changes}
    return Pair(
        a=one,
        b=other,
        only_a=tuple(key for key in first if key not in second),
        only_b=tuple(key for key in second if key not in first),
        n_same=len(both) - len(changed),
        n_changed=len(changed),
        largest=largest,
        changed=tuple(changes[:SHOWN]),
        flips=tuple(f for key in both if (f := _flip(first[key], second[key])) is not None),
        relabelled=tuple(key for key in both if first[key].label != second[key].label),
        same_network={row.model_sha256 for row in first.values()}
        == {row.model_sha256 for row in second.values()},
        significance=_significance(first, second, n_draws, seed) if changes else (),
    )


def _changes(
    key: Key, one: Prediction, other: Prediction
) -> list[tuple[Key, str, float | None, float | None]]:
    return [(key, name, getattr(one, name), getattr(other, name)) for name in COMPARED]


def _within(before: float | None, after: float | None, tolerance: float) -> bool:
    return _size(before, after) <= tolerance


def _size(before: float | None, after: float | None) -> float:
    if before is None or after is None:
        return 0.0 if before is after else math.inf
    return abs(before - after)


def _flip(one: Prediction, other: Prediction) -> Flip | None:
    if one.level != FILE:
        return None
    before, after = _answer(one), _answer(other)
    return None if before == after else Flip(one.item, one.label, before, after)


def _answer(row: Prediction) -> str:
    if row.status != "scored":
        return row.status
    return {True: "fires", False: "silent", None: "scored"}[row.fired]


def _significance(
    first: Mapping[Key, Prediction], second: Mapping[Key, Prediction], n_draws: int, seed: int
) -> list[dict[str, Any]]:
    """Whether B is better or worse than A on the unchanged items that both scored."""
    sides: list[Scored] = []
    for name, rows in (("A", first), ("B", second)):
        kept = [row for row in rows.values() if row.level == FILE and not row.variant]
        if not any(row.status == "scored" for row in kept):
            return []
        try:
            sides.append(scored_of(name, kept))
        except ValueError:
            return []
    return compare(sides[0], sides[1], "overall", n_draws, seed)


def spelled(key: Sequence[Any]) -> str:
    """An item or a row in words."""
    dataset, name, variant, *place = key
    text = f"{dataset}: {name}" + (f" after {variant}" if variant else "")
    if place and place[0] != FILE:
        text += f", {place[0]} of track {place[1]} at {place[2]} s"
    return text
