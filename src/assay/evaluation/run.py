"""One evaluation: score, measure, write scores.csv, tables.json, report.md and plots."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import assay
from assay.case import Progress, silent
from assay.evaluation.pieces import Piece, limited, pieces_of, varied
from assay.evaluation.protocols import held_out_tables
from assay.evaluation.report import as_markdown
from assay.evaluation.robustness import robustness_table
from assay.evaluation.scores import Row, read_scores
from assay.evaluation.scoring import items_of, score_pieces, settings
from assay.options import Options
from assay.training.datasets.manifest import Item, data_hash

Tables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate and how.

    `data` is a manifest folder, `scores` a CSV that exists already; one of them is given.
    `per_source` limits the files of each source, `far` is the false-alarm rate of the cut where
    the scores carry none, `command` is what was typed.
    """

    out: Path
    data: Path | None = None
    scores: Path | None = None
    split: str = "val"
    options: Options = field(default_factory=Options)
    workers: int = 1
    far: float = 0.01
    robustness: bool = False
    per_source: int | None = None
    n_draws: int = 1000
    seed: int = 0
    command: str = ""


def evaluate(request: Request, progress: Progress = silent) -> Tables:
    """Do it, write everything into `request.out` and give what tables.json holds.

    Raises UsageError and ConfigError where the data or the scores cannot be used.
    """
    request.out.mkdir(parents=True, exist_ok=True)
    rows, sources = _rows(request, progress)
    progress("tables", 0, 1)
    tables: Tables = {
        "provenance": _provenance(request, sources, rows),
        "detectors": held_out_tables(
            rows, far=request.far, n_draws=request.n_draws, seed=request.seed
        ),
        "robustness": robustness_table(rows, n_draws=request.n_draws, seed=request.seed) or None,
    }
    text = json.dumps(tables, indent=1, allow_nan=False, ensure_ascii=False)
    (request.out / "tables.json").write_text(text + "\n", encoding="utf-8", errors="replace")
    progress("plots", 0, 1)
    from assay.evaluation.plots import write_plots

    plots = write_plots(tables["detectors"], request.out / "plots")
    page = as_markdown(tables, plots)
    (request.out / "report.md").write_text(page, encoding="utf-8", errors="replace")
    progress("plots", 1, 1)
    return tables


def _rows(request: Request, progress: Progress) -> tuple[list[Row], Tables]:
    """All rows and where they came from."""
    if request.scores is not None:
        digest = hashlib.sha256(request.scores.read_bytes()) if request.scores.is_file() else None
        rows = read_scores(request.scores)
        named = str(request.scores)
        return rows, {"scores": named, "scores_sha256": digest.hexdigest() if digest else None}
    assert request.data is not None, "data or scores"
    items = items_of(request.data, request.split)
    pieces = limited(pieces_of(items, request.data), request.per_source)
    rows = _scored(request, pieces, "scores.csv", progress)
    if request.robustness:
        rows += _scored(request, varied(pieces), "robustness.csv", progress)
    return rows, _data(request, items, pieces)


def _scored(request: Request, pieces: Sequence[Piece], name: str, progress: Progress) -> list[Row]:
    return score_pieces(
        pieces,
        request.out / name,
        options=request.options,
        workers=request.workers,
        progress=progress,
    )


def _data(request: Request, items: Sequence[Item], pieces: Sequence[Piece]) -> Tables:
    used = {piece.path for piece in pieces}
    left_out = Counter(item.label for item in items if item.path not in used)
    return {
        "data": str(request.data),
        "split": request.split,
        "data_hash": data_hash([item for item in items if item.path in used]),
        "files_of_the_split": len(items),
        "pieces_scored": len(pieces),
        "left_out_by_label": dict(left_out),
        **settings(request.options),
    }


def _provenance(request: Request, sources: Tables, rows: Sequence[Row]) -> Tables:
    return {
        "assay_version": assay.__version__,
        "commit": source_commit(),
        "command": request.command,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **sources,
        "rows": len(rows),
        "far": request.far,
        "bootstrap_draws": request.n_draws,
        "seed": request.seed,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def source_commit() -> str | None:
    """The commit that assay runs from, with a + where files were changed; None outside git."""
    folder = Path(assay.__file__).parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None  # installed inside somebody else's repository
    head, changed = git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".")
    return f"{head}+" if head and changed else head
