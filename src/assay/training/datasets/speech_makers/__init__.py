"""Programs and networks that make artificial speech, offline, out of installed packages.

A `Reader` says a text with one of its voices; a `Copier` takes a genuine recording apart and puts
it together again with a vocoder. None of them is a dependency of this project: what is not
installed says so by `missing()`, and its part of a set is left out (docs/training-data.md).
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from assay.types import FloatArray


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono samples, (n,) float32 with full scale at 1, and their rate."""

    samples: FloatArray
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice: its name within its generator, and the language whose sentences it says."""

    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is said: `speed` and `pitch` are factors, 1 is the voice's own way."""

    speed: float = 1.0
    pitch: float = 1.0
    seed: int = 0


class Maker(Protocol):
    """What all makers have: a name, a licence, and where they come from."""

    name: str
    licence: str

    def missing(self) -> str:
        """What has to be installed first; empty where all is there."""

    def source(self) -> str:
        """The packages that were used, with their versions."""


class Reader(Maker, Protocol):
    """Text to speech."""

    def voices(self) -> tuple[Voice, ...]:
        """All voices that are installed, in an order that stays."""

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """The text as speech. Raises InputError where the generator gives none."""


class Copier(Maker, Protocol):
    """Copy-synthesis by a vocoder."""

    def copy(self, sound: Sound, seed: int) -> Sound:
        """The same speech, made anew; it begins where `sound` begins. Raises InputError."""


@lru_cache(maxsize=1)
def discover() -> dict[str, Maker]:
    """All makers of this package by name: each module's `MAKERS`."""
    found: dict[str, Maker] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for maker in importlib.import_module(f"{__name__}.{module}").MAKERS:
            found[maker.name] = maker
    return found
