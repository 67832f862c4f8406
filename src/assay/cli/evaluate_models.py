"""`assay evaluate --model …`: models beside each other on a manifest, by a protocol."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.exits import say
from assay.errors import UsageError

PROTOCOLS = ("within", "cross-dataset", "leave-one-generator-out", "official", "robustness")

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A bundle's folder, a shipped detector, `assay`, or a file of scores; repeatable.",
    ),
]
ManifestFile = Annotated[
    Path | None,
    typer.Option("--data", metavar="MANIFEST.parquet", help="The items (assay data scan)."),
]
Protocol = Annotated[
    str | None, typer.Option(metavar="NAME", help=f"One of: {', '.join(PROTOCOLS)}.")
]
Final = Annotated[
    bool, typer.Option("--final", help="Measure the sealed test split; each use is logged.")
]
Cache = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where found faces and voices are kept (OUT/cache)."),
]
Root = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where the manifest's files lie, if moved.")
]
TrainManifest = Annotated[
    Path | None,
    typer.Option(metavar="MANIFEST", help="What the models were trained on, to tell overlaps."),
]
AsvScores = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="ASVspoof's speaker-verification scores, for min t-DCF."),
]


def is_asked(models: list[str] | None, data: Path | None, scores: Path | None, *more: Any) -> bool:
    """Whether models are evaluated on a manifest, or a matrix is measured again."""
    is_matrix = scores is not None and scores.suffix.lower() == ".parquet"
    return bool(models) or data is not None or is_matrix or any(more)


def require_sense(models: list[str] | None, data: Path | None, scores: Path | None) -> None:
    """Raise UsageError where the options do not say what is evaluated on what."""
    if data is None and (models or scores is None):
        raise UsageError(
            "Models are evaluated on a manifest: name one with --data MANIFEST.parquet.",
            remedy="Write one with: assay data scan FOLDER --out manifest.parquet",
        )
    if data is not None and not models and scores is None:
        raise UsageError("No model is named.", remedy="Name one with --model (repeatable).")


def run_models(**asked: Any) -> None:
    """Evaluate and print; `asked` are the fields of `model_run.Request`, and `as_json`."""
    from assay.cli.evaluate import _evaluation, _reporting
    from assay.cli.progress import bars
    from assay.cli.stdout import answers_only

    as_json = asked.pop("as_json")
    _evaluation()
    from assay.evaluation.model_run import Request, evaluate_models

    request = Request(**asked, command=shlex.join(["assay", *sys.argv[1:]]))
    with answers_only() as out, bars(1) as shown:
        result = evaluate_models(request, _reporting(shown.start_file("evaluate", 0)))
        with shown.paused():
            if as_json:
                print(json.dumps(result, indent=1, ensure_ascii=True), file=out, flush=True)
    if not as_json:
        _print(result)
    say(f"result.json, report.md, predictions, plots and refs.bib lie in {request.out}")


def _print(result: dict[str, Any]) -> None:
    from assay.cli.tables import print_table
    from assay.evaluation import model_report as report

    data = result["data"]
    sealed = "the sealed test" if result["final"] else "not a final test"
    title = f"{data['name']}: {result['protocol']}, {data['n_items']} items, split {data['split']}"
    print_table(*report.short_table(result), title=f"{title} ({sealed})")
    if result["matrix"]:
        print_table(*report.matrix_of(result), title="AUC on generators outside of training")
    for name, columns, rows in report.special_tables(result):
        print_table(columns, rows, title=name)
    if result["significance"]:
        print_table(*report.significance_of(result), title="Is one model better?")
    for line in report.notices(result):
        say(line)
