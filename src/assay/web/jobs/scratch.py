"""A folder of its own for each examination, gone afterwards, also after a worker was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK = "lock"


class Scratch:
    """One worker's place below the data folder; a lock tells that the worker lives."""

    def __init__(self, data: Path) -> None:
        """Make it, and remove those of workers that are no more. Raises OSError."""
        place = data / "work"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=place))
        self._lock: IO[bytes] = (self.folder / LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for other in place.iterdir():
            if other != self.folder and _is_left(other):
                shutil.rmtree(other, ignore_errors=True)

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        """An empty folder for one examination."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def _is_left(folder: Path) -> bool:
    """Whether nobody holds its lock; one that has none yet is just being made."""
    with contextlib.suppress(OSError), (folder / LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def with_ending(folder: Path, stem: str, name: str, target: Path) -> Path:
    """`folder/stem.jpg`, a link to `target`: the ending is that of `name`, if it is a plain one.

    Whether a name's ending fits the content is a part of what is examined.
    """
    ending = os.path.splitext(name)[1]
    plain = ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 8
    link = folder / (stem + (ending if plain else ""))
    link.symlink_to(target.absolute())
    return link
