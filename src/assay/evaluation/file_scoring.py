"""Scores of what ships with assay: one detector, or the whole program, file by file.

Each file is examined in a process of its own by the very code of `assay detect`; what is done is
kept, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ConfigError
from assay.evaluation.items import Item
from assay.evaluation.models import (
    PROGRAM,
    About,
    Work,
    entries,
    one_sided,
    reason_of_kind,
    require_fitting,
    row_of,
    silent_row,
)
from assay.evaluation.pool import each
from assay.evaluation.predictions import FRAME, Prediction, as_dict
from assay.options import Options
from assay.training.datasets.opening import opened
from assay.training.datasets.records import Modality, Notice
from assay.types import Evidence

Examine = Callable[[Item], list[Prediction]]


@dataclass(frozen=True)
class DetectorModel:
    """One shipped detector with its bundle: the score of its most suspicious subject."""

    about: About
    detector: str

    @classmethod
    def named(cls, name: str) -> DetectorModel:
        """The detector of that name. Raises what opening its card raises."""
        from assay.bundles import load_card
        from assay.detectors import discover

        detector = discover()[name]
        assert detector.bundle is not None
        card = load_card(detector.bundle)
        kinds: list[Modality] = [*detector.kinds]
        if "video" in kinds and detector.needs != "sound":
            kinds.append("frames")
        about = About(
            name=name,
            sha256=card.network_sha256,
            source=f"assay's detector {name} {detector.version}",
            scale="probability",
            hears_or_sees=tuple(kinds),
            net=name,
            trained_on=entries(card.raw.get("trained_on")),
            bibtex=str(card.raw.get("bibtex") or ""),
        )
        return cls(about, name)

    def notices(self, items: Sequence[Item]) -> Iterator[Notice]:
        """See Model."""
        yield from one_sided(self.about, items)

    def score(self, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
        """See Model."""
        task = functools.partial(
            examine_with_detector, about=self.about, name=self.detector, point=work.operating_point
        )
        yield from _scored(self.about, task, items, work)


@dataclass(frozen=True)
class ProgramModel:
    """The whole program: the fused p_fake of its verdict on a file."""

    about: About

    @classmethod
    def current(cls) -> ProgramModel:
        """The program as installed."""
        from assay.evaluation.scoring import settings

        made_of = settings(Options())
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
        name = f"assay {made_of['assay_version']}"
        return cls(About(PROGRAM, digest, name, "probability", net=PROGRAM))

    def notices(self, items: Sequence[Item]) -> Iterator[Notice]:
        """See Model."""
        return iter(())

    def score(self, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
        """See Model."""
        options = Options(operating_point=work.operating_point)
        task = functools.partial(examine_whole, about=self.about, options=options)
        yield from _scored(self.about, task, items, work)


def examine_with_detector(item: Item, about: About, name: str, point: str) -> list[Prediction]:
    """A detector's rows of one item; runs in a process of its own."""
    from assay.bundles import use_threads
    from assay.case import Case
    from assay.detectors import discover
    from assay.media.probe import probe
    from assay.verdict.calibrate import calibrate

    use_threads(1)
    options = Options(detectors=(name,), heatmaps=False, stability=False, operating_point=point)
    with opened(item.path, item.record.modality, item.record.part, options.frames) as file:
        case = Case(probe(file.path), options)
        evidence = calibrate(discover()[name]().examine(case), point)
    return rows_of_evidence(item, about, evidence, point)


def rows_of_evidence(
    item: Item, about: About, evidence: Sequence[Evidence], point: str
) -> list[Prediction]:
    """Evidence as rows: its spans as frames, the most suspicious subject as the item.

    The cut rises with the number of subjects, as in a verdict, so that the item's false-alarm
    rate stays what it is named for.
    """
    from assay.bundles import load_card
    from assay.detectors import discover
    from assay.verdict.calibrate import cut_logit

    scored = [one for one in evidence if one.status == "scored" and one.logit is not None]
    if not scored:
        first = next((one for one in evidence if one.status == "failed"), None)
        said = first or (evidence[0] if evidence else None)
        reason = (said.reason if said else "") or "no_answer: The detector gave none."
        return [silent_row(about, item, reason, "failed" if first else "abstained")]
    card = load_card(discover()[scored[0].detector].bundle or "")
    fit = card.calibration
    assert fit is not None
    cut = cut_logit(card, card.operating_point(point), len(scored))
    threshold = 1.0 if cut is None else fit.p_fake(cut)
    rows = []
    for number, one in enumerate(scored):
        track = one.track_id if one.track_id is not None else one.speaker_id
        seen: set[float] = set()
        for span in one.spans:
            if span.start_s in seen:
                continue
            seen.add(span.start_s)
            place = {"level": FRAME, "track_id": number if track is None else track}
            numbers = {"logit": span.logit, "p_fake": span.p_fake, "threshold": one.threshold}
            rows.append(row_of(about, item, **place, time_s=span.start_s, **numbers))
    top = max(scored, key=lambda one: float(one.logit or 0.0))
    rows.append(row_of(about, item, logit=top.logit, p_fake=top.p_fake, threshold=threshold))
    return rows


def examine_whole(item: Item, about: About, options: Options) -> list[Prediction]:
    """The row of the program's verdict on one item; runs in a process of its own."""
    from assay.bundles import use_threads
    from assay.evaluation.pieces import Piece
    from assay.evaluation.scores import FILE_LEVEL
    from assay.evaluation.scoring import _quick, examine_piece

    use_threads(1)
    record = item.record
    with opened(item.path, record.modality, record.part, options.frames) as file:
        piece = Piece(
            item.name, file.path, record.label, record.method, item.group, record.modality,
            record.split, record.sha256,
        )  # fmt: skip
        found = examine_piece(piece, _quick(options, 0))
    row = next(row for row in found if row.detector == FILE_LEVEL)
    if row.status != "scored":
        return [silent_row(about, item, row.reason or "no_score: none", row.status)]
    return [row_of(about, item, p_fake=row.p_fake, threshold=row.threshold)]


def _scored(about: About, task: Examine, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
    require_fitting(about, items)
    store = _Finished(work.parts / f"{_stem(about)}.jsonl", about, work.operating_point)
    known = store.rows()
    left = []
    for n, item in enumerate(items):
        reason = reason_of_kind(about, item)
        if reason:
            yield silent_row(about, item, reason)
        elif _mark(item) in known:
            # The manifest may have learned better since: only what was measured is taken over.
            yield from _relabelled(known[_mark(item)], about, item)
        else:
            left.append(items[n])
    done = len(items) - len(left)
    for n, (index, answer) in enumerate(each(task, left, min(work.workers, len(left))), 1):
        rows = answer if isinstance(answer, list) else [_crashed(about, left[index], answer)]
        if isinstance(answer, list):
            store.add(left[index], rows)
        yield from rows
        work.progress("score", done + n, len(items))


def _crashed(about: About, item: Item, error: Exception) -> Prediction:
    code = error.code if isinstance(error, AssayError) else type(error).__name__
    return silent_row(about, item, f"{code}: {error}", "failed")


def _stem(about: About) -> str:
    from assay.evaluation.plots import file_stem

    return file_stem(about.name, 0)


def _mark(item: Item) -> str:
    """What identifies an item's content between runs: its name, size, time and hash."""
    try:
        facts = item.path.stat()
        content = f"{facts.st_size} {facts.st_mtime_ns}"
    except OSError:
        content = ""
    return "\t".join((*item.key, str(item.path), item.record.sha256, content))


def _relabelled(rows: Sequence[dict[str, Any]], about: About, item: Item) -> Iterator[Prediction]:
    kept = ("level", "track_id", "time_s", "status", "logit", "p_fake", "threshold", "reason")
    for row in rows:
        yield row_of(about, item, **{name: row[name] for name in kept})


class _Finished:
    """The items that are done, one line each; lines of another model or cut do not count."""

    def __init__(self, path: Path, about: About, point: str) -> None:
        self._path = path
        self._made_by = f"{about.sha256} {point}"

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """By mark of the item, its rows; a half-written line is left out."""
        found = {}
        try:
            lines = self._path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error}.") from error
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("made_by") == self._made_by:
                found[entry["mark"]] = entry["rows"]
        return found

    def add(self, item: Item, rows: Sequence[Prediction]) -> None:
        """Keep an item's rows."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        entry = {
            "made_by": self._made_by,
            "mark": _mark(item),
            "rows": [as_dict(row) for row in rows],
        }
        # A new line first: the last one may have been broken off.
        start = "\n" if self._path.is_file() and not _ends_whole(self._path) else ""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(start + json.dumps(entry) + "\n")


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"
