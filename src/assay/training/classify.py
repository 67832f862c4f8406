"""`assay train NET --data FOLDER`: from a folder of real and fake files to a tested network.

Everything lands in the run's folder: config.toml (which runs it again), manifest.parquet with the
split, epochs.json and curves.png, weights.pt (the best on validation), result.json and
predictions.parquet of the test, and bundle/, which `assay detect --bundle` uses.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assay import __version__
from assay.errors import ConfigError
from assay.evaluation.items import Item, data_hash
from assay.evaluation.predictions import write_predictions
from assay.evaluation.sealed import log_use
from assay.training.classify_data import (
    Prepared,
    Row,
    cutter_for,
    require_fitting,
    rows_of,
)
from assay.training.classify_loop import LAST, NetModule, Task, rounds_of, train_rounds
from assay.training.classify_report import (
    Rounds,
    by_method,
    predictions,
    say,
    test_lines,
    unseen_lines,
)
from assay.training.classify_scores import Scored, answers, measured, score
from assay.training.classify_split import Divided, divided
from assay.training.classify_start import start_from
from assay.training.curves import write_json
from assay.training.datasets.manifest_file import Manifest, read_manifest_file, write_manifest
from assay.training.datasets.prepared import prepare_faces, prepare_voices
from assay.training.datasets.records import Record
from assay.training.datasets.scanning import scan
from assay.training.datasets.seen_items import look_at_all, memory_of
from assay.training.datasets.shortcuts import FACTS, shortcuts
from assay.training.net_bundle import calibrated, write_bundle
from assay.training.net_config import NetRun, as_toml, differing, read_run, told
from assay.training.run import _commit as commit
from assay.training.triplets import fit_of_features, fit_of_head, train_siamese

CONFIG, MANIFEST, WEIGHTS = "config.toml", "manifest.parquet", "weights.pt"
RESULT, PREDICTIONS = "result.json", "predictions.parquet"
SEEN_BY = {"face": ("image", "video", "frames"), "voice": ("audio", "video")}
N_EXAMPLES = 8
MOST_LOOKED_AT = 400
"""Items whose files are looked at for shortcuts, evenly chosen."""


@dataclass(frozen=True)
class Parts:
    """The prepared items of one run by split, and the manifest with the split."""

    manifest: Manifest
    items: dict[str, list[Prepared]]

    @property
    def hash(self) -> str:
        """Sixteen digits that change with any item, its label or its split."""
        found = [item for part in self.items.values() for item in part]
        return data_hash(Item(one.record, one.group, self.manifest.root) for one in found)

    def groups(self, split: str) -> list[str]:
        """The groups of that part, sorted."""
        return sorted({item.group for item in self.items[split]})


def train_from_file(path: Path, resume: bool = False) -> None:
    """Run a TOML file of the kind "net". Raises ConfigError."""
    train_net(read_run(path), resume)


def train_net(run: NetRun, resume: bool = False) -> Path:
    """Read, divide, prepare, train, test, export; returns the run's folder. Raises ConfigError."""
    require_fitting(run.spec, run.fit.augment)
    device = _device(run.device)
    manifest = _read(run.data)
    split, left_out = _divided(manifest, run)
    for line in (*left_out, *split.lines()):
        say(line)
    _begin(run, resume)
    manifest = manifest.with_records(split.records, f"assay train {run.spec.name}")
    write_manifest(manifest, run.out / MANIFEST)
    for line in _warnings(manifest, run):
        say(line)
    parts = _prepared(run, manifest)
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


def _read(data: Path) -> Manifest:
    """The manifest, or the records of the folder by the reader that knows it."""
    if data.is_file():
        return read_manifest_file(data)
    if not data.is_dir():
        raise ConfigError(f"There is no folder or manifest {data}.")
    manifest, reader = scan(data)
    say(f"{data}: {len(manifest.records)} items, read as {reader.about.title!r}")
    for notice in manifest.notices:
        say(f"  {notice.n} × {notice.code}: {notice.text}")
    return manifest


def _divided(manifest: Manifest, run: NetRun) -> tuple[Divided, list[str]]:
    """The records that the network can look at, divided; and what is left out.

    An item counts as fake here where the side that the network looks at was changed.
    """
    kinds = SEEN_BY[run.spec.kind]
    usable = [r for r in manifest.records if r.modality in kinds]
    lines = [
        f"{n} {modality} items are left out: {run.spec.name} looks at a {run.spec.kind}"
        for modality, n in Counter(r.modality for r in manifest.records).items()
        if modality not in kinds
    ]
    sided = [_sided(record, run.spec.kind) for record in usable]
    n_other = sum(a.label != b.label for a, b in zip(sided, usable, strict=True))
    if n_other:
        lines.append(f"{n_other} fake items count as real: what a {run.spec.kind} shows is not")
    if not usable:
        raise ConfigError(f"{run.data} holds nothing that {run.spec.name} looks at.")
    split = divided(sided, run.split_seed)
    records = [replace(r, split=s.split) for r, s in zip(usable, split.records, strict=True)]
    return replace(split, records=tuple(records)), lines


def _sided(record: Record, kind: str) -> Record:
    changed = record.visual_fake if kind == "face" else record.audio_fake
    if changed is None:
        return record
    return replace(record, label="fake" if changed else "real")


def _warnings(manifest: Manifest, run: NetRun) -> list[str]:
    """What of the files tells the labels apart without a look at a face or a voice."""
    n = max(1, -(-len(manifest.records) // MOST_LOOKED_AT))
    part = manifest.with_records(manifest.records[::n], "")
    seen = look_at_all(part, memory_of(run.out / MANIFEST), run.workers or 0)
    return [
        f"Warning: {FACTS[one.fact]} alone tells fake from real (AUC {one.told.value:.2f}; fake "
        f"{one.fake}, real {one.real}): the network may learn that"
        for one in shortcuts([_sided(r, run.spec.kind) for r in part.records], seen)
        if one.is_one
    ]


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


def _prepared(run: NetRun, manifest: Manifest) -> Parts:
    """The faces or voices of every part. Raises ConfigError where a part has none of a label."""
    workers = run.workers or 0
    found: Sequence[Prepared]
    if run.spec.kind == "face":
        found = prepare_faces(
            manifest,
            run.cache,
            n_frames=max(run.fit.n_frames, _frames(run)),
            max_faces=run.spec.max_faces,
            workers=workers,
        )
    else:
        found = prepare_voices(manifest, run.cache, workers=workers)
    items: dict[str, list[Prepared]] = {"train": [], "val": [], "test": []}
    for item in found:
        items[item.record.split].append(item)
    for split, part in items.items():
        for line in unseen_lines(part, split):
            say(line)
        labels = {item.fake for item in part if not item.reason}
        if len(labels) < 2:
            raise ConfigError(f"In the {split} part nothing of one label can be looked at.")
    return Parts(manifest, items)


def _frames(run: NetRun) -> int:
    """How many frames of a person are looked at: the paper's, unless the user says otherwise."""
    own = run.spec.fit.n_frames == run.fit.n_frames
    return run.spec.n_frames if own else run.fit.n_frames


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
        checks=[row for row in rows_of(val, spec, _frames(run)) if row.sure],
        cut=cutter_for(spec, train, fit.augment),
        check_cut=cutter_for(spec, val, "none"),
    )


def _scored(run: NetRun, net: nn.Module, items: Sequence[Prepared], device: str) -> Scored:
    rows = rows_of(items, run.spec, _frames(run))
    cut = cutter_for(run.spec, items, "none")
    return score(net, items, rows, cut, batch=run.fit.batch, device=device)


def _finish(run: NetRun, parts: Parts, net: nn.Module, device: str) -> None:
    """Bundle, test, and what is stored of both."""
    val = _scored(run, net, parts.items["val"], device)
    test = _scored(run, net, parts.items["test"], device)
    sha256 = _bundled(run, parts, net, val)
    _log_use(run, parts, sha256)
    frames, files = answers(test, run.spec.aggregation)
    rows = [row for found in (frames, files) for row in measured(found, run.name)]
    write_json(run.out / RESULT, _result(run, parts, rows, sha256))
    write_predictions(
        predictions(test, files, run.name, sha256, run.spec.aggregation),
        run.out / PREDICTIONS,
        _provenance(run, parts),
    )
    for line in (*test_lines(rows, (frames, files)), *by_method(rows)):
        say(line)
    say(f"All of it lies in {run.out}; use it: assay detect FILE --bundle {run.out / 'bundle'}")


def _bundled(run: NetRun, parts: Parts, net: nn.Module, val: Scored) -> str:
    """Write the bundle; returns the hash of its network."""
    calibration, points = _calibrated(run, parts, val)
    train = parts.items["train"]
    cut = cutter_for(run.spec, train, "none")
    rows: list[Row] = rows_of(train, run.spec, 1, run.fit)[:N_EXAMPLES]
    facts = _provenance(run, parts) | {
        "name": run.name,
        "training_groups": parts.groups("train"),
        "calibration_groups": parts.groups("val"),
    }
    folder = write_bundle(
        replace(run.spec, n_frames=_frames(run)),
        net,
        run.out / "bundle",
        facts=facts,
        calibration=calibration,
        operating_points=points,
        trained_on=_trained_on(train),
        examples=np.stack([cut(row, None) for row in rows]),
    )
    return str(json.loads((folder / "card.json").read_text())["network_sha256"])


def _calibrated(
    run: NetRun, parts: Parts, val: Scored
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    try:
        return calibrated(
            val.by_track(),
            ["fake" if item.fake else "real" for item in val.items],
            [item.group for item in val.items],
            training_groups=parts.groups("train"),
            aggregation=run.spec.aggregation,
            fitted_on=f"the validation part of {run.data.name}",
            seed=run.fit.seed,
        )
    except ConfigError as error:
        say(f"The bundle reports a raw score and no probability: {error}")
        return None, []


def _trained_on(items: Sequence[Prepared]) -> list[dict[str, Any]]:
    counts = Counter(
        (i.record.dataset, i.record.method, "fake" if i.fake else "real", i.record.licence)
        for i in items
        if not i.reason
    )
    return [
        {"set": name, "method": method, "label": label, "licence": licence, "files": n}
        for (name, method, label, licence), n in sorted(counts.items())
    ]


def _provenance(run: NetRun, parts: Parts) -> dict[str, Any]:
    return {
        "command": f"assay train {run.out / CONFIG}",
        "commit": commit(),
        "assay_version": __version__,
        "torch": torch.__version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": "within",
        "net": run.spec.name,
        "data_hash": parts.hash,
        "seed": run.fit.seed,
        "recipe": told(run.fit),
        "start": None if run.start is None else _sha256(run.start),
    }


def _result(run: NetRun, parts: Parts, rows: list[dict[str, Any]], sha256: str) -> dict[str, Any]:
    test, train = parts.items["test"], parts.items["train"]
    sets = ", ".join(parts.manifest.datasets)
    return {
        "protocol": "within",
        "data": {
            "name": f"{sets}: {run.data.name}",
            "data_hash": parts.hash,
            "n_items": len(test),
            "n_not_scored": sum(bool(item.reason) for item in test),
            "split": "test",
        },
        "models": [
            {
                "name": run.name,
                "bundle_sha256": sha256,
                "net": run.spec.name,
                "trained_on": f"{sets}: {len(train)} items of {len(parts.groups('train'))} groups",
            }
        ],
        "rows": rows,
        "significance": [],
        "final": True,
        "provenance": _provenance(run, parts),
        "bibtex_keys": [],
    }


def _log_use(run: NetRun, parts: Parts, sha256: str) -> None:
    """The test part is looked at: written down beside its manifest. Raises ConfigError."""
    facts = {k: v for k, v in _provenance(run, parts).items() if k in ("data_hash", "command")}
    beside = run.data if run.data.is_file() else run.out / MANIFEST
    notice = log_use(beside, [(run.name, sha256)], {**facts, "protocol": "within"})
    say(f"{notice.text[:1].upper()}{notice.text[1:]}.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
