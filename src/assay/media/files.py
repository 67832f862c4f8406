"""Regular files and nothing else: opened without hanging, hashed, opened again unchanged."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from io import BufferedReader

from assay.errors import (
    DamagedMediaError,
    InputError,
    MissingFileError,
    NotAFileError,
    UnreadableError,
)
from assay.types import Media

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def printable(path: str) -> str:
    """The base name of `path` with line breaks, control codes and broken unicode escaped."""
    name = os.path.basename(path.rstrip(os.sep)) or path
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def open_file(path: str) -> BufferedReader:
    """Open a regular file for reading.

    The kind is looked at before and after opening, and opening never waits: a pipe without a
    writer would hang for ever. Raises MissingFileError, NotAFileError, UnreadableError.
    """
    try:
        _require_regular(os.stat(path), path)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except ValueError as error:  # a NUL byte inside the path
        raise MissingFileError(f"No file can be called {printable(path)}.") from error
    except OSError as error:
        raise _refusal(error, path) from error
    file = os.fdopen(descriptor, "rb")
    try:
        _require_regular(os.fstat(file.fileno()), path)
    except InputError:
        file.close()
        raise
    return file


def _require_regular(status: os.stat_result, path: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    what = next((name for test, name in _KINDS if test(status.st_mode)), "not a regular file")
    raise NotAFileError(f"{printable(path)} is {what}.")


def _refusal(error: OSError, path: str) -> InputError:
    name = printable(path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return MissingFileError(f"There is no file {name}.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnreadableError(f"{name} may not be read.")
    if error.errno == errno.ENXIO:
        return NotAFileError(f"{name} is not a regular file.")
    reason = error.strerror or "unknown fault"
    return UnreadableError(f"{name} cannot be read: {reason}.", remedy="Copy the file elsewhere.")


def sha256_of(file: BufferedReader) -> str:
    """The SHA-256 of all bytes in hexadecimal; reads in pieces and leaves the file rewound."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def reopen(media: Media) -> BufferedReader:
    """Open the bytes of a probed medium again.

    Raises DamagedMediaError where the size is no longer the one that was hashed, besides the
    errors of `open_file`.
    """
    file = open_file(media.path)
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes == media.n_bytes:
        return file
    file.close()
    raise DamagedMediaError(
        f"{printable(media.path)} changed while it was examined: "
        f"{media.n_bytes} bytes on intake, {n_bytes} now.",
        remedy="Examine it again once nothing writes to it.",
    )
