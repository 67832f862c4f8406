"""What is stored of a trained network: its bundle, the result of its test, and the log of that."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assay import __version__
from assay.errors import ConfigError
from assay.evaluation.run import source_commit
from assay.evaluation.sealed import log_use
from assay.training.classify_data import Prepared, Row, cutter_for, rows_of
from assay.training.classify_reading import MANIFEST, Parts, frames_of
from assay.training.classify_report import say
from assay.training.classify_scores import Scored
from assay.training.net_bundle import calibrated, write_bundle
from assay.training.net_config import NetRun, told

CONFIG = "config.toml"
N_EXAMPLES = 8


def bundled(run: NetRun, parts: Parts, net: nn.Module, val: Scored) -> str:
    """Write the bundle; returns the hash of its network."""
    calibration, points = _calibrated(run, parts, val)
    train = parts.items["train"]
    cut = cutter_for(run.spec, train, "none")
    rows: list[Row] = rows_of(train, run.spec, 1, run.fit)[:N_EXAMPLES]
    facts = provenance(run, parts, "train") | {
        "name": run.name,
        "training_groups": parts.groups("train"),
        "calibration_groups": parts.groups("val"),
    }
    folder = write_bundle(
        replace(run.spec, n_frames=frames_of(run)),
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


def provenance(run: NetRun, parts: Parts, split: str) -> dict[str, Any]:
    """What made this: command, commit, that part of the data, seed, recipe, start."""
    return {
        "command": f"assay train {run.out / CONFIG}",
        "commit": source_commit(),
        "assay_version": __version__,
        "torch": torch.__version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": "within",
        "net": run.spec.name,
        "data_hash": parts.hash_of(split),
        "seed": run.fit.seed,
        "recipe": told(run.fit),
        "start": None if run.start is None else sha256_of(run.start),
    }


def result(run: NetRun, parts: Parts, rows: list[dict[str, Any]], sha256: str) -> dict[str, Any]:
    """The value of result.json, as the leaderboard reads it."""
    test, train = parts.items["test"], parts.items["train"]
    sets = ", ".join(parts.manifest.datasets)
    return {
        "protocol": "within",
        "data": {
            "name": f"{sets}: {run.data.name}",
            "data_hash": parts.hash_of("test"),
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
        "provenance": provenance(run, parts, "test"),
        "bibtex_keys": [],
    }


def log_test(run: NetRun, parts: Parts, sha256: str) -> None:
    """The test part is looked at: written down beside its manifest. Raises ConfigError."""
    facts = {
        k: v for k, v in provenance(run, parts, "test").items() if k in ("data_hash", "command")
    }
    beside = run.data if run.data.is_file() else run.out / MANIFEST
    notice = log_use(beside, [(run.name, sha256)], {**facts, "protocol": "within"})
    say(f"{notice.text[:1].upper()}{notice.text[1:]}.")


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
