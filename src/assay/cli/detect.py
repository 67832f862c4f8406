"""`assay detect`: examine files and answer for each of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from assay.cli import flags
from assay.cli.exits import exit_code, guarded, say, worst
from assay.cli.file_by_file import Call, examined, without_pictures
from assay.errors import UsageError
from assay.options import Options, Resolved, resolve

if TYPE_CHECKING:
    from assay.cli.progress import Bars
    from assay.cli.sources import Source
    from assay.types import Verdict

PIPED_WIDTH = 100


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("detect")(detect)


@guarded
def detect(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Files, folders, patterns, or - for standard input."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines on stdout, one object a file.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write one HTML report a file into DIR."),
    ] = None,
    operating_point: flags.OperatingPoint = None,
    time_range: flags.TimeRange = None,
    detectors: flags.Detectors = None,
    reference: flags.Reference = None,
    camera: flags.Camera = None,
    bundles: flags.Bundles = None,
    bundle_counts: flags.BundleCounts = None,
    allow_network: flags.AllowNetwork = None,
    frames: flags.Frames = None,
    max_faces: flags.MaxFaces = None,
    max_megapixels: flags.MaxMegapixels = None,
    max_sound: flags.MaxSound = None,
    motion: flags.Motion = None,
    time_limit: flags.TimeLimit = None,
    detector_time_limit: flags.DetectorTimeLimit = None,
    stability: flags.Stability = None,
    heatmaps: flags.Heatmaps = None,
    embed_sound: flags.EmbedSound = None,
    embed_video: flags.EmbedVideo = None,
    threads: flags.Threads = None,
    fail_on: flags.FailOn = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Examine files: a verdict for each, its evidence, and what was not tested.

    Every setting can also come from ASSAY_* variables or assay.toml (see `assay doctor`).
    """
    resolved = _settled(flags.by_field(locals()), os.environ)
    folder = _report_folder(report) if report is not None else None
    _require_known_pictures(resolved.options)
    call = Call(resolved.options, folder, debug)
    with ExitStack() as stack:
        code = _answer(call, files, as_json, stack)
    raise typer.Exit(code)


def _settled(given: Mapping[str, object], environ: Mapping[str, str]) -> Resolved:
    resolved = resolve(given, environ, Path.cwd())
    if resolved.config_path is not None:
        say(f"settings from {resolved.config_path}")
    if resolved.options.detectors is not None:
        _require_known(resolved.options.detectors)
    return resolved


def _require_known(names: tuple[str, ...]) -> None:
    from difflib import get_close_matches

    from assay.detectors import discover

    known = tuple(discover())
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise UsageError(f"There is no detector {name!r}.", remedy=hint)


def _require_known_pictures(options: Options) -> None:
    """Read known footage and a known camera before any file, so that a wrong one ends the call."""
    if options.reference is None and options.camera is None:
        return
    from assay.bundles import use_threads
    from assay.verdict.known_pictures import read_known_pictures

    use_threads(options.threads)
    read_known_pictures(options, lambda step, _done, _total: say(f"reading the {step}"))


def _report_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Reports cannot be written to {folder}: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"Reports cannot be written to {folder}: permission denied.")
    return folder


def _answer(call: Call, files: list[str], as_json: bool, stack: ExitStack) -> int:
    from assay.cli.progress import bars
    from assay.cli.sources import sources
    from assay.cli.stdout import answers_only

    out = stack.enter_context(answers_only())
    named = sources(files, stack)
    shown = stack.enter_context(bars(len(named)))
    if as_json:
        return _answer_as_lines(call, named, shown, out)
    return _answer_as_text(call, named, shown, out)


def _answer_as_lines(call: Call, named: list[Source], shown: Bars, out: TextIO) -> int:
    from assay.report import to_line

    codes = set()
    for verdict, artifacts in examined(call, named, shown):
        codes.add(exit_code(verdict, call.options.fail_on))
        with shown.paused():
            print(to_line(verdict, artifacts), file=out, flush=True)
    return worst(codes)


def _answer_as_text(call: Call, named: list[Source], shown: Bars, out: TextIO) -> int:
    verdicts: list[Verdict] = []
    try:
        for verdict, _artifacts in examined(call, named, shown):
            verdicts.append(without_pictures(verdict) if len(named) > 1 else verdict)
    finally:
        # Also after Ctrl-C: what is known by then is shown.
        with shown.paused():
            _print_text(verdicts, out)
    return worst({exit_code(verdict, call.options.fail_on) for verdict in verdicts})


def _print_text(verdicts: list[Verdict], out: TextIO) -> None:
    from rich.console import Console

    from assay.report import print_verdicts

    width = None if out.isatty() else PIPED_WIDTH
    print_verdicts(
        _short_names(verdicts), Console(file=out, width=width, markup=False, highlight=False)
    )


def _short_names(verdicts: list[Verdict]) -> list[Verdict]:
    """Leave out the folder that all the files of a table lie in."""
    folders = [os.path.dirname(verdict.name) for verdict in verdicts]
    try:
        shared = os.path.commonpath(folders)
    except ValueError:  # some names are absolute and some are not
        shared = ""
    if not shared:
        return verdicts
    return [replace(one, name=os.path.relpath(one.name, shared)) for one in verdicts]
