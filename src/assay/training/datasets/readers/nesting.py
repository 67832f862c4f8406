"""Find where a set's layout starts: archives unpack into a folder more, users point one above."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers.set_folder import SetFolder

_WIDEST = 100


def join(*parts: str) -> str:
    """The parts as one path from the root; empty ones fall out."""
    return "/".join(part for part in parts if part)


def start_of(
    folder: SetFolder, is_start: Callable[[SetFolder, str], bool], deepest: int = 2
) -> str | None:
    """The first folder, from the root downwards, that `is_start` takes for the layout's top: ""
    is the root itself. None where there is none within `deepest` levels; of each folder the
    first hundred are looked into."""
    level = [""]
    for depth in range(deepest + 1):
        for place in level:
            if is_start(folder, place):
                return place
        if depth < deepest:
            level = [join(up, name) for up in level for name in folder.folders(up)[:_WIDEST]]
            level = level[:_WIDEST]
    return None


def started(
    root: Path, is_start: Callable[[SetFolder, str], bool], expected: str, deepest: int = 2
) -> tuple[SetFolder, str]:
    """The set's folder and where its layout starts. Raises ConfigError where it does not."""
    # A folder of its own, so that what was looked at on the way is not counted twice.
    start = start_of(SetFolder(root), is_start, deepest)
    if start is None:
        raise ConfigError(
            f"There is nothing of this set in {root}.", remedy=f"Expected here: {expected}"
        )
    return SetFolder(root), start


def has_folders(folder: SetFolder, place: str, *names: str) -> bool:
    """Whether every one of these folders is there."""
    return set(names) <= set(folder.folders(place))


def named(folder: SetFolder, place: str, name: str) -> str | None:
    """The path of the folder of that name, whether its letters are large or small."""
    for there in folder.folders(place):
        if there.lower() == name.lower():
            return join(place, there)
    return None
