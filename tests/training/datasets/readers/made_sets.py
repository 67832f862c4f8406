"""Tiny trees of the known sets, in the exact layout, for the tests of readers and of what follows.

Each module made_*.py beside this one has `MAKERS`, a dict from a reader's name to the function that
makes its tree. Two trees for one reader are told apart by what follows a slash: "celeb_df_v2/crlf".
A maker is called `maker(root, media=False)`, writes below the empty folder `root` and gives the
set's folder, `root` itself or one in it. The files of media are empty; with `media=True` they are
small ones that can be decoded.

A module may also have `OVERLAPS`: {(reader, other reader): why the other takes the first one's tree
for its own, too, and rightly}.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Maker = Callable[..., Path]


def _modules() -> list[Any]:
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return [
        importlib.import_module(f"{__package__}.{name}")
        for name in names
        if name.startswith("made_") and name != "made_sets"
    ]


def makers() -> dict[str, Maker]:
    """All makers by name, sorted."""
    found: dict[str, Maker] = {}
    for module in _modules():
        assert not module.MAKERS.keys() & found.keys(), f"{module.__name__} makes a set again"
        found.update(module.MAKERS)
    return dict(sorted(found.items()))


def overlaps() -> dict[tuple[str, str], str]:
    """{(reader, other reader): why the other takes the first one's tree for its own, too}."""
    found: dict[tuple[str, str], str] = {}
    for module in _modules():
        found.update(getattr(module, "OVERLAPS", {}))
    return found


MADE = makers()
OVERLAPS = overlaps()


def reader_of(name: str) -> str:
    """The name of the reader that the made tree `name` is for."""
    return name.split("/")[0]
