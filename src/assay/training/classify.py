"""`assay train NET --data FOLDER`: from a folder of real and fake files to a tested network.

Everything lands in the run's folder: config.toml (which runs it again), manifest.parquet with the
split, epochs.json and curves.png, weights.pt (the best on validation), result.json and
predictions.parquet of the test, and bundle/, which `assay detect --bundle` uses.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from assay.errors import ConfigError
from assay.evaluation.predictions import write_predictions
from assay.training.classify_data import Prepared, cutter_for, require_fitting, rows_of
from assay.training.classify_loop import LAST, NetModule, Task, rounds_of, train_rounds
from assay.training.classify_reading import (
    MANIFEST,
    Parts,
    divided,
    frames_of,
    prepared,
    read,
    warnings,
)
from assay.training.classify_report import Rounds, by_method, predictions, say, test_lines
from assay.training.classify_results import CONFIG, bundled, log_test, provenance, result
from assay.training.classify_scores import Scored, answers, measured, score
from assay.training.classify_start import start_from
from assay.training.curves import write_json
from assay.training.datasets.manifest_file import write_manifest
from assay.training.net_config import NetRun, as_toml, differing, read_run
from assay.training.triplets import fit_of_features, fit_of_head, train_siamese

WEIGHTS, RESULT, PREDICTIONS = "weights.pt", "result.json", "predictions.parquet"


def train_from_file(path: Path, resume: bool = False) -> None:
    """Run a TOML file of the kind "net". Raises ConfigError."""
    train_net(read_run(path), resume)


def train_net(run: NetRun, resume: bool = False) -> Path:
    """Read, divide, prepare, train, test, export; returns the run's folder. Raises ConfigError."""
    require_fitting(run.spec, run.fit.augment)
    device = _device(run.device)
    if run.spec.own and run.spec.fit.loss == "own":
        name = run.spec.name
        say(f"{name} learns from labels here; its own training is assay train configs/{name}.toml")
    manifest = read(run.data)
    split, left_out = divided(manifest, run)
    for line in (*left_out, *split.lines()):
        say(line)
    _begin(run, resume)
    manifest = manifest.with_records(split.records, f"assay train {run.spec.name}")
    write_manifest(manifest, run.out / MANIFEST)
    for line in warnings(manifest, run):
        say(line)
    parts = prepared(run, manifest)
    say(f"Run again: assay train {run.out / CONFIG}")
    net = _fitted(run, parts, device)
    _finish(run, parts, net, device)
    return run.out


def _device(wanted: str) -> str:
    """`cpu` or `cuda`. Raises ConfigError where a GPU is asked for and none is there."""
    there = torch.cuda.is_available()
    if wanted == "gpu" and not there:
        raise ConfigError("There is no GPU that torch can use.", remedy="Use --device cpu.")
    return "cuda" if there and wanted != "cpu" else "cpu"


def _begin(run: NetRun, resume: bool) -> None:
    """Settle what is in the run's folder already. Raises ConfigError where a run is to be resumed
    that was another."""
    run.out.mkdir(parents=True, exist_ok=True)
    kept, text = run.out / CONFIG, as_toml(run)
    if resume and kept.is_file():
        others = set(differing(kept.read_text(encoding="utf-8"), text))
        others -= {"device", "workers", "cache"}
        if others:
            raise ConfigError(
                f"{run.out} holds another run; it differs in {', '.join(sorted(others))}.",
                remedy=f"Resume with: assay train {kept} --resume",
            )
    elif any((run.out / name).exists() for name in (LAST, WEIGHTS, RESULT)):
        say(f"{run.out} held a run; it is begun anew.")
        _cleared(run.out)
    kept.write_text(text, encoding="utf-8")


def _cleared(folder: Path) -> None:
    for name in (LAST, WEIGHTS, RESULT, PREDICTIONS, "epochs.json", "curves.png"):
        (folder / name).unlink(missing_ok=True)
    for name in ("features", "bundle"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _fitted(run: NetRun, parts: Parts, device: str) -> nn.Module:
    """The network with the weights that were best on validation."""
    torch.manual_seed(run.fit.seed)
    net = run.spec.build(**{**run.spec.arguments, **run.arguments})
    if run.start is not None:
        say(start_from(net, run.spec, run.start))
    task = _task(run, parts)
    workers = run.workers if run.workers is not None else (8 if device == "cuda" else 0)
    accelerator = "gpu" if device == "cuda" else "cpu"
    say(
        f"{run.spec.title}: {sum(p.numel() for p in net.parameters()):,} parameters, "
        f"{task.n_real} real and {task.n_fake} fake examples, {len(task.checks)} to validate on"
    )
    batch = min(run.fit.batch, max(2, len(task.rows)))
    if run.fit.loss == "triplet":
        features = fit_of_features(run.fit)
        head = fit_of_head(run.fit)
        tells = (
            Rounds(run.out / "features", rounds_of(features, len(task.rows), batch).n, "features"),
            Rounds(run.out, rounds_of(head, len(task.rows), max(batch, head.batch)).n),
        )
        train_siamese(net, task, run.fit, run.out, workers, accelerator, tells)
    else:
        n = rounds_of(run.fit, len(task.rows), batch).n
        module = NetModule(net, task, run.fit, run.out, workers, Rounds(run.out, n))
        train_rounds(module, accelerator)
    net.load_state_dict(torch.load(run.out / WEIGHTS, map_location="cpu", weights_only=True))
    return net


def _task(run: NetRun, parts: Parts) -> Task:
    spec, fit = run.spec, run.fit
    train, val = parts.items["train"], parts.items["val"]
    return Task(
        rows=rows_of(train, spec, fit.n_frames, fit),
        checks=[row for row in rows_of(val, spec, frames_of(run)) if row.sure],
        cut=cutter_for(spec, train, fit.augment),
        check_cut=cutter_for(spec, val, "none"),
    )


def _scored(run: NetRun, net: nn.Module, items: Sequence[Prepared], device: str) -> Scored:
    rows = rows_of(items, run.spec, frames_of(run))
    cut = cutter_for(run.spec, items, "none")
    return score(net, items, rows, cut, batch=run.fit.batch, device=device)


def _finish(run: NetRun, parts: Parts, net: nn.Module, device: str) -> None:
    """Bundle, test, and what is stored of both."""
    val = _scored(run, net, parts.items["val"], device)
    test = _scored(run, net, parts.items["test"], device)
    sha256 = bundled(run, parts, net, val)
    log_test(run, parts, sha256)
    frames, files = answers(test, run.spec.aggregation)
    rows = [row for found in (frames, files) for row in measured(found, run.name)]
    write_json(run.out / RESULT, result(run, parts, rows, sha256))
    write_predictions(
        predictions(test, files, run.name, sha256, run.spec.aggregation),
        run.out / PREDICTIONS,
        provenance(run, parts, "test"),
    )
    for line in (*test_lines(rows, (frames, files)), *by_method(rows)):
        say(line)
    say(f"All of it lies in {run.out}; use it: assay detect FILE --bundle {run.out / 'bundle'}")
