"""The outcome of an examination that gave no result of its own: complete, with its reason."""

from __future__ import annotations

from pathlib import Path

from assay.web.store.queue import Claimed, Outcome

REPORT, RESULT = "report.html", "result.json"


def failed_outcome(
    held: Claimed, code: str, text: str, *, engine: str = "", folder: Path | None = None
) -> Outcome:
    """A whole result of status `failed` that says why, in words and as a stable `code`.

    With `folder` (the claim's result folder) a report is written there too.
    """
    from assay.report.as_html import to_html
    from assay.report.as_json import as_dict
    from assay.report.unexamined import unexamined

    verdict = unexamined(held.name, code, text)
    result = as_dict(verdict)
    result["input"]["sha256"] = held.sha256
    if folder is None:
        return Outcome(result, engine=engine)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / REPORT).write_text(to_html(verdict), encoding="utf-8")
    return Outcome(result, report=REPORT, engine=engine)
