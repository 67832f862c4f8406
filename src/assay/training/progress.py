"""How far a long preparation is: a bar on a terminal, one line a minute in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

EVERY_S = 60.0

T = TypeVar("T")


def told(things: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The things, one by one, while stderr is told how many there were."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(things, total=total, desc=what)
        return
    last = time.monotonic()
    for n, thing in enumerate(things, 1):
        yield thing
        if n == total or time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            print(f"{what}: {n} of {total}", file=sys.stderr, flush=True)
