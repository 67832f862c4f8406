"""Results as `assay evaluate --protocol` stores them, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def row(model: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    known = {"level": "file", "slice": "overall", "n_fake": 20, "n_real": 30, "n_groups": 40}
    ends = {} if value is None else {"low": value - 0.05, "high": value + 0.05}
    return {"model": model, "metric": metric, "value": value, **ends, **known, **more}


def result(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    models = sorted({one["model"] for one in rows})
    return {
        "protocol": "within",
        "data": {"name": "faces", "data_hash": "d" * 16, "n_items": 50, "split": "val"},
        "models": [
            {"name": name, "bundle_sha256": "b" * 64, "net": name, "trained_on": "made faces"}
            for name in models
        ],
        "rows": rows,
        "significance": [],
        "final": False,
        "provenance": {"made": "2026-01-01T00:00:00+00:00", "commit": "c" * 40},
        "bibtex_keys": [],
        **more,
    }


def stored(folder: Path, value: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "result.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
