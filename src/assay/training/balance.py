"""Draw among sources of very different sizes so that none drowns the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import numpy as np


class Grouped(Protocol):
    """Anything that belongs to a group (a person, a clip) which must not be divided."""

    @property
    def group(self) -> str:
        """The group's name."""
        ...


One = TypeVar("One", bound=Grouped)


def grouped(examples: Iterable[One], key: Callable[[One], str]) -> dict[str, list[One]]:
    """The examples by `key`, in the order of their first appearance."""
    groups: dict[str, list[One]] = {}
    for example in examples:
        groups.setdefault(key(example), []).append(example)
    return groups


class Balanced(Generic[One]):
    """Examples by source; a source is drawn by the fourth root of its examples times its groups,
    so that neither a large source nor many frames of few people drown the others."""

    def __init__(self, examples: Iterable[One], key: Callable[[One], str]) -> None:
        self.parts = list(grouped(examples, key).values())
        sizes = [len(part) * len({one.group for one in part}) for part in self.parts]
        odds = np.asarray(sizes, float) ** 0.25
        self.odds = odds / max(odds.sum(), 1e-9)

    def draw(self, rng: np.random.Generator) -> One:
        """One example."""
        part = self.parts[int(rng.choice(len(self.parts), p=self.odds))]
        return part[int(rng.integers(len(part)))]
