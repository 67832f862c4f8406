"""Templates of pages: everything is escaped, what a reader would act on is spelled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.report.sanitise import shortened, visible

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_PRINTED = 5000  # longer than any path, so the command to rerun stays whole


def environment(package: str) -> Environment:
    """The templates of a package's folder `templates`; a name that is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        finalize=finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def finalized(value: Any) -> Any:
    """Spell out control characters in every printed string and bound it; our own markup passes."""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return visible(shortened(value, MAX_PRINTED))
