"""Three renderings of the same Verdict: JSON Lines, terminal, one self-contained HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["as_dict", "print_verdicts", "schema", "to_html", "to_line", "write_report"]

if TYPE_CHECKING:
    from assay.report.as_html import to_html, write_report
    from assay.report.as_json import as_dict, schema, to_line
    from assay.report.as_text import print_verdicts

_HOMES = {
    "as_dict": "assay.report.as_json",
    "schema": "assay.report.as_json",
    "to_line": "assay.report.as_json",
    "print_verdicts": "assay.report.as_text",
    "to_html": "assay.report.as_html",
    "write_report": "assay.report.as_html",
}


def __getattr__(name: str) -> Any:
    """Import a rendering when it is first used: JSON needs neither jinja2 nor rich."""
    if name not in _HOMES:
        raise AttributeError(f"module 'assay.report' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
