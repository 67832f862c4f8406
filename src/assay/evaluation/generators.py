"""Which generators a model has seen: what its card says of its training, laid beside the data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from assay.evaluation.models import About
from assay.training.datasets.records import Record

Seen = Literal["seen", "unseen", "unknown"]
_METHOD_KEYS = ("method", "methods", "generator", "generators", "forger", "forgers")
_SET_KEYS = ("set", "dataset", "datasets", "name")


def plain(name: str) -> str:
    """A name without case and signs: "Face2Face" and "face_2_face" are one generator."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def state_of(about: About, dataset: str, method: str, trained: Iterable[Record] = ()) -> Seen:
    """Whether the model was trained on fakes of this generator.

    "seen" where its card names the generator, or names the whole set without naming any of its
    generators; "unknown" where neither its card nor a training manifest (`trained`) says anything.
    A card may call a set by its generator's name, as assay's own do.
    """
    records = [record for record in trained if record.label == "fake"]
    if about.trained_on is None and not records:
        return "unknown"
    named = {plain(record.method) for record in records}
    named |= {one for entry in about.trained_on or () for one in _fakes_of(entry, dataset)}
    return "seen" if plain(method) in named or plain(dataset) + "*" in named else "unseen"


def _fakes_of(entry: Mapping[str, Any], dataset: str) -> set[str]:
    """The generators that one entry of a card names; `<set>*` for a whole set."""
    if str(entry.get("label", "")).lower() in ("real", "genuine", "bona fide", "bonafide"):
        return set()
    methods = set(_words(entry, _METHOD_KEYS))
    sets = set(_words(entry, _SET_KEYS))
    if methods:
        return methods
    return sets | {name + "*" for name in sets if name == plain(dataset)}


def _words(entry: Mapping[str, Any], keys: Iterable[str]) -> Iterable[str]:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, Mapping):
            yield from (plain(str(name)) for name in value)
        elif isinstance(value, list | tuple):
            yield from (plain(str(one)) for one in value)
        elif value:
            yield plain(str(value))


def training_summary(about: About) -> list[str] | None:
    """What the model was trained on, in a few words each; None where nobody says."""
    if about.trained_on is None:
        return None
    found = []
    for entry in about.trained_on:
        first = next((str(entry[k]) for k in (*_SET_KEYS, *_METHOD_KEYS) if entry.get(k)), "?")
        method = entry.get("method")
        text = f"{first}/{method}" if method and str(method) != first else first
        found.append(text + (f" ({entry['label']})" if entry.get("label") else ""))
    return list(dict.fromkeys(found))
