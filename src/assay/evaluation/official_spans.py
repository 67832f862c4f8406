"""Proposals of forged seconds, for the sets that are measured by those: a model's own, and of one
that makes none its frame scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.localisation import LocalisedClip
from assay.evaluation.predictions import FILE, FRAME, PROPOSAL, Prediction
from assay.evaluation.protocol_runs import Scores
from assay.training.datasets.records import Record

ItemKey = tuple[str, str, str]
GRID = np.round(np.arange(0.1, 1.0, 0.1), 1)


def clips_of(
    scores: Scores, dataset: str, records: Mapping[ItemKey, Record]
) -> list[LocalisedClip]:
    """Each item's proposals beside its forged spans; an item without a score proposes nothing."""
    proposes, frames = makes_proposals(scores), dict[ItemKey, list[Prediction]]()
    level = PROPOSAL if proposes else FRAME
    for one in scores.rows:
        if one.dataset == dataset and one.level == level and not one.variant:
            frames.setdefault(one.item, []).append(one)
    clips = []
    for one in scores.rows:
        record = records.get(one.item)
        if one.dataset != dataset or one.level != FILE or one.variant or record is None:
            continue
        spans = [(span.start_s, span.end_s) for span in record.spans or ()]
        shape = np.array(spans, np.float32).reshape(-1, 2)
        own = frames.get(one.item, [])
        clips.append(LocalisedClip(stated(own) if proposes else proposals_of(own), shape))
    return clips


def makes_proposals(scores: Scores) -> bool:
    """Whether the model itself says which seconds are forged."""
    return any(one.level == PROPOSAL for one in scores.rows)


def stated(rows: Sequence[Prediction]) -> NDArray[np.float32]:
    """(m, 3) score (the raw logit: only the order counts), start_s, end_s of a model's own."""
    found = [(one.logit, one.time_s, one.end_s) for one in rows if one.status == "scored"]
    return np.array(found, np.float32).reshape(-1, 3)


def proposals_of(frames: Sequence[Prediction]) -> NDArray[np.float32]:
    """(m, 3) score, start_s, end_s: runs of frames whose probability reaches .1, .2, … .9.

    A run ends half a step after its last frame; its score is its mean probability. Of several
    people in the picture the one most likely fake counts at each moment.
    """
    at: dict[float, float] = {}
    for one in frames:
        if one.time_s is not None:
            at[one.time_s] = max(at.get(one.time_s, 0.0), _chance(one))
    if len(at) < 2:
        return np.zeros((0, 3), np.float32)
    times, p = np.array(sorted(at)), np.array([at[t] for t in sorted(at)])
    half = float(np.median(np.diff(times))) / 2
    found = []
    for cut in GRID:
        edges = np.flatnonzero(np.diff(np.r_[False, p >= cut, False].astype(int)))
        for first, last in edges.reshape(-1, 2):
            start, end = max(0.0, times[first] - half), times[last - 1] + half
            found.append((float(p[first:last].mean()), start, end))
    return np.array(list(dict.fromkeys(found)), np.float32).reshape(-1, 3)


def _chance(one: Prediction) -> float:
    if one.p_fake is not None:
        return one.p_fake
    return float(1 / (1 + np.exp(-np.clip(one.logit or 0.0, -60, 60))))
