"""The verdict of a file that was not examined: complete, without a score, with the reason."""

from __future__ import annotations

import assay
from assay.errors import InputError
from assay.types import Coverage, Reason, Verdict

NOTHING_TESTED = "Nothing was tested: the file was not examined."


def unexamined(
    name: str,
    code: str,
    text: str,
    *,
    path: str = "",
    exit_code: int = InputError.exit_code,
    rerun: str = "",
) -> Verdict:
    """A failed verdict that says why; `code` is stable, `text` a sentence for a reader."""
    return Verdict(
        name=name,
        path=path or name,
        status="failed",
        label="not_analysable",
        coverage=Coverage(0, None, None, 0, (), (NOTHING_TESTED,)),
        reasons=(Reason(code, text),),
        assay_version=assay.__version__,
        rerun=rerun,
        exit_code=exit_code,
    )
