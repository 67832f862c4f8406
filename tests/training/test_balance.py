from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from assay.training.balance import Balanced, grouped


@dataclass(frozen=True)
class One:
    source: str
    group: str


def drawn(examples: list[One], n: int = 4000) -> Counter[str]:
    balanced = Balanced(examples, lambda one: one.source)
    rng = np.random.default_rng(0)
    return Counter(balanced.draw(rng).source for _ in range(n))


def test_a_large_source_is_drawn_by_its_fourth_root() -> None:
    examples = [One("small", "a")] + [One("large", "b")] * 81
    found = drawn(examples)
    assert found["large"] / found["small"] == pytest.approx(3, rel=0.15)


def test_many_people_count_as_much_as_many_pictures() -> None:
    one_person = [One("few", "a")] * 16
    sixteen = [One("many", f"p{n}") for n in range(16)]
    found = drawn(one_person + sixteen)
    assert found["many"] / found["few"] == pytest.approx(2, rel=0.15)


def test_all_of_a_source_are_drawn_alike() -> None:
    examples = [One("s", f"g{n}") for n in range(4)]
    balanced = Balanced(examples, lambda one: one.source)
    rng = np.random.default_rng(1)
    found = Counter(balanced.draw(rng).group for _ in range(4000))
    assert min(found.values()) > 900


def test_groups_keep_their_order() -> None:
    parts = grouped([One("b", "1"), One("a", "2"), One("b", "3")], lambda one: one.source)
    assert list(parts) == ["b", "a"]
    assert [one.group for one in parts["b"]] == ["1", "3"]
