"""Scores of other systems, or of earlier runs, laid beside the items of a manifest."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import ConfigError
from assay.evaluation.items import Item
from assay.evaluation.models import About, Scale, Work, row_of, silent_row
from assay.evaluation.predictions import FRAME, Prediction, read_predictions
from assay.evaluation.scores import LABELS, opened
from assay.training.datasets.records import Notice

Numbers = tuple[float | None, float | None, float | None]  # logit, p_fake, threshold


@dataclass(frozen=True, slots=True)
class Given:
    """What a file says of one item: at level "file", and of frames (track, time)."""

    label: str
    numbers: Numbers
    reason: str = ""
    frames: tuple[tuple[int | None, float | None, Numbers], ...] = ()


@dataclass(frozen=True)
class StoredModel:
    """One system's scores by item: (set, "" where the file names none; name; variant)."""

    about: About
    given: Mapping[tuple[str, str, str], Given] = field(repr=False)

    def score(self, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
        """See Model. Raises ConfigError where the file's label is not the manifest's."""
        for item in items:
            yield from self._rows(item)

    def notices(self, items: Sequence[Item]) -> Iterator[Notice]:
        """See Model."""
        used = {id(one) for item in items if (one := self._of(item)) is not None}
        left = len(self.given) - len(used)
        if not used:
            raise ConfigError(
                f"{self.about.source} scores none of the items, the first of which is "
                f"{items[0].name}.",
                remedy="Its column `path` must hold the manifest's paths.",
            )
        if left:
            yield Notice("not_in_data", f"scores of {self.about.name} are of other items", left)

    def _of(self, item: Item) -> Given | None:
        dataset, name, variant = item.key
        for key in ((dataset, name), ("", name), ("", str(item.path))):
            if (*key, variant) in self.given:
                return self.given[(*key, variant)]
        return None

    def _rows(self, item: Item) -> Iterator[Prediction]:
        found = self._of(item)
        if found is None:
            reason = "no_score: The file of scores does not hold this item."
            yield silent_row(self.about, item, reason)
            return
        if found.label and found.label != item.record.label:
            raise ConfigError(
                f"{self.about.source} calls {item.name} {found.label}, the manifest calls it "
                f"{item.record.label}.",
                remedy="Which of them has real and fake the wrong way round?",
            )
        if found.reason:
            yield silent_row(self.about, item, found.reason)
            return
        for track, time_s, (logit, p_fake, cut) in found.frames:
            place = {"level": FRAME, "track_id": track, "time_s": time_s}
            yield row_of(self.about, item, **place, logit=logit, p_fake=p_fake, threshold=cut)
        logit, p_fake, cut = found.numbers
        yield row_of(self.about, item, logit=logit, p_fake=p_fake, threshold=cut)


def stored_models(path: Path) -> list[StoredModel]:
    """The systems in a file of scores (.csv) or a prediction matrix (.parquet).

    A CSV needs `path` and one of `score`, `logit`, `p_fake`; `label`, `dataset`, `system`,
    `threshold` (on the same scale) and `reason` are read where they are there. An empty score is
    an abstention. Raises ConfigError naming the line.
    """
    if path.suffix.lower() == ".parquet":
        return _of_matrix(path)
    rows = list(_csv_rows(path))
    if not rows:
        raise ConfigError(f"{path} holds no scores.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return [
        _csv_model(path, system, [row for row in rows if row[0] == system], digest)
        for system in dict.fromkeys(row[0] for row in rows)
    ]


def _of_matrix(path: Path) -> list[StoredModel]:
    matrix = read_predictions(path)
    scales = {str(m.get("name")): m.get("scale") for m in matrix.provenance.get("models", [])}
    trained = {str(m.get("name")): m for m in matrix.provenance.get("models", [])}
    found = []
    for name in matrix.models:
        rows = [row for row in matrix.rows if row.model == name]
        entry = trained.get(name, {})
        about = About(
            name=name,
            sha256=rows[0].model_sha256,
            source=str(path),
            scale=scales.get(name) or scale_of([(row.logit, row.p_fake, None) for row in rows]),
            net=str(entry.get("net") or ""),
            trained_on=None if entry.get("trained_on") is None else tuple(entry["trained_on"]),
        )
        found.append(StoredModel(about, _by_item(rows)))
    if not found:
        raise ConfigError(f"{path} holds no row.")
    return found


def _by_item(rows: Iterable[Prediction]) -> dict[tuple[str, str, str], Given]:
    frames: dict[tuple[str, str, str], list[tuple[int | None, float | None, Numbers]]] = {}
    whole: dict[tuple[str, str, str], Prediction] = {}
    for row in rows:
        if row.level == FRAME:
            numbers = (row.logit, row.p_fake, row.threshold)
            frames.setdefault(row.item, []).append((row.track_id, row.time_s, numbers))
        else:
            whole[row.item] = row
    return {
        item: Given(
            row.label,
            (row.logit, row.p_fake, row.threshold),
            row.reason,
            tuple(frames.get(item, ())),
        )
        for item, row in whole.items()
    }


def scale_of(numbers: Sequence[Numbers]) -> Scale:
    """What scores are, judged by themselves: probabilities where every scored one is one."""
    scored = [one for one in numbers if one[0] is not None or one[1] is not None]
    return "probability" if all(one[1] is not None for one in scored) else "score"


def _csv_rows(path: Path) -> Iterator[tuple[str, str, str, Given]]:
    """(system, set, name, what is given), line by line."""
    try:
        with opened(path, "r") as file:
            if file.read(1) != "\ufeff":
                file.seek(0)
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            measured = [c for c in ("score", "logit", "p_fake") if c in columns]
            if "path" not in columns or not measured:
                raise ConfigError(
                    f"{path} needs the columns path and score (or logit, or p_fake).",
                    remedy="Higher = more likely fake.",
                )
            for cells in reader:
                try:
                    yield _csv_row({k: (v or "").strip() for k, v in cells.items() if k}, path)
                except (ValueError, AttributeError) as error:
                    raise ConfigError(f"{path}, line {reader.line_num}: {error}.") from error
    except (OSError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error


def _csv_row(cells: Mapping[str, str], path: Path) -> tuple[str, str, str, Given]:
    if not cells.get("path"):
        raise ValueError("the path is empty")
    logit = _number(cells.get("logit") or cells.get("score") or "")
    p_fake = _number(cells.get("p_fake", ""))
    if p_fake is not None and not 0 <= p_fake <= 1:
        raise ValueError(f"p_fake {p_fake} lies outside [0, 1]")
    word = cells.get("label", "").lower().replace(" ", "").replace("-", "").replace("_", "")
    if word and word not in LABELS:
        raise ValueError(f"label {cells['label']!r} is neither real nor fake")
    empty = logit is None and p_fake is None
    reason = cells.get("reason") or "no_score: The file gives none."
    numbers = (logit, p_fake, _number(cells.get("threshold", "")))
    given = Given(LABELS.get(word, ""), numbers, reason if empty else "")
    system = cells.get("system") or cells.get("model") or path.stem
    return system, cells.get("dataset", ""), cells["path"], given


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _csv_model(
    path: Path, system: str, rows: Sequence[tuple[str, str, str, Given]], digest: str
) -> StoredModel:
    given: dict[tuple[str, str, str], Given] = {}
    for _, dataset, name, one in rows:
        if (dataset, name, "") in given:
            raise ConfigError(f"{path}: {system} has more than one score for {name}.")
        given[(dataset, name, "")] = one
    given = _as_probabilities(given)
    scale = scale_of([one.numbers for one in given.values()])
    return StoredModel(About(system, digest, str(path), scale), given)


def _as_probabilities(
    given: dict[tuple[str, str, str], Given],
) -> dict[tuple[str, str, str], Given]:
    """Scores that all lie in [0, 1] are taken for probabilities, with a cut at one half where the
    file names none."""
    numbers = [one.numbers for one in given.values() if not one.reason]
    scores = [logit for logit, _, _ in numbers if logit is not None]
    if any(p is not None for _, p, _ in numbers) or not scores:
        return given
    if min(scores) < 0 or max(scores) > 1:
        return given
    return {
        key: Given(one.label, (None, one.numbers[0], one.numbers[2]), one.reason)
        for key, one in given.items()
    }
