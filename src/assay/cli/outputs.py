"""Files that a command writes: never over another by accident, never half."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable

from assay.errors import UsageError
from assay.media.files import printable


def require_writable(path: str, force: bool, others: Iterable[str]) -> None:
    """Raise UsageError where `path` may not be written.

    Never where it is one of `others` (what is read, what else is written), by whatever name;
    where something is there already only with `force`, and only over a regular file.
    """
    for other in others:
        if _are_same(path, other):
            raise UsageError(f"{printable(path)} is also read or written here; name another file.")
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return _require_folder(path)
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise UsageError(f"{printable(path)} is there and is no regular file.")
    if not force:
        raise UsageError(f"{printable(path)} is there already.", remedy="--force replaces it.")
    return None


def _require_folder(path: str) -> None:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"There is no folder for {printable(path)}.", remedy="Make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{printable(path)} cannot be written: permission denied.")


def _are_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return os.path.realpath(path) == os.path.realpath(other) if "\0" not in path else False


def write_whole(path: str, data: bytes, force: bool) -> None:
    """Write a file at once: what is at `path` is either all of it or what was there before.

    Without `force` nothing is replaced, even what came there meanwhile; a link is never written
    through. Raises UsageError.
    """
    try:
        descriptor, draft = tempfile.mkstemp(prefix=".assay-", dir=os.path.dirname(path) or ".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.chmod(draft, 0o666 & ~_umask())
            _place(draft, path, force)
        finally:
            if os.path.lexists(draft):
                os.unlink(draft)
    except FileExistsError as error:
        raise UsageError(f"{printable(path)} is there already.") from error
    except (OSError, ValueError) as error:
        raise _refused(path, error) from error


def _place(draft: str, path: str, force: bool) -> None:
    if force:
        os.replace(draft, path)
        return
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(draft, path)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _refused(path: str, error: OSError | ValueError) -> UsageError:
    reason = getattr(error, "strerror", None) or "no file can be called that"
    return UsageError(f"{printable(path)} cannot be written: {reason}.")
