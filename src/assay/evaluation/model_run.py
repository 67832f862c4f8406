"""One evaluation of models on a manifest: score, measure, write the matrix, result, page, plots."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import assay
from assay.case import Progress, silent
from assay.errors import ConfigError
from assay.evaluation.foreign_scores import scale_of
from assay.evaluation.generators import training_summary
from assay.evaluation.items import Item, data_hash, items_of, varied_items
from assay.evaluation.models import About, Model, Work, load_models
from assay.evaluation.official import Extra, official, require_asv
from assay.evaluation.predictions import (
    FILE,
    Matrix,
    Prediction,
    read_predictions,
    write_predictions,
)
from assay.evaluation.protocol_runs import PROTOCOLS, Asked, Outcome, Scores
from assay.evaluation.references import references, write_references
from assay.evaluation.sealed import SEALED, log_use, require_unsealed
from assay.training.datasets.manifest_file import read_manifest_file
from assay.training.datasets.records import Notice, Record

OFFICIAL, ROBUSTNESS = "official", "robustness"
NAMES = (*PROTOCOLS, OFFICIAL)
PREDICTIONS, RESULT, REPORT, REFERENCES = (
    "predictions.parquet", "result.json", "report.md", "refs.bib",
)  # fmt: skip
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate and how.

    `models` are words that `load_models` knows, `data` a manifest (.parquet) whose files lie in
    `root` where they were moved; or `scores` is a prediction matrix that exists already. `split`
    None is "test" with `final` and "val" without. `train_manifest` is what the models were trained
    on. `command` is what was typed.
    """

    out: Path
    models: tuple[str, ...] = ()
    data: Path | None = None
    scores: Path | None = None
    root: Path | None = None
    protocol: str = "within"
    split: str | None = None
    final: bool = False
    cache: Path | None = None
    workers: int = 0
    train_manifest: Path | None = None
    asv_scores: Path | None = None
    operating_point: str = "far_1"
    n_draws: int = 1000
    seed: int = 0
    command: str = ""


@dataclass(slots=True)
class Measured:
    """The rows of all models and what is known of the data behind them."""

    scores: list[Scores]
    data: dict[str, Any]
    final: bool
    records: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    made_by: Mapping[str, Any] = field(default_factory=dict)


def evaluate_models(request: Request, progress: Progress = silent) -> Result:
    """Do it, write everything into `request.out` and give what result.json holds.

    Raises ConfigError where models, data or scores cannot be used, or the test is sealed.
    """
    if request.protocol not in NAMES:
        raise ConfigError(f"The protocol {request.protocol!r} is none of {', '.join(NAMES)}.")
    asv = require_asv(request.asv_scores)
    trained = _trained(request)
    request.out.mkdir(parents=True, exist_ok=True)
    measured = _stored(request) if request.data is None else _scored(request, trained, progress)
    progress("tables", 0, 1)
    asked = Asked(request.n_draws, request.seed, trained)
    if request.protocol == OFFICIAL:
        outcome = official(measured.scores, asked, Extra(measured.records, asv))
    else:
        outcome = PROTOCOLS[request.protocol](measured.scores, asked)
    outcome.notices[:0] = [*measured.notices, *_remarks(measured)]
    result = _result(request, measured, outcome)
    _write(request, measured, result)
    progress("tables", 1, 1)
    return result


def _trained(request: Request) -> tuple[Record, ...]:
    if request.train_manifest is None:
        return ()
    records = read_manifest_file(request.train_manifest).records
    own = tuple(record for record in records if record.split == "train")
    return own or records


def _scored(request: Request, trained: Sequence[Record], progress: Progress) -> Measured:
    """Score the manifest's items with every model, and keep the matrix."""
    assert request.data is not None
    manifest = read_manifest_file(request.data, request.root)
    split = request.split or (SEALED if request.final else "val")
    chosen = items_of(manifest, split)
    splits = [item.record.split for item in chosen.items]
    require_unsealed(splits, request.final)
    models = load_models(_words(request))
    notices = [*manifest.notices, *chosen.notices, *_overlap(chosen.items, trained)]
    for model in models:
        notices += model.notices(chosen.items)
    digest = data_hash(chosen.items)
    is_final = SEALED in splits
    if is_final:
        named = [(model.about.name, model.about.sha256) for model in models]
        facts = {"data_hash": digest, "protocol": request.protocol, "command": request.command}
        notices.append(log_use(request.data, named, facts))
    items = list(chosen.items)
    if request.protocol == ROBUSTNESS:
        items += varied_items(chosen.items, _cache(request) / "variants")
    scores = [_of_model(model, items, request, progress) for model in models]
    data = {
        "name": "+".join(manifest.datasets) or request.data.stem,
        "data_hash": digest,
        "n_items": len(chosen.items),
        "split": split,
        "manifest": request.data.name,
        "datasets": list(manifest.datasets),
    }
    records = {item.key: item.record for item in chosen.items}
    return Measured(scores, data, is_final, records, notices)


def _words(request: Request) -> tuple[str, ...]:
    """The models asked for; scores given beside a manifest are those of one more."""
    return request.models + ((str(request.scores),) if request.scores else ())


def _cache(request: Request) -> Path:
    return request.cache or request.out / "cache"


def _of_model(model: Model, items: Sequence[Item], request: Request, progress: Progress) -> Scores:
    def reported(step: str, done: int, total: int) -> None:
        progress(f"{step} {model.about.name}", done, total)

    work = Work(
        _cache(request), request.out / "parts", request.workers, request.operating_point, reported
    )
    return Scores(model.about, tuple(model.score(items, work)))


def _overlap(items: Sequence[Item], trained: Sequence[Record]) -> Iterator[Notice]:
    """How many items share a person, a footage or their content with the training items."""
    ties = {tie for record in trained for tie in _ties(record)}
    n = sum(bool(ties & _ties(item.record)) for item in items)
    if n:
        text = "items share a person, a footage or a file with the training manifest"
        yield Notice("seen_in_training", text, n)


def _ties(record: Record) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = {("item", record.dataset, record.path, str(record.key[1]))}
    for kind, value in (
        ("person", record.identity),
        ("person", record.donor),
        ("footage", record.source),
    ):
        if value:
            found.add((kind, record.dataset, value))
    return found | ({("content", record.sha256)} if record.sha256 else set())


def _stored(request: Request) -> Measured:
    """The rows of a prediction matrix that exists already; test items need `--final` here too."""
    if request.scores is None:
        raise ConfigError(
            "There is nothing to evaluate.", remedy="Name --model and --data, or --scores."
        )
    matrix = read_predictions(request.scores)
    was_final = bool(matrix.provenance.get("final"))
    rows = [row for row in matrix.rows if request.split in (None, "all", row.split or "none")]
    if not rows:
        raise ConfigError(f"{request.scores} holds nothing of split {request.split!r}.")
    if not was_final:
        require_unsealed({row.item: row.split for row in rows}.values(), request.final)
    known = {str(one.get("name")): one for one in matrix.provenance.get("models") or ()}
    scores = [
        Scores(
            _about(name, known.get(name, {}), rows, request.scores),
            tuple(row for row in rows if row.model == name),
        )
        for name in dict.fromkeys(row.model for row in rows)
    ]
    return Measured(
        scores,
        _data_of(matrix, rows, request.scores),
        any(row.split == SEALED for row in rows),
        made_by=matrix.provenance,
    )


def _about(name: str, entry: Mapping[str, Any], rows: Sequence[Prediction], path: Path) -> About:
    own = [row for row in rows if row.model == name]
    trained = entry.get("trained_on")
    scale = entry.get("scale")
    if scale not in ("probability", "logit", "score"):
        scale = scale_of([(row.logit, row.p_fake, None) for row in own])
    return About(
        name=name,
        sha256=own[0].model_sha256,
        source=str(path),
        scale=scale,
        net=str(entry.get("net") or ""),
        trained_on=None if trained is None else tuple(dict(one) for one in trained),
        bibtex=str(entry.get("bibtex") or ""),
    )


def _data_of(matrix: Matrix, rows: Sequence[Prediction], path: Path) -> dict[str, Any]:
    items = {row.item[:2] for row in rows if not row.variant}
    known = matrix.provenance.get("data") or {}
    datasets = sorted({dataset for dataset, _ in items})
    splits = sorted({row.split or "none" for row in rows})
    whole = known.get("n_items") == len(items)
    return {
        "name": str(known.get("name") or "+".join(datasets)) or path.stem,
        # Part of the items is other data, which must not pass for the whole.
        "data_hash": str(known.get("data_hash") or "unknown") if whole else "unknown",
        "n_items": len(items),
        "split": splits[0] if len(splits) == 1 else "all",
        "datasets": datasets,
    }


def _remarks(measured: Measured) -> Iterator[Notice]:
    """What every reader must know before the numbers: one label only, nothing scored."""
    for scores in measured.scores:
        files = [row for row in scores.rows if row.level == FILE and not row.variant]
        scored = [row for row in files if row.status == "scored"]
        if files and not scored:
            most = Counter(code_of(row.reason) for row in files).most_common(1)[0][0]
            text = f"items and {scores.about.name} scored none of them, mostly for: {most}"
            yield Notice("nothing_scored", text, len(files))
    labels = {row.label for scores in measured.scores for row in scores.rows}
    if len(labels) == 1:
        text = f"all items are {labels.pop()}: nothing that needs both labels can be measured"
        yield Notice("one_label", text)


def code_of(reason: str) -> str:
    """The code of a reason `code: text`."""
    return reason.split(":", 1)[0]


def _result(request: Request, measured: Measured, outcome: Outcome) -> Result:
    abouts = [scores.about for scores in measured.scores]
    cited = references(measured.data.get("datasets", ()), abouts)
    models = [
        {**about.as_result(), "trained_on": training_summary(about) or "not told"}
        for about in abouts
    ]
    return {
        "protocol": request.protocol,
        "data": measured.data,
        "models": models,
        "rows": outcome.rows,
        "significance": outcome.significance,
        "matrix": outcome.cells,
        "abstentions": {s.about.name: _abstentions(s.rows) for s in measured.scores},
        "notices": [{"code": n.code, "text": n.text, "n": n.n} for n in outcome.notices],
        "final": measured.final,
        "provenance": _provenance(request, measured),
        "bibtex_keys": list(cited),
    }


def _abstentions(rows: Sequence[Prediction]) -> dict[str, int]:
    """How many unchanged items got no score, by reason."""
    silent_rows = (r for r in rows if r.level == FILE and not r.variant and r.status != "scored")
    return dict(Counter(code_of(row.reason) for row in silent_rows).most_common())


def _provenance(request: Request, measured: Measured) -> dict[str, Any]:
    from assay.evaluation.run import source_commit

    scored_by = {
        key: measured.made_by[key] for key in ("command", "commit", "made") if measured.made_by
        and key in measured.made_by
    }  # fmt: skip
    return {
        "assay_version": assay.__version__,
        "commit": source_commit(),
        "command": request.command,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_hash": measured.data["data_hash"],
        "protocol": request.protocol,
        "split": measured.data["split"],
        "operating_point": request.operating_point,
        "bootstrap_draws": request.n_draws,
        "seed": request.seed,
        "python": platform.python_version(),
        "machine": platform.machine(),
        **({"scores_made_by": scored_by} if scored_by else {}),
    }


def _write(request: Request, measured: Measured, result: Result) -> None:
    from assay.evaluation.model_plots import write_model_plots
    from assay.evaluation.model_report import as_markdown

    if request.data is not None:
        about = {
            **result["provenance"],
            "data": measured.data,
            "final": measured.final,
            "models": [
                {**scores.about.as_result(), "bibtex": scores.about.bibtex}
                for scores in measured.scores
            ],
        }
        rows = [row for scores in measured.scores for row in scores.rows]
        write_predictions(rows, request.out / PREDICTIONS, about)
    cited = references(
        measured.data.get("datasets", ()), [scores.about for scores in measured.scores]
    )
    write_references(cited, request.out / REFERENCES)
    text = json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False)
    path = request.out / RESULT
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text + "\n", encoding="utf-8", errors="replace")
    unfinished.replace(path)
    plots = write_model_plots(measured.scores, result, request.out / "plots")
    page = as_markdown(result, plots)
    (request.out / REPORT).write_text(page, encoding="utf-8", errors="replace")
