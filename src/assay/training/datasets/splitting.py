"""Divide a manifest into training, validation and test without dividing a person or a footage."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from assay.errors import ConfigError
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.records import Record, Split, groups_of

By = Literal["identity", "source", "both"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SUM_TOLERANCE = 1e-6
COLLAPSED = 0.5
"""A group that holds more than this share of all items is told of."""


@dataclass(frozen=True, slots=True)
class Divided:
    """A manifest with its splits, what it was asked to be, and what a reader should know."""

    manifest: Manifest
    shares: Mapping[Split, float]
    n_groups: int
    largest_group: int
    warnings: tuple[str, ...]


def split(
    manifest: Manifest,
    shares: Sequence[float] = (0.7, 0.15, 0.15),
    *,
    by: By = "both",
    with_donor: bool = True,
    seed: int = 0,
) -> Divided:
    """Give each group to one split, so that labels and methods are divided by the shares as well
    as the groups allow.

    `by` is what must not be divided: people ("identity"), footage ("source") or either. The same
    items, shares and seed give the same splits, in whatever order the items stand. Raises
    ConfigError for shares that are none, and where a split that should hold something cannot.
    """
    wanted = _shares(shares)
    groups = grouped(manifest.records, by, with_donor)
    n_groups = len(set(groups))
    needed = sum(share > 0 for share in wanted.values())
    if n_groups < needed:
        raise ConfigError(
            f"{len(groups)} items are {n_groups} group(s): that cannot be divided into {needed}. "
            + " ".join(_why_collapsed(manifest.records, groups, by, with_donor)),
            remedy="Try --without-donor, --by source or fewer shares.",
        )
    given = _assigned(manifest.records, groups, wanted, seed)
    records = [
        replace(record, split=given[group])
        for record, group in zip(manifest.records, groups, strict=True)
    ]
    donors = "with" if with_donor else "without"
    told = ",".join(f"{share:g}" for share in wanted.values())
    made_by = (
        f"{manifest.made_by}; assay data split --shares {told} --by {by} --{donors}-donor "
        f"--seed {seed}"
    )
    return Divided(
        manifest.with_records(records, made_by),
        wanted,
        n_groups,
        max(Counter(groups).values()),
        tuple(_warnings(records, groups, wanted, by, with_donor)),
    )


def grouped(records: Sequence[Record], by: By, with_donor: bool) -> list[str]:
    """`groups_of` with only those ties that `by` counts."""
    if by not in get_args(By):
        raise ConfigError(f"--by {by!r} is none of {', '.join(get_args(By))}.")
    if by == "identity":
        records = [replace(record, source="") for record in records]
    elif by == "source":
        records = [replace(record, identity="", donor="") for record in records]
    return groups_of(records, with_donor=with_donor)


def _shares(shares: Sequence[float]) -> dict[Split, float]:
    good = 1 <= len(shares) <= 3 and all(0 <= share <= 1 for share in shares)
    if not good or abs(sum(shares) - 1) > SUM_TOLERANCE:
        shown = ",".join(f"{share:g}" for share in shares)
        raise ConfigError(
            f"The shares {shown} are not up to three numbers from 0 to 1 that make 1 together.",
            remedy="For example --shares .7,.15,.15 (training, validation, test).",
        )
    full = [*shares, 0.0, 0.0][:3]
    return dict(zip(SPLITS, full, strict=True))


def _assigned(
    records: Sequence[Record], groups: Sequence[str], shares: Mapping[Split, float], seed: int
) -> dict[str, Split]:
    """Each group's split: the largest first, each where it brings the kinds of items nearest to
    their shares (greedy, after Sechidis et al. 2011); equal ones in the seed's order."""
    kinds = sorted({_kind(record) for record in records})
    number = {kind: k for k, kind in enumerate(kinds)}
    held: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(kinds)))
    for record, group in zip(records, groups, strict=True):
        held[group][number[_kind(record)]] += 1
    names = [name for name in SPLITS if shares[name] > 0]
    share = np.array([shares[name] for name in names])
    totals = np.sum(list(held.values()), axis=0)
    # A kind counts as one whole, and so do the items altogether.
    weights = 1 / np.r_[totals, totals.sum()] ** 2
    now = np.zeros((len(names), len(kinds) + 1))
    goal = share[:, None] * np.r_[totals, totals.sum()]
    given: dict[str, Split] = {}
    order = sorted(held, key=lambda group: (-held[group].sum(), _drawn(group, seed)))
    for place, group in enumerate(order):
        own = np.r_[held[group], held[group].sum()]
        left = len(order) - place
        empty = [k for k in range(len(names)) if now[k, -1] == 0]
        # The last groups go to splits that would stay empty.
        open_ = empty if len(empty) >= left else list(range(len(names)))
        best = min(open_, key=lambda k: (_cost(now[k], own, goal[k], weights, float(share[k])), k))
        now[best] += own
        given[group] = names[best]
    return given


def _cost(
    now: np.ndarray, own: np.ndarray, goal: np.ndarray, weights: np.ndarray, share: float
) -> float:
    """How much further from the split's goals the group brings it, for the size of the split."""
    before, after = (now - goal) ** 2, (now + own - goal) ** 2
    return float(((after - before) * weights).sum() / share)


def _kind(record: Record) -> tuple[str, str, str]:
    return (record.dataset, record.label, record.method or record.eye)


def _drawn(group: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {group}".encode("utf-8", "surrogateescape")).hexdigest()


def _warnings(
    records: Sequence[Record],
    groups: Sequence[str],
    shares: Mapping[Split, float],
    by: By,
    with_donor: bool,
) -> list[str]:
    found = _why_collapsed(records, groups, by, with_donor)
    for name, share in shares.items():
        n = sum(record.split == name for record in records)
        if share and abs(n / len(records) - share) > max(0.05, share / 4):
            found.append(
                f"{name} holds {n / len(records):.0%} of the items where {share:.0%} were asked "
                "for: the groups allow no better."
            )
        labels = {record.label for record in records if record.split == name}
        if share and len(labels) < len({record.label for record in records}):
            found.append(f"{name} holds only {', '.join(sorted(labels)) or 'nothing'}.")
    return found


def _why_collapsed(
    records: Sequence[Record], groups: Sequence[str], by: By, with_donor: bool
) -> list[str]:
    """What makes one group of most items, and which other ways would leave how many groups."""
    largest = max(Counter(groups).values(), default=0)
    if len(records) < 2 or largest <= COLLAPSED * len(records):
        return []
    others = []
    for other, donors in ((by, False), ("identity", False), ("source", False)):
        if (other, donors) == (by, with_donor):
            continue
        apart = Counter(grouped(records, other, donors))
        what = f"--by {other} --without-donor" if other != "source" else "--by source"
        line = f"{what}: {len(apart)} groups, the largest of {max(apart.values())}"
        if line not in others:
            others.append(line)
    swaps = sum(1 for record in records if record.donor)
    tie = "the people of swaps and their donors" if with_donor and swaps else "people and footage"
    return [
        f"{largest} of {len(records)} items are one group, joined by {tie}; a split cannot divide "
        f"them. {'; '.join(others)}."
    ]


def table(records: Sequence[Record]) -> list[tuple[str, ...]]:
    """(label, method, train, val, test, none) with counts as texts, for the reader."""
    kinds = sorted({(record.label, record.method) for record in records})
    counts = Counter((record.label, record.method, record.split) for record in records)
    rows = [(*kind, *(str(counts[(*kind, name)]) for name in (*SPLITS, ""))) for kind in kinds]
    totals = Counter(record.split for record in records)
    return [*rows, ("all", "", *(str(totals[name]) for name in (*SPLITS, "")))]
