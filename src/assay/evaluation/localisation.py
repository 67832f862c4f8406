"""How well the forged seconds of clips are found: AP at an overlap, AR at a number of proposals.

As the evaluators of LAV-DF (ControlNet/LAV-DF @51b8d91) and AV-Deepfake1M (package avdeepfake1m)
compute them, in their single precision: a proposal is right where its intersection over union
with a forged span is over (not at) the threshold and that span was not found by a better one of
the clip; the proposals of all clips are then ranked together. Two habits of theirs are kept, since
published numbers have them: the precision-recall curve begins at the first proposal, not at recall
0 (a set with a single span has AP 0; `from_zero` adds that piece), and a span that overlaps nothing
is only a miss. One is not: a clip without any proposal counts as all its spans missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
Flags = NDArray[np.bool_]
AP_OVERLAPS = (0.5, 0.75, 0.95)
AR_OVERLAPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
AR_PROPOSALS = (100, 50, 20, 10)
AV1M_AP_OVERLAPS = (0.5, 0.75, 0.9, 0.95)
AV1M_AR_PROPOSALS = (50, 30, 20, 10, 5)


@dataclass(frozen=True, slots=True)
class LocalisedClip:
    """One clip: `proposals` (m, 3) are score, start and end, `spans` (k, 2) the forged seconds.

    Both may be empty. Proposals count in falling order of their scores, equal ones as given.
    Raises ValueError where a value is not finite or an end lies before its start.
    """

    proposals: Numbers
    spans: Numbers

    def __post_init__(self) -> None:
        proposals = np.asarray(self.proposals, np.float32).reshape(-1, 3)
        spans = np.asarray(self.spans, np.float32).reshape(-1, 2)
        for name, pairs in (("proposal", proposals[:, 1:]), ("span", spans)):
            if not np.isfinite(pairs).all() or (pairs[:, 1] < pairs[:, 0]).any():
                raise ValueError(f"A {name} has no finite start and end in this order.")
        if not np.isfinite(proposals[:, 0]).all():
            raise ValueError("A proposal's score is not finite.")
        order = np.argsort(-proposals[:, 0], kind="stable")
        object.__setattr__(self, "proposals", proposals[order])
        object.__setattr__(self, "spans", spans)


def overlaps(proposals: Numbers, spans: Numbers) -> Numbers:
    """Intersection over union (m, k) of intervals (m, 2) and (k, 2), both in seconds; of two that
    do not meet 0, of two of no length 0."""
    begin, end = proposals[:, None, 0], proposals[:, None, 1]
    shared = np.minimum(end, spans[None, :, 1]) - np.maximum(begin, spans[None, :, 0])
    whole = np.maximum(end, spans[None, :, 1]) - np.minimum(begin, spans[None, :, 0])
    shared = np.maximum(shared, np.float32(0))
    return np.where(whole > 0, shared / np.where(whole > 0, whole, 1), 0).astype(np.float32)


def found_by(clip: LocalisedClip, overlap: float) -> Flags:
    """(m,): which proposals are right: of each span in turn the first one not yet taken."""
    right = np.zeros(len(clip.proposals), bool)
    fits = overlaps(clip.proposals[:, 1:], clip.spans) > np.float32(overlap)
    for column in fits.T:
        free = np.flatnonzero(column & ~right)
        if len(free):
            right[free[0]] = True
    return right


def average_precision(
    clips: Sequence[LocalisedClip], overlap: float, from_zero: bool = False
) -> float:
    """Area under the best precision at or beyond each recall, over all clips' proposals.

    See the module for `from_zero`. NaN where no clip has a forged span.
    """
    n_spans = sum(len(clip.spans) for clip in clips)
    if not n_spans:
        return float("nan")
    scores = np.concatenate([clip.proposals[:, 0] for clip in clips])
    right = np.concatenate([found_by(clip, overlap) for clip in clips])
    right = right[np.argsort(-scores, kind="stable")]
    hits = np.cumsum(right)
    precision = np.r_[hits / np.arange(1, len(hits) + 1), 0.0]
    recall = np.r_[hits / n_spans, 1.0]
    best = np.maximum.accumulate(precision[::-1])[::-1]
    area = float((np.diff(recall) * best[1:]).sum())
    return area + (float(recall[0] * best[0]) if from_zero else 0.0)


def average_recall(
    clips: Sequence[LocalisedClip], n_proposals: int, at: Sequence[float] = AR_OVERLAPS
) -> float:
    """The share of spans that one of a clip's first `n_proposals` overlaps enough, mean over the
    thresholds. NaN where no clip has a forged span."""
    n_spans = sum(len(clip.spans) for clip in clips)
    if not n_spans:
        return float("nan")
    limits = np.asarray(at, np.float32)
    found = np.zeros(len(limits))
    for clip in clips:
        kept = clip.proposals[:n_proposals, 1:]
        if len(kept) and len(clip.spans):
            best = overlaps(kept, clip.spans).max(axis=0)
            found += (best[None] > limits[:, None]).sum(axis=1)
    return float((found / n_spans).mean())


def lav_df(clips: Sequence[LocalisedClip]) -> dict[str, float]:
    """What LAV-DF reports: `ap@0.5`, `ap@0.75`, `ap@0.95`, `ar@100`, `ar@50`, `ar@20`, `ar@10`."""
    found = {f"ap@{overlap:g}": average_precision(clips, overlap) for overlap in AP_OVERLAPS}
    return found | {f"ar@{n}": average_recall(clips, n) for n in AR_PROPOSALS}


def av_deepfake1m(clips: Sequence[LocalisedClip]) -> dict[str, float]:
    """What AV-Deepfake1M reports, and `score`, the mean of the mean AP and the mean AR."""
    ap = {f"ap@{overlap:g}": average_precision(clips, overlap) for overlap in AV1M_AP_OVERLAPS}
    ar = {f"ar@{n}": average_recall(clips, n) for n in AV1M_AR_PROPOSALS}
    score = (np.mean(list(ap.values())) + np.mean(list(ar.values()))) / 2
    return ap | ar | {"score": float(score)}
