"""stdout is for answers: whatever else writes to it meanwhile lands on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO


@contextmanager
def answers_only() -> Iterator[TextIO]:
    """The real stdout for the answers, while `print` and native code write to stderr.

    A detector, or a decoder inside it, that prints would otherwise break the JSON Lines.
    """
    sys.stdout.flush()
    try:
        number = sys.stdout.fileno()
        kept = os.dup(number)
    except (OSError, ValueError):  # a stdout without a file descriptor, as in a test
        out = sys.stdout
        with redirect_stdout(sys.stderr):
            yield out
        return
    out = os.fdopen(kept, "w", encoding=sys.stdout.encoding, errors="backslashreplace")
    os.dup2(sys.stderr.fileno(), number)
    try:
        yield out
    finally:
        sys.stdout.flush()
        os.dup2(kept, number)
        out.close()
