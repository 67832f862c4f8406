"""The command line: one file per command, and nothing heavy imported before a command runs."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (that of the process when None) and give its exit code."""
    from assay.cli.app import build_app

    try:
        build_app()(args=None if arguments is None else list(arguments), prog_name="assay")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return 0


def main() -> None:
    """What the console script `assay` calls: run, then leave even where a thread hangs."""
    signal.signal(signal.SIGTERM, _stop)
    code = run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    if threading.active_count() > 1:
        # A detector that ran into its time limit still has its thread; the interpreter would wait
        # for it, or tear it down inside native code.
        os._exit(code)
    sys.exit(code)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Unwind instead of dying at once, so that temporary files are removed."""
    from assay.cli.exits import Stopped

    raise Stopped(128 + number)
