from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import ConfigError
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.records import Record
from assay.training.datasets.splitting import grouped, split, table


def row(k: int, label: str = "real", method: str = "", **ties: str) -> Record:
    return Record("made", f"{k:05}.mp4", "video", label, method, **ties)  # type: ignore[arg-type]


def people(n: int = 200) -> list[Record]:
    """People with a genuine video each and a forgery of two methods, some with many."""
    rows = []
    for k in range(n):
        for copy in range(1 + 6 * (k % 10 == 0)):
            rows.append(row(10 * k + copy, identity=f"p{k}"))
        method = "swap" if k % 3 else "reenact"
        rows.append(row(10 * k + 9, "fake", method, identity=f"p{k}"))
    return rows


def of(rows: list[Record]) -> Manifest:
    return Manifest(Path("set"), tuple(rows))


def test_nobody_is_in_two_splits_and_kinds_have_their_shares() -> None:
    divided = split(of(people()))
    records = divided.manifest.records
    splits = {}
    for one in records:
        assert splits.setdefault(one.identity, one.split) == one.split
    counts = Counter((one.label, one.method, one.split) for one in records)
    for kind in {(one.label, one.method) for one in records}:
        n = sum(counts[(*kind, name)] for name in ("train", "val", "test"))
        shares = [counts[(*kind, name)] / n for name in ("train", "val", "test")]
        assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.04)
    assert divided.warnings == ()


def test_order_does_not_matter_and_the_seed_does() -> None:
    rows = people(60)
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)

    def splits(rows: list[Record], seed: int) -> dict[str, str]:
        return {one.path: one.split for one in split(of(rows), seed=seed).manifest.records}

    assert splits(rows, 0) == splits(shuffled, 0)
    assert splits(rows, 0) != splits(rows, 1)


def test_donors_that_join_everything_are_told_of() -> None:
    names = [f"p{k}" for k in range(12)]
    rows = [row(k, identity=name) for k, name in enumerate(names)]
    rows += [
        row(100 + 12 * a + b, "fake", "swap", identity=names[a], donor=names[b])
        for a in range(12)
        for b in range(12)
        if a != b
    ]
    with pytest.raises(ConfigError, match=r"144 of 144 items are one group.*without-donor"):
        split(of(rows))
    divided = split(of(rows), with_donor=False)
    assert divided.n_groups == 12
    assert {one.split for one in divided.manifest.records} == {"train", "val", "test"}
    # One more person makes two groups: it can be done, and nobody would want it.
    most = split(of([*rows, row(900, identity="alone")]), (0.5, 0.5))
    assert "144 of 145 items are one group, joined by the people" in most.warnings[0]
    assert "--by identity --without-donor: 13 groups" in most.warnings[0]
    assert any("holds only real" in warning for warning in most.warnings)


def test_by_says_what_ties() -> None:
    rows = [
        row(0, identity="ann", source="one"), row(1, identity="ann", source="two"),
        row(2, identity="bob", source="two"), row(3),
    ]  # fmt: skip
    sizes = {
        by: sorted(Counter(grouped(rows, by, True)).values())  # type: ignore[arg-type]
        for by in ("identity", "source", "both")
    }
    assert sizes == {"identity": [1, 1, 2], "source": [1, 1, 2], "both": [1, 3]}
    with pytest.raises(ConfigError, match="'person'"):
        grouped(rows, "person", True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "shares", [(), (0.5,), (0.5, 0.6), (-0.1, 1.1), (0.25,) * 4, (float("nan"), 1.0)]
)
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="shares"):
        split(of(people(10)), shares)


def test_a_split_of_no_share_stays_empty() -> None:
    divided = split(of(people(30)), (0.8, 0, 0.2))
    assert {one.split for one in divided.manifest.records} == {"train", "test"}
    only = split(of(people(5)), (1,))
    assert {one.split for one in only.manifest.records} == {"train"}


@settings(max_examples=60, deadline=None)
@given(
    ties=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=40),
    seed=st.integers(0, 5),
)
def test_whatever_the_ties_no_group_is_divided(
    ties: list[tuple[int, int, bool]], seed: int
) -> None:
    rows = [
        row(k, "fake" if fake else "real", identity=f"p{a}", source=f"s{b}" if b else "")
        for k, (a, b, fake) in enumerate(ties)
    ]
    try:
        divided = split(of(rows), (0.5, 0.25, 0.25), seed=seed)
    except ConfigError:
        assert len(set(grouped(rows, "both", True))) < 3
        return
    of_group: dict[str, set[str]] = {}
    groups = grouped(rows, "both", True)
    for group, one in zip(groups, divided.manifest.records, strict=True):
        of_group.setdefault(group, set()).add(one.split)
    assert {len(splits) for splits in of_group.values()} == {1}
    assert {one.split for one in divided.manifest.records} == {"train", "val", "test"}


def test_the_table_sums_up() -> None:
    rows = table(split(of(people(20))).manifest.records)
    assert rows[-1][:2] == ("all", "")
    assert sum(int(cell) for cell in rows[-1][2:]) == len(people(20))
