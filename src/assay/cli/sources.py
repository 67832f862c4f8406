"""Which files are meant: names, folders, patterns and `-` become one list, in order."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from assay.errors import InputError, TooLargeError, UsageError

STDIN_NAME = "<stdin>"
STDIN_MAX_BYTES = 4 * 2**30
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """One file to examine: where it lies, and the name its answer carries.

    `problem` is set where there is nothing to open and why is known already.
    """

    path: str
    name: str
    problem: InputError | None = None


def sources(arguments: Iterable[str], stack: ExitStack) -> list[Source]:
    """Every file that the arguments mean; what does not exist stays in, to get its answer.

    A folder gives its files, those of its folders too, sorted, hidden ones left out. A pattern
    that the shell left alone is expanded. `-` is standard input, kept in a private folder until
    `stack` closes. Raises UsageError where `-` is given and standard input is a terminal.
    """
    found: list[Source] = []
    for argument in arguments:
        if argument == "-":
            if not any(source.name == STDIN_NAME for source in found):
                found.append(_standard_input(stack))
        elif os.path.isdir(argument):
            found.extend(_folder(argument))
        else:
            found.extend(Source(path, path) for path in _expanded(argument))
    return found


def _expanded(argument: str) -> list[str]:
    """The paths that match a pattern; the argument itself where a file has that very name."""
    import glob

    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    try:
        matches = sorted(glob.glob(argument, recursive=True))
    except (OSError, ValueError):
        matches = []
    return [path for path in matches if not os.path.isdir(path)] or [argument]


def _folder(top: str) -> list[Source]:
    found = list(_walk(top, {_identity(top)}))
    if found:
        return found
    error = InputError("The folder holds no files.", remedy="Hidden files are left out.")
    error.code = "folder_empty"
    return [Source(top, top, error)]


def _walk(folder: str, visited: set[tuple[int, int]]) -> Iterator[Source]:
    """The files below a folder; each folder is entered once, however many links lead to it."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as problem:
        yield Source(folder, folder, _unreadable_folder(problem))
        return
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.isdir(path):
            yield Source(path, path)
            continue
        identity = _identity(path)
        if identity not in visited:
            visited.add(identity)
            yield from _walk(path, visited)


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _unreadable_folder(problem: OSError) -> InputError:
    from assay.errors import UnreadableError

    return UnreadableError(f"The folder cannot be listed: {problem.strerror}.")


def _standard_input(stack: ExitStack) -> Source:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "`-` reads standard input, and that is a terminal.", remedy="Pipe a file in."
        )
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-")))
    path = folder / "stdin"
    try:
        _spool(sys.stdin.buffer, path, STDIN_MAX_BYTES)
    except TooLargeError as error:
        return Source(str(path), STDIN_NAME, error)
    except OSError as error:
        path.unlink(missing_ok=True)
        return Source(str(path), STDIN_NAME, InputError(f"Standard input broke off: {error}."))
    return Source(str(path), STDIN_NAME)


def _spool(stream: BinaryIO, path: Path, max_bytes: int) -> None:
    """Copy the stream to a file that only its owner may read. Raises TooLargeError, OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    n_bytes = 0
    with os.fdopen(descriptor, "wb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            n_bytes += len(chunk)
            if n_bytes > max_bytes or shutil.disk_usage(path.parent).free < 2 * len(chunk):
                file.truncate(0)
                raise TooLargeError(
                    f"Standard input has more than {min(n_bytes, max_bytes):,} bytes.",
                    remedy="Save it to a file and name that file.",
                )
            file.write(chunk)
