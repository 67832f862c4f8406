"""`assay evaluate`: how well do the detectors do on labelled media, slice by slice?"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli import evaluate_models as several
from assay.cli import flags
from assay.cli.exits import guarded, say
from assay.cli.extras import needing
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.case import Progress
    from assay.options import Options

NEEDS = ("sklearn", "matplotlib", "tqdm")


Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        help="A folder with manifest.csv; the data folder of ASSAY_SHARED where none is named.",
    ),
]
Scores = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Evaluate these scores instead: any system's .csv, or a .parquet."
    ),
]
Split = Annotated[
    str | None, typer.Option(metavar="NAME", help="The manifest's split (val; test with --final).")
]
Out = Annotated[
    Path, typer.Option(metavar="DIR", help="Where scores, tables and plots are written.")
]
Workers = Annotated[
    int, typer.Option(metavar="N", min=0, help="Processes; 0 examines in this one.")
]
Far = Annotated[
    float, typer.Option(metavar="RATE", help="False-alarm rate of the fitted threshold.")
]
PerSource = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="At most N files of each source.")
]
Robustness = Annotated[
    bool,
    typer.Option(
        "--robustness",
        help="Also examine five changed copies of each picture or recording, seven of each video.",
    ),
]
Draws = Annotated[int, typer.Option(metavar="N", min=20, help="Bootstrap draws for the intervals.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print tables.json on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("evaluate")(evaluate)


@guarded
def evaluate(
    data: Data = None,
    model: several.Models = None,
    manifest: several.ManifestFile = None,
    protocol: several.Protocol = None,
    final: several.Final = False,
    scores: Scores = None,
    split: Split = None,
    detectors: flags.Detectors = None,
    out: Out = Path("evaluation"),
    workers: Workers = 1,
    far: Far = 0.01,
    operating_point: flags.OperatingPoint = None,
    per_source: PerSource = None,
    robustness: Robustness = False,
    draws: Draws = 1000,
    cache: several.Cache = None,
    root: several.Root = None,
    train_manifest: several.TrainManifest = None,
    asv_scores: several.AsvScores = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure the detectors on labelled media (needs `pip install 'assay[train]'`).

    Every generator against all real files, every real source against all fakes, at one global
    threshold, with 95 % intervals over people and clips; worst slices first. An interrupted run
    goes on where it stopped.

    With --model A --model B --data MANIFEST.parquet --protocol NAME: models beside each other.
    """
    if several.is_asked(model, manifest, scores, protocol, final, train_manifest, asv_scores):
        several.require_sense(model, manifest, scores)
        _require_no_folder(data, robustness, detectors, per_source)
        asked: dict[str, Any] = {"models": tuple(model or ()), "data": manifest, "root": root}
        asked |= {"scores": scores, "protocol": protocol or "within", "split": split}
        asked |= {"final": final, "out": out, "cache": cache, "workers": workers}
        asked |= {"train_manifest": train_manifest, "asv_scores": asv_scores, "n_draws": draws}
        several.run_models(**asked, operating_point=operating_point or "far_1", as_json=as_json)
        return
    _require_sense(data, scores, far)
    options = _options(detectors, operating_point)
    named: dict[str, Any] = {"out": out, "scores": scores, "split": split or "val", "far": far}
    named |= {"data": _folder(data) if scores is None else None, "options": options}
    named |= {"workers": workers, "robustness": robustness, "per_source": per_source}
    _evaluate_folder(as_json, **named, n_draws=draws)


def _evaluate_folder(as_json: bool, **asked: Any) -> None:
    run = _evaluation()
    request = run.Request(**asked, command=shlex.join(["assay", *sys.argv[1:]]))
    _answer(run, request, as_json)


def _require_sense(data: Path | None, scores: Path | None, far: float) -> None:
    if data is not None and scores is not None:
        raise UsageError("Either DATA or --scores is evaluated, not both.")
    if not 0 < far < 1:
        raise UsageError(f"--far {far:g} must lie between 0 and 1; 0.01 is one in a hundred.")


def _require_no_folder(
    data: Path | None, robustness: bool, detectors: str | None, per_source: int | None
) -> None:
    """Raise UsageError where options of both kinds of evaluation are mixed."""
    if data is not None:
        raise UsageError(
            f"{data} and a manifest cannot both be evaluated.",
            remedy="Name the manifest with --data, and no folder.",
        )
    for given, name, instead in (
        (robustness, "--robustness", "--protocol robustness"),
        (detectors is not None, "--detectors", "--model"),
        (per_source is not None, "--per-source", "a manifest with fewer items"),
    ):
        if given:
            raise UsageError(
                f"{name} does not go with --model or --data.", remedy=f"Use {instead}."
            )


def _evaluation() -> Any:
    """The evaluation room. Raises InstallationError naming the extra where a part is missing."""
    import importlib

    with needing("Evaluating needs", "train"):
        for name in NEEDS:
            importlib.import_module(name)
        from assay.evaluation import run
    return run


def _folder(data: Path | None) -> Path:
    if data is not None:
        return data
    from assay.training.shared import shared_folder

    return shared_folder() / "data"


def _options(detectors: str | None, operating_point: str | None) -> Options:
    from assay.cli.detect import _settled

    given = {"detectors": detectors, "operating_point": operating_point}
    return _settled(given, os.environ).options


def _answer(run: Any, request: Any, as_json: bool) -> None:
    from assay.cli.progress import bars
    from assay.cli.stdout import answers_only

    with answers_only() as out, bars(1) as shown:
        tables = run.evaluate(request, _reporting(shown.start_file("evaluate", 0)))
        with shown.paused():
            if as_json:
                print(json.dumps(tables, indent=1, ensure_ascii=True), file=out, flush=True)
    if not as_json:
        from assay.cli.tables import print_table
        from assay.evaluation.report import SHORT_COLUMNS, short_rows

        print_table(SHORT_COLUMNS, short_rows(tables))
    say(f"tables, report and plots lie in {request.out}")


def _reporting(progress: Progress) -> Progress:
    """The bar's progress; where nobody watches a bar, a line on stderr now and then."""
    if sys.stderr.isatty():
        return progress

    def report(step: str, done: int, total: int) -> None:
        if step == "score" and (done % 50 == 0 or done == total):
            say(f"{done} of {total} examined")

    return report
