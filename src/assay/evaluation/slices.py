"""One detector's rows as arrays, the cuts at which it fires, and the slices it is measured on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import Numbers
from assay.evaluation.ranking import Flags, fitted_cut
from assay.evaluation.scores import FILE_LEVEL, Row
from assay.evaluation.selective import confidence

AS_SHIPPED = "as_shipped"
MIN_OF_A_LABEL = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of one detector that count, as arrays (n,).

    `score` orders the rows, higher = fake (the raw logit where every scored row has one); NaN
    where nothing was scored. `p` is calibrated, `raw` the sigmoid of the raw logit, both None
    where some scored row lacks them. `fired` and `threshold` are those of the rows themselves,
    None where some scored row has none.
    """

    detector: str
    rows: tuple[Row, ...]
    score: Numbers
    p: Numbers | None
    raw: Numbers | None
    fired: Flags | None
    threshold: Numbers | None
    fake: Flags
    covered: Flags
    group: NDArray[np.str_]
    method: NDArray[np.str_]
    modality: NDArray[np.str_]

    def take(self, mask: Flags) -> Sample:
        """The sample with only the rows of the mask."""
        rows = tuple(row for row, kept in zip(self.rows, mask, strict=True) if kept)
        return sample_of(self.detector, rows, like=self, mask=mask)


@dataclass(frozen=True, slots=True)
class Cut:
    """One global decision for all rows: `fired` (n,) and how sure each is, `sure` (n,).

    `value` is the threshold on the scale of the scores, None where it differs from file to file
    (as shipped, it rises with the number of faces). `measurable` is False where the bona fide
    files are too few for the rate: then no alarm at all among them was allowed.
    """

    name: str
    text: str
    fired: Flags
    sure: Numbers
    value: float | None = None
    measurable: bool = True


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the data: kind is overall, modality, fake_source or real_source."""

    kind: str
    name: str
    mask: Flags


def samples(rows: Iterable[Row]) -> dict[str, Sample]:
    """By detector, the rows of unchanged files for which an answer was due; the file's first."""
    by_detector: dict[str, list[Row]] = {}
    for row in rows:
        if row.counts and not row.variant:
            by_detector.setdefault(row.detector, []).append(row)
    names = sorted(by_detector, key=lambda name: (name != FILE_LEVEL, name))
    return {name: sample_of(name, by_detector[name]) for name in names}


def sample_of(
    detector: str, rows: Sequence[Row], like: Sample | None = None, mask: Flags | None = None
) -> Sample:
    """The arrays of these rows; a part of another sample (`like`, `mask`) keeps its scales."""
    covered = np.array([row.status == "scored" for row in rows], bool)
    columns = _scales(rows, covered) if like is None else _parts(like, mask)
    return Sample(
        detector=detector,
        rows=tuple(rows),
        **columns,
        fake=np.array([row.label == "fake" for row in rows], bool),
        covered=covered,
        group=np.array([row.group for row in rows], str),
        method=np.array([row.method for row in rows], str),
        modality=np.array([row.modality for row in rows], str),
    )


def _scales(rows: Sequence[Row], covered: Flags) -> dict[str, Any]:
    logit, p, own, threshold = (
        _column(rows, covered, name) for name in ("logit", "p_fake", "score", "threshold")
    )
    fired = _column(rows, covered, "fired")
    score = next((one for one in (own, logit, p) if one is not None), None)
    return {
        "score": np.full(len(rows), np.nan) if score is None else score,
        "p": p,
        "raw": None if logit is None else 1 / (1 + np.exp(-np.clip(logit, -60, 60))),
        "fired": None if fired is None else np.nan_to_num(fired).astype(bool),
        "threshold": threshold,
    }


def _parts(like: Sample, mask: Flags | None) -> dict[str, Any]:
    found = {name: getattr(like, name) for name in ("score", "p", "raw", "fired", "threshold")}
    return {name: None if one is None else one[mask] for name, one in found.items()}


def _column(rows: Sequence[Row], covered: Flags, name: str) -> Numbers | None:
    values = [getattr(row, name) for row in rows]
    found = np.array([np.nan if value is None else float(value) for value in values], np.float64)
    return found if bool(np.isfinite(found[covered]).all()) else None


def cuts_of(sample: Sample, rates: Sequence[float]) -> dict[str, Cut]:
    """The cuts by name: as shipped, where the rows say so, and one for each false-alarm rate.

    The latter are fitted over ALL bona fide rows at once, whatever their source: one global
    threshold, as a user has it.
    """
    cuts = {}
    if sample.fired is not None and sample.covered.any():
        text = "the operating point as shipped"
        cuts[AS_SHIPPED] = Cut(AS_SHIPPED, text, sample.fired, _sureness(sample))
    reals = sample.score[sample.covered & ~sample.fake]
    for rate in dict.fromkeys(rates) if len(reals) else ():
        value = fitted_cut(reals, rate)
        text = f"one threshold at {100 * rate:g} % false alarms over all real files here"
        with np.errstate(invalid="ignore"):
            fired, sure = sample.score >= value, np.abs(sample.score - value)
        name = rate_name(rate)
        cuts[name] = Cut(name, text, fired, sure, value, rate * len(reals) >= 1)
    return cuts


def rate_name(rate: float) -> str:
    """ "far_1" for 0.01."""
    return f"far_{100 * rate:g}"


def _sureness(sample: Sample) -> Numbers:
    if sample.threshold is None:
        return np.zeros(len(sample.rows))
    if sample.p is None:
        return confidence(sample.score, sample.threshold, probabilities=False)
    return confidence(sample.p, sample.threshold, probabilities=True)


def slices_of(sample: Sample) -> list[Slice]:
    """All; each modality (where there are several); each generator against all real files; each
    real source against all fakes."""
    fake, whole = sample.fake, np.ones(len(sample.rows), bool)
    found = [Slice("overall", "all", whole)]
    kinds = sorted(set(sample.modality.tolist()))
    if len(kinds) > 1:
        found += [Slice("modality", kind or "unnamed", sample.modality == kind) for kind in kinds]
    for name in sorted(set(sample.method[fake].tolist())):
        found.append(Slice("fake_source", name, ~fake | (sample.method == name)))
    for name in sorted(set(sample.method[~fake].tolist())):
        found.append(Slice("real_source", name, fake | (sample.method == name)))
    return found
