"""Commands that need one of the package's extras say which, where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import InstallationError


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Import, within it, what the extra brings; `what` begins the sentence ("Training needs").

    Raises InstallationError naming the library and the extra. A module of assay's own that is not
    there is a fault and stays one.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "assay":
            raise
        raise missing(what, error.name, extra) from error


def missing(what: str, library: str | None, extra: str) -> InstallationError:
    """The refusal itself."""
    return InstallationError(
        f"{what} {library}, which is not installed.",
        remedy=f"Install it with: pip install 'assay[{extra}]'",
    )
