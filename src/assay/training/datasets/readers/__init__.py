"""Readers of the field's data sets: one file each, found by walking this folder."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from assay.errors import ConfigError
from assay.training.datasets.records import Notice, PublishedCount, Record


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller may choose when a set is read: the values there are, the first is taken
    where none is chosen. "all" among them reads every one."""

    values: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class About:
    """What `assay data list` tells of a set.

    `labels` are those it holds, `splits` its own ones. `licence` is a note on its terms, `obtain`
    says how to get it, `paper` names its source, `bibtex` cites it. `quirks` are its traps and
    what the reader does about them. `layout` shows the folders that the reader expects.
    """

    name: str
    title: str
    modalities: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    licence: str
    obtain: str
    paper: str
    layout: str
    bibtex: str = ""
    published: tuple[PublishedCount, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    quirks: tuple[str, ...] = ()


class Reader(ABC):
    """Reads one set's folder as it is distributed; opens label files only, never the media."""

    about: ClassVar[About]

    @abstractmethod
    def recognises(self, root: Path) -> bool:
        """Whether this folder looks like the set; looks at a few names only."""

    @abstractmethod
    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """Every item, sorted by path, and notices of what was odd.

        Items that the set's label files name are given even where the file is missing; `choices`
        holds a value for each of `about.choices`. Raises ConfigError, naming the file and line,
        where a label file cannot be read or contradicts itself.
        """


def discover() -> dict[str, Reader]:
    """All readers by name, sorted. Raises ConfigError where two share a name."""
    found: dict[str, Reader] = {}
    for module in pkgutil.iter_modules(__path__):
        for reader in _readers_of(module.name):
            if reader.about.name in found:
                raise ConfigError(f"Two readers are called {reader.about.name!r}.")
            found[reader.about.name] = reader
    return dict(sorted(found.items()))


def _readers_of(module_name: str) -> tuple[Reader, ...]:
    module = importlib.import_module(f"{__name__}.{module_name}")
    # A file that several sets share (a parser of theirs) holds no reader.
    makers: tuple[Callable[[], Reader], ...] = getattr(module, "READERS", ())
    return tuple(make() for make in makers)


def settled(reader: Reader, chosen: Mapping[str, str]) -> dict[str, str]:
    """A value for each of the reader's choices. Raises ConfigError on an unknown one."""
    known = reader.about.choices
    for name, value in chosen.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise ConfigError(f"{reader.about.name} has no choice {name!r} (it has: {there}).")
        if value not in known[name].values:
            there = ", ".join(known[name].values)
            raise ConfigError(f"{reader.about.name}: {name} {value!r} is none of {there}.")
    return {name: chosen.get(name, choice.values[0]) for name, choice in known.items()}


def recognised(root: Path) -> list[str]:
    """The names of the readers that take this folder for their set."""
    return [name for name, reader in discover().items() if reader.recognises(root)]
