from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from assay.errors import ConfigError
from assay.training.classify_split import Divided, divided
from assay.training.datasets.records import Label, Record, Split


def item(
    name: str, label: Label = "real", person: str = "", split: Split = "", donor: str = ""
) -> Record:
    return Record("made", name, "video", label, identity=person, split=split, donor=donor)


def people(n: int, each: int = 2) -> list[Record]:
    """n people with so many real and so many fake clips."""
    return [
        item(f"{label}/p{p}/{k}.mp4", label, f"p{p}")
        for p in range(n)
        for label in ("real", "fake")
        for k in range(each)
    ]


def by_split(found: Divided) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for record, group in zip(found.records, found.groups, strict=True):
        groups[record.split].add(group)
    return groups


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_on_two_sides_and_the_shares_are_met(seed: int) -> None:
    found = divided(people(40), seed)
    groups = by_split(found)
    assert not groups["train"] & groups["val"]
    assert not (groups["train"] | groups["val"]) & groups["test"]
    shares = Counter(record.split for record in found.records)
    assert [shares[s] / 160 for s in ("train", "val", "test")] == pytest.approx(
        [0.7, 0.15, 0.15], abs=0.03
    )
    assert found.leaking == ()


def test_every_method_is_divided_too() -> None:
    records = people(4) + [
        Record("made", f"fake/{m}{i}.mp4", "video", "fake", method=m, identity=f"{m}{i}")
        for m, n in (("rare", 10), ("common", 60))
        for i in range(n)
    ]
    for seed in range(5):
        counts = Counter((r.split, r.method) for r in divided(records, seed).records)
        assert [counts[s, "rare"] for s in ("train", "val", "test")] in (
            [7, 2, 1],
            [7, 1, 2],
            [6, 2, 2],
        )


def test_the_same_seed_divides_alike_whatever_the_order_and_another_does_not() -> None:
    records = people(20)

    def split_of(found: Divided) -> dict[str, str]:
        return {record.path: record.split for record in found.records}

    first = split_of(divided(records, 1))
    assert split_of(divided(records[::-1], 1)) == first
    assert split_of(divided(records, 2)) != first


@pytest.mark.parametrize("sizes", [(9, 1, 1, 1), (30, 2, 2, 1, 1), (1, 1, 1)])
def test_people_of_very_different_sizes_are_divided(sizes: tuple[int, ...]) -> None:
    records = [
        item(f"{label}/p{p}/{k}.mp4", label, f"p{p}")
        for p, n in enumerate(sizes)
        for label in ("real", "fake")
        for k in range(n)
    ]
    found = divided(records, 7)
    for split in ("train", "val", "test"):
        assert {r.label for r in found.records if r.split == split} == {"real", "fake"}


def test_people_with_one_label_alone_are_divided_too() -> None:
    records = [item(f"real/r{i}.mp4", "real", f"r{i}") for i in range(3)]
    records += [item(f"fake/f{i}.mp4", "fake", f"f{i}") for i in range(30)]
    found = divided(records, 7)
    counts = Counter((r.split, r.label) for r in found.records)
    assert all(
        counts[split, label] for split in ("train", "val", "test") for label in ("real", "fake")
    )


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_people_are_refused_with_a_way_out(n: int) -> None:
    with pytest.raises(ConfigError, match=f"There are {n} groups") as caught:
        divided(people(n, 5), 7)
    assert "real/PERSON/" in caught.value.remedy


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"0 groups .* of fake"):
        divided([item(f"real/r{i}.mp4") for i in range(9)], 7)


def test_a_swap_ties_both_its_people() -> None:
    records = people(12)
    records += [item(f"fake/swap{i}.mp4", "fake", f"p{i}", donor=f"p{i + 6}") for i in range(3)]
    found = divided(records, 7)
    split = {record.identity: record.split for record in found.records}
    assert all(split[f"p{i}"] == split[f"p{i + 6}"] for i in range(3))


def test_the_sets_own_split_is_kept_and_a_leak_is_told() -> None:
    splits: list[Split] = ["train", "val", "test"]
    records = [
        item(f"{s}/{label}.mp4", label, f"{s}-person", s)
        for s in splits
        for label in ("real", "fake")
    ]
    found = divided(records, 7)
    assert [r.split for r in found.records] == [r.split for r in records]
    assert found.drawn == ""
    assert found.lines()[0] == "The set's own split is kept."
    leaking = divided([*records, item("test/x.mp4", "fake", "train-person", "test")], 7)
    assert leaking.leaking == ("person made train-person",)
    assert "more than one part" in leaking.lines()[-1]


def test_a_missing_part_is_taken_from_training_alone() -> None:
    records = [item(r.path, r.label, r.identity, "train") for r in people(20)]
    records += [
        item(f"t/{i}.mp4", lb, f"t{i}", "test") for i in range(4) for lb in ("real", "fake")
    ]
    found = divided(records, 7)
    groups = by_split(found)
    assert {r.path for r in found.records if r.split == "test"} == {f"t/{i}.mp4" for i in range(4)}
    assert groups["val"]
    assert not groups["val"] & groups["train"]
    assert "no val part" in found.drawn


def test_items_without_a_split_go_where_their_person_is() -> None:
    splits: list[Split] = ["train", "val", "test"]
    records = [item(f"{s}/{lb}.mp4", lb, s, s) for s in splits for lb in ("real", "fake")]
    found = divided([*records, item("more.mp4", "real", "test"), item("new.mp4", "real", "new")], 7)
    assert [record.split for record in found.records[-2:]] == ["test", "train"]
    assert "2 items without a split" in found.drawn


def test_a_part_of_the_set_that_lacks_a_label_is_refused() -> None:
    splits: list[Split] = ["train", "val", "test"]
    records = [item(f"{s}/{lb}.mp4", lb, s, s) for s in splits for lb in ("real", "fake")]
    with pytest.raises(ConfigError, match="val part has no fake"):
        divided([r for r in records if (r.split, r.label) != ("val", "fake")], 7)


def test_every_part_is_told_with_its_people() -> None:
    lines = divided(people(20), 7).lines()
    assert lines[0].startswith("Divided 70/15/15 by group (seed 7)")
    assert lines[1] == "train: 28 real and 28 fake items of 14 groups"
