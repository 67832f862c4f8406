"""The raw scores of one training run: read, made compact, and kept in the repository.

A run's scores.csv (assay.training.leave_out) holds one row for each thing scored and one column
of logits for each network: `all` is the one that ships, `reference` a small one that leaves
nothing out, `without X` the same small one that never saw a method or source matching X.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.str_]

COLUMNS = ("split", "label", "method", "source", "group", "path")
SHIPPED, REFERENCE, WITHOUT = "all", "reference", "without "
LEFT_OUT = "_left_out"
"""After a network's name: the run in which others left something out beside it."""


def run_of(part: str, network: str, runs: Collection[str]) -> str:
    """The run that a part of the page is made of: what was left out from the run beside the
    network, where there is one, and the rest from the network's own."""
    beside = network + LEFT_OUT
    return beside if part != "shipped" and beside in runs else network


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows (n,) as arrays; `logits` by network, (n,) each. `facts` say which run made them."""

    name: str
    facts: Mapping[str, Any]
    split: Words
    fake: Flags
    method: Words
    source: Words
    group: Words
    path: Words
    logits: Mapping[str, Numbers]
    n_without_score: int = 0

    @property
    def held_out(self) -> Flags:
        """Rows that no network of the run was trained on (calibration and val)."""
        return np.asarray(self.split != "train")

    @property
    def patterns(self) -> list[str]:
        """What was left out, in the order of the columns."""
        return [name.removeprefix(WITHOUT) for name in self.logits if name.startswith(WITHOUT)]

    @property
    def variants(self) -> list[str]:
        """Other networks that leave nothing out."""
        fixed = (SHIPPED, REFERENCE)
        return [n for n in self.logits if n not in fixed and not n.startswith(WITHOUT)]

    @property
    def baseline(self) -> list[str]:
        """The networks that leave nothing out and are compared with, as far as there are any."""
        return [name for name in (REFERENCE, SHIPPED) if name in self.logits]

    def fakes_like(self, pattern: str) -> Flags:
        """Fakes whose generator matches."""
        return self.fake & _matching(self.method, pattern)

    def reals_like(self, pattern: str) -> Flags:
        """Genuine rows whose source matches."""
        return ~self.fake & _matching(self.source, pattern)


def _matching(names: Words, pattern: str) -> Flags:
    known = {name: fnmatch(name, pattern) for name in set(names.tolist())}
    return np.array([known[name] for name in names.tolist()], bool)


def read_scores(path: Path, name: str, facts: Mapping[str, Any]) -> Scores:
    """Read scores.csv or its compact copy (.gz); rows without a score are left out and counted.

    Raises ValueError where columns are missing, a label is unknown, or no row has scores.
    """
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    reader = csv.reader(io.StringIO(text.decode("utf-8")))
    header = next(reader, [])
    if tuple(header[: len(COLUMNS)]) != COLUMNS or SHIPPED not in header:
        raise ValueError(f"{path} starts with {header[:8]}; wanted {', '.join(COLUMNS)}, all, …")
    rows = list(reader)
    logits = np.array([[float(cell) for cell in row[len(COLUMNS) :]] for row in rows], np.float64)
    kept = np.isfinite(logits).all(axis=1) if len(rows) else np.zeros(0, bool)
    if not kept.any():
        raise ValueError(f"{path} holds no row with scores.")
    words = np.array([row[: len(COLUMNS)] for row in rows], str)[kept]
    split, label, method, source, group, where = words.T
    unknown = set(label.tolist()) - {"real", "fake"}
    if unknown:
        raise ValueError(f"{path} has the labels {sorted(unknown)}; wanted real and fake.")
    if REFERENCE not in header and any(name.startswith(WITHOUT) for name in header):
        raise ValueError(f"{path} leaves something out and has no column {REFERENCE}.")
    columns = {n: logits[kept, i] for i, n in enumerate(header[len(COLUMNS) :])}
    left_out = int((~kept).sum())
    return Scores(
        name, facts, split, label == "fake", method, source, group, where, columns, left_out
    )


def keep_compact(run: Path, folder: Path) -> Path:
    """Copy runs/<name>/scores.csv into `folder` without absolute paths, with the run's facts."""
    name = run.name
    with (run / "scores.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    at = COLUMNS.index("path")
    short = short_names(row[at] for row in rows)
    store = io.StringIO()
    writer = csv.writer(store, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([*row[:at], short[row[at]], *row[at + 1 :]] for row in rows)
    target = folder / f"scores_{name}.csv.gz"
    # Neither name nor time inside: the same scores always give the same bytes.
    target.write_bytes(gzip.compress(store.getvalue().encode("utf-8"), 9, mtime=0))
    facts = json.dumps(_facts(run), indent=1, sort_keys=True)
    facts_path(folder, name).write_text(facts + "\n", encoding="utf-8")
    return target


def _facts(run: Path) -> dict[str, Any]:
    path = run / "resolved.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    wanted = ("config", "data_hash", "commit", "torch", "n_training", "n_calibration")
    wanted += ("start_sha256", "trained_methods")
    return {**{key: known[key] for key in wanted if key in known}, "shipped": _exported(run, known)}


def _exported(run: Path, known: Mapping[str, Any]) -> str:
    """Which column the run's bundle was exported from: `all`, or the variant that it became."""
    card = run / "bundle" / "card.json"
    if not card.is_file():
        return SHIPPED
    training = json.loads(card.read_text(encoding="utf-8")).get("training", {})
    net = training.get("config", {}).get("net", {})
    config = known.get("config", {})
    for name, changes in config.get("members", {}).get("variants", {}).items():
        if net == {**config.get("net", {}), **changes}:
            return str(name)
    return SHIPPED


def facts_path(folder: Path, name: str) -> Path:
    """The file beside the compact scores that says which run made them."""
    return folder / f"scores_{name}.json"


def compact_scores(folder: Path) -> list[Scores]:
    """All compact copies in `folder`, by name."""
    found = []
    for path in sorted(folder.glob("scores_*.csv.gz")):
        name = path.name.removeprefix("scores_").removesuffix(".csv.gz")
        facts = json.loads(facts_path(folder, name).read_text(encoding="utf-8"))
        found.append(as_shipped(read_scores(path, name, facts)))
    return found


def as_shipped(scores: Scores) -> Scores:
    """The scores with the network that became the bundle under `all`, and the one trained under
    that name as a variant, called by its backbone."""
    became = scores.facts.get("shipped", SHIPPED)
    if became == SHIPPED:
        return scores
    plain = str(scores.facts.get("config", {}).get("net", {}).get("backbone", "first"))
    logits = {SHIPPED: scores.logits[became], plain: scores.logits[SHIPPED]}
    rest = {n: v for n, v in scores.logits.items() if n not in (SHIPPED, became)}
    return replace(scores, logits={**logits, **rest})


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """For each path the shortest end of it that no other path ends in: mostly the file's name."""
    left = sorted(set(paths))
    found: dict[str, str] = {}
    n_parts = 1
    while left:
        ends = {path: "/".join(PurePath(path).parts[-n_parts:]) for path in left}
        count: dict[str, int] = {}
        for end in ends.values():
            count[end] = count.get(end, 0) + 1
        alone = [path for path in left if count[ends[path]] == 1]
        found |= {path: ends[path] for path in alone}
        left = _rest(left, alone)
        n_parts += 1
    return found


def _rest(names: Sequence[str], done: Sequence[str]) -> list[str]:
    gone = set(done)
    return [name for name in names if name not in gone]
