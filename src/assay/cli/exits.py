"""How a command ends: which exit code, and what is said on stderr.

Over several files the first of these that holds decides: 4 (broken installation), 1 (evidence at
the level of `fail_on`), 3 (some file could not be opened or scored), 0. A finding outranks an
unreadable file, so that nobody can hide one by adding the other. 2 is wrong usage, 130 Ctrl-C,
143 a request to stop, 141 a reader that went away (`assay … | head`).
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ParamSpec

import typer

from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.types import Verdict

NOTHING_STRONG, FOUND, WRONG_USAGE, NOT_EXAMINED, BROKEN = 0, 1, 2, 3, 4
INTERRUPTED, READER_GONE = 130, 141
PRECEDENCE = (BROKEN, FOUND, NOT_EXAMINED, NOTHING_STRONG)

_LEVELS = {
    "strong": ("strong_evidence",),
    "some": ("strong_evidence", "some_evidence"),
    "inconclusive": ("strong_evidence", "some_evidence", "inconclusive"),
    "never": (),
}

P = ParamSpec("P")


def exit_code(verdict: Verdict, fail_on: str) -> int:
    """The exit code that one file asks for."""
    if verdict.status != "completed":
        return BROKEN if verdict.exit_code == BROKEN else NOT_EXAMINED
    return FOUND if verdict.label in _LEVELS[fail_on] else NOTHING_STRONG


def worst(codes: Iterable[int]) -> int:
    """The exit code of a call, from those of its files."""
    present = set(codes)
    return next((code for code in PRECEDENCE if code in present), NOTHING_STRONG)


def say(message: str) -> None:
    """One line on stderr; control characters in it are spelled out."""
    from assay.report.sanitise import visible

    try:
        print(f"assay: {visible(message)}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        return


class Stopped(SystemExit):
    """Somebody asked the process to stop (SIGTERM)."""


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command end with its exit code and one sentence; a traceback only with `--debug`."""

    @functools.wraps(command)
    def guard(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            command(*arguments, **named)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, Stopped):
            raise
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            if named.get("debug"):
                traceback.print_exc()
            raise typer.Exit(_ended_by(error)) from error

    return guard


def _ended_by(error: BaseException) -> int:
    """Say what ended the command and give its exit code."""
    if isinstance(error, AssayError):
        say(error.as_text())
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        say("stopped.")
        return INTERRUPTED
    if isinstance(error, (BrokenPipeError, SystemExit)):
        # rich turns a broken pipe into SystemExit(1), which would read as "strong evidence".
        _drop_stdout()
        return READER_GONE
    say(f"internal error: {type(error).__name__}: {error}")
    return BROKEN


def _drop_stdout() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains on its way out."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
