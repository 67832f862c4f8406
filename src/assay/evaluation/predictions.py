"""The prediction matrix: what each model said of each item, frame by frame and as a whole.

One Parquet file, one row for each model, item, track and frame, and one at level "file"; of models
that propose forged seconds one more for each proposal. What got
no score is a row with its reason, never a number in the middle.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assay.errors import ConfigError

FORMAT = "assay predictions 1"
FILE, FRAME, PROPOSAL = "file", "frame", "proposal"
LEVELS = (FRAME, FILE, PROPOSAL)
STATUSES = ("scored", "abstained", "failed")
LABELS = ("real", "fake")
_KEY = b"assay"
_NUMBERS = ("time_s", "logit", "p_fake", "threshold", "end_s")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model says of one frame (or window of sound), of one whole item, or of the seconds
    from `time_s` to `end_s` that it proposes as forged (level "proposal").

    `path` is the item's name in its set, `variant` the change it went through before ("" for
    none). `logit` is the raw score, higher = fake (of another system: its score, on any scale),
    `p_fake` the calibrated probability, None where there is no calibration. `threshold` is on the
    scale of `p_fake` where that is there, else on that of `logit`. `reason` says why there is no
    score, `code: text`. Raises ConfigError where these do not fit each other.
    """

    model: str
    model_sha256: str
    dataset: str
    path: str
    label: str
    method: str
    group: str
    split: str
    subset: str
    modality: str
    variant: str = ""
    level: str = FILE
    track_id: int | None = None
    time_s: float | None = None
    status: str = "scored"
    logit: float | None = None
    p_fake: float | None = None
    threshold: float | None = None
    reason: str = ""
    end_s: float | None = None

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise ConfigError(f"{self.model}, {self.dataset} {self.path}: {fault}.")

    @property
    def item(self) -> tuple[str, str, str]:
        """What was scored: set, name, variant."""
        return (self.dataset, self.path, self.variant)

    @property
    def key(self) -> tuple[Any, ...]:
        """What no second row may have."""
        return (self.model, *self.item, self.level, self.track_id, self.time_s, self.end_s)

    @property
    def score(self) -> float | None:
        """What orders the items: the raw score, else the probability; higher = fake."""
        return self.logit if self.logit is not None else self.p_fake

    @property
    def fired(self) -> bool | None:
        """Whether the threshold was reached; None without a score or a threshold."""
        value = self.p_fake if self.p_fake is not None else self.logit
        return None if value is None or self.threshold is None else value >= self.threshold


COLUMNS = tuple(one.name for one in fields(Prediction))
_ADDED = ("end_s",)  # a matrix written before there were proposals has none


def _fault(row: Prediction) -> str:
    """What is wrong with a row; "" where nothing is."""
    if row.label not in LABELS:
        return f"the label {row.label!r} is neither real nor fake"
    if row.level not in LEVELS:
        return f"the level {row.level!r} is neither frame nor file nor proposal"
    if (row.level == PROPOSAL) != (row.end_s is not None):
        return f"the level {row.level} and the end {row.end_s} do not fit each other"
    if row.end_s is not None and not (row.time_s is not None and row.time_s <= row.end_s):
        return f"the seconds {row.time_s} to {row.end_s} are no stretch"
    if row.status not in STATUSES:
        return f"the status {row.status!r} is none of {', '.join(STATUSES)}"
    for name in _NUMBERS:
        value = getattr(row, name)
        if value is not None and not math.isfinite(value):
            return f"{name} {value} is no finite number"
    if row.p_fake is not None and not 0 <= row.p_fake <= 1:
        return f"p_fake {row.p_fake} lies outside [0, 1]"
    if (row.status == "scored") != (row.score is not None):
        return f"the status {row.status} and the score {row.score} do not fit each other"
    if row.status != "scored" and not row.reason:
        return "there is neither a score nor a reason"
    return ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows, and what is known of how they came about (command, commit, data, models, …)."""

    rows: tuple[Prediction, ...]
    provenance: Mapping[str, Any]

    @property
    def models(self) -> tuple[str, ...]:
        """The models' names in the order in which they first appear."""
        return tuple(dict.fromkeys(row.model for row in self.rows))

    def of(self, model: str, level: str = FILE, variant: str | None = "") -> list[Prediction]:
        """One model's rows of one level; `variant` None gives those of all variants."""
        return [
            row
            for row in self.rows
            if row.model == model
            and row.level == level
            and (variant is None or row.variant == variant)
        ]


def write_predictions(
    rows: Iterable[Prediction], path: Path, provenance: Mapping[str, Any]
) -> Path:
    """Write the matrix as Parquet in one step. Raises ConfigError on rows that occur twice."""
    pa, parquet = _arrow()
    kept = list(rows)
    _require_once(kept, str(path))
    columns = {name: [getattr(row, name) for row in kept] for name in COLUMNS}
    table = pa.table(columns, schema=_schema(pa))
    about = {**dict(provenance), "format": FORMAT}
    table = table.replace_schema_metadata({_KEY: json.dumps(about, default=str)})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    parquet.write_table(table, unfinished, compression="zstd")
    unfinished.replace(path)
    return path


def read_predictions(path: Path) -> Matrix:
    """The matrix of a file, every row checked.

    Raises ConfigError where it is no such file, a column is missing, a row contradicts itself or
    occurs twice.
    """
    pa, parquet = _arrow()
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.")
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    except (OSError, pa.ArrowException, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} is no prediction matrix: {said}") from error
    missing = [name for name in COLUMNS if name not in (*table.column_names, *_ADDED)]
    if missing or not isinstance(about, dict) or about.get("format", FORMAT) != FORMAT:
        named = f"lacks the columns {', '.join(missing)}" if missing else f"is no {FORMAT!r}"
        raise ConfigError(f"{path} {named}.", remedy="See docs/evaluation.md for its columns.")
    try:
        there = [name for name in COLUMNS if name in table.column_names]
        rows = tuple(Prediction(**row) for row in table.select(there).to_pylist())
    except TypeError as error:
        raise ConfigError(f"{path}: a column holds the wrong type: {error}.") from error
    _require_once(rows, str(path))
    return Matrix(rows, about)


def _require_once(rows: Sequence[Prediction], where: str) -> None:
    twice = [key for key, n in Counter(row.key for row in rows).items() if n > 1]
    if twice:
        model, dataset, name = twice[0][:3]
        raise ConfigError(f"{where}: {model} has more than one score for {dataset} {name}.")


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Prediction matrices are Parquet files, and pyarrow is not installed.",
            remedy="Install it with: pip install 'assay[train]'",
        ) from error
    return pyarrow, parquet


def _schema(pa: Any) -> Any:
    special = {name: pa.float64() for name in _NUMBERS} | {"track_id": pa.int64()}
    return pa.schema([(name, special.get(name, pa.string())) for name in COLUMNS])


def as_dict(row: Prediction) -> dict[str, Any]:
    """The row as plain values, as one line of a file of unfinished work holds it."""
    return asdict(row)
