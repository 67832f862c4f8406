"""The examined pictures of a result, and the maps that a page lays over them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PICTURE = re.compile(r"picture-(\d+)\.jpg")
OVERLAY = re.compile(r"overlay-(\d+)-(\d+)\.png")


@dataclass(frozen=True, slots=True)
class Layer:
    """One artifact as a page shows it."""

    address: str
    caption: str


@dataclass(frozen=True, slots=True)
class Laid:
    """One examined picture and its maps, which have its size."""

    picture: Layer
    maps: tuple[Layer, ...]


def laid(examination_id: str, artifacts: Sequence[Mapping[str, str]]) -> list[Laid]:
    """Every picture with its maps, in the order in which they were written."""
    pictures: dict[str, Layer] = {}
    maps: dict[str, list[Layer]] = {}
    for number, one in enumerate(artifacts, 1):
        layer = Layer(address(examination_id, number), one["caption"])
        if found := PICTURE.fullmatch(one["path"]):
            pictures[found[1]] = layer
        elif found := OVERLAY.fullmatch(one["path"]):
            maps.setdefault(found[1], []).append(layer)
    return [Laid(held, tuple(maps.get(key, ()))) for key, held in pictures.items()]


def address(examination_id: str, number: int) -> str:
    """Where an artifact is fetched, counted from 1."""
    return f"/v1/examinations/{examination_id}/artifacts/{number}"
