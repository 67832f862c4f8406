from __future__ import annotations

from dataclasses import replace

import pytest

from assay.errors import ConfigError
from assay.training.datasets.records import FakeSpan, PublishedCount, Record, groups_of

PLAIN = Record(dataset="set", path="a/b.mp4", modality="video", label="fake")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", "FAKE"),
        ("label", ""),
        ("modality", "movie"),
        ("split", "validation"),
        ("path", ""),
        ("path", "/etc/passwd"),
        ("path", "a/../../b.mp4"),
    ],
)
def test_a_record_refuses_what_is_none(field: str, value: str) -> None:
    with pytest.raises(ConfigError):
        replace(PLAIN, **{field: value})


@pytest.mark.parametrize(("start_s", "end_s"), [(-0.1, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_a_span_runs_forward(start_s: float, end_s: float) -> None:
    with pytest.raises(ConfigError):
        FakeSpan(start_s, end_s)


def named(path: str, identity: str = "", donor: str = "", source: str = "") -> Record:
    return replace(PLAIN, path=path, identity=identity, donor=donor, source=source)


def test_people_and_footage_join_items_through_others() -> None:
    rows = [
        named("1", identity="ann", source="park"),
        named("2", identity="bob", source="park"),
        named("3", identity="bob", source="sea"),
        named("4", identity="cid"),
        named("5"),
        named("6"),
    ]
    one, two, three, four, five, six = groups_of(rows)
    assert one == two == three
    assert len({one, four, five, six}) == 4


def test_a_donor_joins_only_where_asked() -> None:
    rows = [named("1", identity="ann", donor="bob"), named("2", identity="bob")]
    assert len(set(groups_of(rows))) == 1
    assert len(set(groups_of(rows, with_donor=False))) == 2


def test_the_same_name_in_another_set_is_another_person() -> None:
    rows = [named("1", identity="id0"), replace(named("2", identity="id0"), dataset="other")]
    assert len(set(groups_of(rows))) == 2


def test_groups_do_not_depend_on_the_order_of_the_rows() -> None:
    rows = [named(str(i), identity=f"p{i}", source=f"s{i // 2}") for i in range(8)]
    rows += [named("9", identity="p1", source="s3")]
    there = dict(zip([r.path for r in rows], groups_of(rows), strict=True))
    back = dict(zip([r.path for r in rows[::-1]], groups_of(rows[::-1]), strict=True))
    for a in there:
        for b in there:
            assert (there[a] == there[b]) == (back[a] == back[b])


def test_a_published_count_counts_what_fits_all_of_it() -> None:
    rows = [replace(PLAIN, split="test"), PLAIN, replace(PLAIN, label="real", split="test")]
    assert PublishedCount(3).of(rows) == 3
    assert PublishedCount(1, {"label": "fake", "split": "test"}).of(rows) == 1
