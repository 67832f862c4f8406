"""Draw what a run logged."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np


def read_log(folder: Path) -> list[dict[str, float]]:
    """All rows of logs/version_*/metrics.csv in the order in which they were written."""
    rows = []
    versions = sorted(folder.glob("logs/version_*/metrics.csv"), key=lambda p: p.stat().st_mtime)
    for path in versions:
        with path.open(encoding="utf-8") as file:
            rows += [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    return rows


def draw_curves(folder: Path) -> None:
    """Draw the losses and the checks into curves.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = read_log(folder)
    names = sorted({name for row in rows for name in row} - {"step", "epoch"})
    losses = [n for n in names if n in ("loss", "score", "mask", "ranking", "accuracy")]
    checks = [n for n in names if n not in losses and "/" not in n]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4))
    for axis, chosen in zip(axes, (losses, checks), strict=True):
        for name in chosen:
            points = [(row["step"], row[name]) for row in rows if name in row]
            steps, values = np.array(points).T
            axis.plot(steps, _smooth(values, max(1, len(values) // 60)), label=name)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        if chosen:
            axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(folder / "curves.png", dpi=110)
    plt.close(figure)


def _smooth(values: Any, width: int) -> Any:
    padded = np.pad(values, (width - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file, indented."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
