"""The whole program on pictures by published generators that no network was trained on, beside
genuine pictures that were shrunk and saved alike.

Reads the folder that `python -m assay.training.datasets.web_generated` makes, split `val`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from assay.bundles import load_card
from assay.evaluation.metrics import rate_interval
from assay.evaluation.pieces import pieces_of
from assay.evaluation.scores import FILE_LEVEL, Row
from assay.evaluation.scoring import items_of, score_pieces
from held_out.separation import Table, separated

DETECTOR = "synthetic_picture"
FEW = 5  # a generator with fewer pictures has no line of its own
OTHERS = "other generators"


def published(folder: Path, work: Path, n_draws: int) -> Table:
    """Score the pictures (kept in `work`, so that a second call goes on) and measure."""
    pieces = pieces_of(items_of(folder, "val"), folder)
    bar = tqdm(desc="published generators")

    def progress(_: str, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    rows = score_pieces(pieces, work / "published.csv", workers=1, progress=progress)
    return {"bundle": load_card(DETECTOR).network_sha256, **tables(rows, n_draws)}


def tables(rows: Sequence[Row], n_draws: int) -> Table:
    """One entry for each generator, worst first, and for all; and what the verdict on the file
    said of the genuine twins."""
    scored = [r for r in rows if r.detector == DETECTOR and r.status == "scored"]
    genuine = [row for row in rows if row.label == "real"]
    own = Counter({row.path: row.method for row in rows if row.label == "fake"}.values())
    names = sorted(name for name, n in own.items() if n >= FEW)
    few = sorted(set(own) - set(names))
    chosen = {"all": sorted(own), **{name: [name] for name in names}, OTHERS: few}
    entries = [
        {"generator": name, "generators": len(members), **_entry(rows, scored, members, n_draws)}
        for name, members in chosen.items()
        if members
    ]
    first, rest = entries[0], entries[1:]
    rest.sort(key=_auc)
    return {"entries": [first, *rest], "genuine": _verdicts(genuine)}


def _auc(entry: Table) -> float:
    return float(entry["separation"].get(DETECTOR, {}).get("auc", {}).get("value", 9.0))


def _entry(
    rows: Sequence[Row], scored: Sequence[Row], members: Sequence[str], n_draws: int
) -> Table:
    against = [row for row in scored if row.label == "real" or row.method in members]
    separation = separated(
        {DETECTOR: np.array([row.logit for row in against], np.float64)},
        np.array([row.label == "fake" for row in against], bool),
        [row.group for row in against],
        n_draws=n_draws,
    )
    fakes = [row for row in rows if row.label == "fake" and row.method in members]
    return {"separation": separation, **_verdicts(fakes)}


def _verdicts(rows: Sequence[Row]) -> Table:
    """How many files, and of how many the whole program says manipulated, gives no answer, or
    found nothing."""
    of_file = [row for row in rows if row.detector == FILE_LEVEL]
    said = Counter(_said(row) for row in of_file)
    n = len(of_file)
    low, high = rate_interval(said["alarm"], n) if n else (None, None)
    return {
        "files": n,
        "verdicts": {name: said[name] for name in ("alarm", "no answer", "nothing found")},
        "alarms": {"value": said["alarm"] / n if n else None, "low": low, "high": high},
    }


def _said(row: Row) -> str:
    if row.status != "scored":
        return "no answer"
    return "alarm" if row.fired else "nothing found"
