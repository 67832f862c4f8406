"""Training, validation and test parts of a data set, no person or footage in two of them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from assay.errors import ConfigError
from assay.training.datasets.records import Record, groups_of

SPLITS = ("train", "val", "test")
SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
LABELS = ("real", "fake")
Kind = tuple[str, str]
"""A label, and of fakes the method."""
NEEDED = "Training, validation and test each need a person of both labels that no other part has."


@dataclass(frozen=True, slots=True)
class Divided:
    """Records with a split each. `groups` are theirs, in the same order; `drawn` tells what was
    divided here ("" where the set's own split was kept), `leaking` the groups that the set's own
    split has on several sides."""

    records: tuple[Record, ...]
    groups: tuple[str, ...]
    drawn: str
    leaking: tuple[str, ...]

    def lines(self) -> list[str]:
        """What a user should know: who decided, and how many items and people each part has."""
        how = self.drawn or "The set's own split is kept."
        lines = [how, *(self._line(split) for split in SPLITS)]
        if self.leaking:
            n, first = len(self.leaking), self.leaking[0]
            lines.append(
                f"Warning: {n} groups (the first: {first}) stand in more than one part of the "
                "set's own split; the test is easier for it."
            )
        return lines

    def _line(self, split: str) -> str:
        rows = [(r, g) for r, g in zip(self.records, self.groups, strict=True) if r.split == split]
        n_fake = sum(record.label == "fake" for record, _ in rows)
        people = len({group for _, group in rows})
        return f"{split}: {len(rows) - n_fake} real and {n_fake} fake items of {people} groups"


def divided(records: Sequence[Record], seed: int) -> Divided:
    """The records with a split each: the set's own, and what it lacks drawn 70/15/15 by group.

    A group is who shares a person or a footage. Without any split all are divided; a set without
    validation or test gives them up from its training part. Every part holds both labels. Raises
    ConfigError where there are too few groups for that.
    """
    groups = groups_of(records)
    own: list[str] = [record.split for record in records]
    told = {record.split for record in records if record.split}
    missing = [split for split in ("val", "test") if split not in told]
    drawn = ""
    if not told:
        own = _filled(records, groups, SHARES, seed)
        drawn = f"Divided 70/15/15 by group (seed {seed}); the set has no split."
    else:
        own, n_joined = _joined(own, groups)
        if missing:
            own = _given_up(records, groups, own, missing, seed)
            drawn = f"The set has no {' and no '.join(missing)} part: 15 % of its training groups."
        if n_joined:
            drawn = f"{drawn} {n_joined} items without a split joined a part by group.".strip()
    placed = tuple(replace(r, split=s) for r, s in zip(records, own, strict=True))  # type: ignore[arg-type]
    _require_both(placed, groups)
    return Divided(placed, tuple(groups), drawn, _on_several_sides(placed, groups))


def _joined(own: Sequence[str], groups: Sequence[str]) -> tuple[list[str], int]:
    """Items without a split go where their group is, else to training."""
    of_group: dict[str, str] = {}
    for split, group in zip(own, groups, strict=True):
        if split:
            of_group.setdefault(group, split)
    placed = [s or of_group.get(g, "train") for s, g in zip(own, groups, strict=True)]
    return placed, sum(not split for split in own)


def _given_up(
    records: Sequence[Record],
    groups: Sequence[str],
    own: Sequence[str],
    missing: Sequence[str],
    seed: int,
) -> list[str]:
    """The training items divided again, so that the missing parts come about."""
    elsewhere = {g for g, s in zip(groups, own, strict=True) if s != "train"}
    free = [
        i for i, (g, s) in enumerate(zip(groups, own, strict=True))
        if s == "train" and g not in elsewhere
    ]  # fmt: skip
    shares = {split: SHARES[split] for split in ("train", *missing)}
    drawn = _filled([records[i] for i in free], [groups[i] for i in free], shares, seed)
    placed = list(own)
    for i, split in zip(free, drawn, strict=True):
        placed[i] = split
    return placed


def _filled(
    records: Sequence[Record], groups: Sequence[str], shares: Mapping[str, float], seed: int
) -> list[str]:
    """A split for each record: whole groups, each to where its labels and methods lack most."""
    counts = _counts(records, groups)
    total = Counter(_kind(record) for record in records)
    whole = sum(shares.values())
    lack = {
        s: {kind: n * share / whole for kind, n in total.items()} for s, share in shares.items()
    }
    placed: dict[str, str] = {}
    # Large groups first: the small ones then even out what is left.
    for group in sorted(counts, key=lambda g: (-counts[g].total(), _order(seed, g))):
        own = counts[group]
        split = max(lack, key=lambda s: (_worth(own, lack[s], total), shares[s]))
        placed[group] = split
        for kind, n in own.items():
            lack[split][kind] -= n
    _repaired(placed, counts, shares)
    return [placed[group] for group in groups]


def _worth(own: Mapping[Kind, int], lack: Mapping[Kind, float], total: Mapping[Kind, int]) -> float:
    """How much better the part's lack gets: what it lacks, in shares of each kind."""
    return sum((lack[k] / total[k]) ** 2 - ((lack[k] - n) / total[k]) ** 2 for k, n in own.items())


def _repaired(
    placed: dict[str, str], counts: Mapping[str, Counter[Kind]], shares: Iterable[str]
) -> None:
    """Give every part both labels, by the smallest groups of parts that can spare them."""
    for label in LABELS:
        for split in shares:
            having = [g for g, s in placed.items() if s == split and _has(counts[g], label)]
            if having:
                continue
            spare = [g for g in placed if _has(counts[g], label) and _can_go(g, placed, counts)]
            if not spare:
                n = sum(_has(count, label) for count in counts.values())
                raise ConfigError(
                    f"There are {n} groups (people, footages) of {label} items, too few to divide "
                    "so that none is on two sides.",
                    remedy=NEEDED + " Name people by folders: real/PERSON/, fake/METHOD/PERSON/.",
                )
            placed[min(spare, key=lambda g: (counts[g].total(), g))] = split


def _can_go(group: str, placed: Mapping[str, str], counts: Mapping[str, Counter[Kind]]) -> bool:
    """Whether its part keeps both labels without it."""
    stay = [g for g, s in placed.items() if s == placed[group] and g != group]
    return all(
        not _has(counts[group], lb) or any(_has(counts[g], lb) for g in stay) for lb in LABELS
    )


def _kind(record: Record) -> Kind:
    return (record.label, record.method if record.label == "fake" else "")


def _counts(records: Sequence[Record], groups: Sequence[str]) -> dict[str, Counter[Kind]]:
    counts: dict[str, Counter[Kind]] = defaultdict(Counter)
    for record, group in zip(records, groups, strict=True):
        counts[group][_kind(record)] += 1
    return dict(counts)


def _has(count: Mapping[Kind, int], label: str) -> bool:
    return any(own == label for own, _ in count)


def _order(seed: int, group: str) -> str:
    return hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()


def _require_both(records: Sequence[Record], groups: Sequence[str]) -> None:
    """Raises ConfigError where a part lacks a label."""
    for split in SPLITS:
        for label in LABELS:
            if not any(r.split == split and r.label == label for r in records):
                n = len({g for r, g in zip(records, groups, strict=True) if r.label == label})
                raise ConfigError(
                    f"The {split} part has no {label} item; the set has {n} groups of them.",
                    remedy=NEEDED,
                )


def _on_several_sides(records: Sequence[Record], groups: Sequence[str]) -> tuple[str, ...]:
    sides: dict[str, set[str]] = defaultdict(set)
    for record, group in zip(records, groups, strict=True):
        sides[group].add(record.split)
    return tuple(sorted(group for group, splits in sides.items() if len(splits) > 1))
