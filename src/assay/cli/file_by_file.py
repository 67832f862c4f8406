"""Examine the files of one call, one after the other; none of them can stop the rest."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.exits import NOT_EXAMINED, Stopped, say
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.cli.progress import Bars, Progress
    from assay.cli.sources import Source
    from assay.options import Options
    from assay.types import Verdict

Artifact = dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """What holds for every file of one call."""

    options: Options
    report_folder: Path | None = None
    debug: bool = False


def examined(
    call: Call, named: list[Source], shown: Bars
) -> Iterator[tuple[Verdict, list[Artifact]]]:
    """Each file's verdict, under the name it was given by, and the files written about it."""
    from assay.report.renamed import renamed

    for index, source in enumerate(named):
        progress = shown.start_file(source.name, index)
        verdict = _examine_one(source, call, progress)
        if source.path != source.name:
            verdict = renamed(verdict, source.path, source.name)
        artifacts = _reported(verdict, call)
        yield replace(verdict, name=source.name), artifacts


def without_pictures(verdict: Verdict) -> Verdict:
    """The verdict as a table of many files needs it, so that 10,000 of them fit in memory."""
    evidence = tuple(replace(one, heatmaps=(), views=()) for one in verdict.evidence)
    return replace(verdict, pictures=(), sound=None, timeline=None, evidence=evidence)


def _examine_one(source: Source, call: Call, progress: Progress) -> Verdict:
    from assay.examine import detect

    try:
        if source.problem is not None:
            raise source.problem
        return detect(source.path, call.options, progress)
    except AssayError as error:
        return _failed(source, error.code, error.as_text(), error.exit_code)
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        if call.debug:
            traceback.print_exc()
        text = f"An internal error, {type(error).__name__}: {error}. Please report it."
        return _failed(source, "internal_error", text, NOT_EXAMINED)


def _failed(source: Source, code: str, text: str, exit_code: int) -> Verdict:
    from assay.report.unexamined import unexamined

    name = os.path.basename(source.path)
    return unexamined(name, code, text, path=source.path, exit_code=exit_code)


def _reported(verdict: Verdict, call: Call) -> list[Artifact]:
    """Write the HTML report where one is wanted, and its views as files beside it.

    A full disk costs the report or its views, not the answer.
    """
    if call.report_folder is None:
        return []
    from assay.report import write_report
    from assay.report.file_views import write_views

    artifacts: list[Artifact] = []
    try:
        path = write_report(verdict, call.report_folder)
        told = "The report as one HTML file."
        artifacts.append({"kind": "report", "path": str(path), "caption": told})
        artifacts += write_views(verdict, path)
    except Exception as error:
        if call.debug:
            traceback.print_exc()
        what = "views beside the report" if artifacts else "report"
        say(f"no {what} for {verdict.name}: {type(error).__name__}: {error}")
    return artifacts
