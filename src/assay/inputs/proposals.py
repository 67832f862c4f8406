"""From a boundary map to proposals: which seconds may be forged, and how surely.

Soft non-maximum suppression as BMN and BA-TFD use it (Bodla et al., ICCV 2017; Cai et al., DICTA
2022): what overlaps a better proposal loses score, the more the longer that one is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

Numbers = NDArray[np.float64]

MOST_PROPOSALS = 101


@dataclass(frozen=True, slots=True)
class Suppression:
    """How proposals suppress one another: scores fall by exp(-iou² / `alpha`) where the overlap is
    over `t1` + (`t2` - `t1`) * the better one's seconds. The paper's values are the defaults."""

    alpha: float = 0.7234
    t1: float = 0.1968
    t2: float = 0.4123
    most: int = MOST_PROPOSALS


def proposals_of(
    boundary_map: FloatArray,
    n_valid: int,
    rate_hz: float,
    suppression: Suppression | None = None,
    starts: FloatArray | None = None,
    ends: FloatArray | None = None,
) -> Numbers:
    """Proposals (m, 3): score, start and end in seconds, the best first.

    `boundary_map` (d, t) has `rate_hz` moments a second, of which `n_valid` are the clip's. As
    published, the row d stands for the end t + d, and row 0 for none. With `starts` and `ends`
    (t,), the chances that a forgery begins or ends at a moment, scores are multiplied by them.
    """
    table = raw_proposals(boundary_map, n_valid, rate_hz, starts, ends)
    return suppressed(table, suppression or Suppression())


def raw_proposals(
    boundary_map: FloatArray,
    n_valid: int,
    rate_hz: float,
    starts: FloatArray | None = None,
    ends: FloatArray | None = None,
) -> Numbers:
    """All proposals (m, 3) of a map before suppression, by beginning and end; see above."""
    n_durations, n_moments = boundary_map.shape
    duration, begin = np.meshgrid(np.arange(n_durations), np.arange(n_moments), indexing="ij")
    end = duration + begin
    scores = np.asarray(boundary_map, np.float64)
    kept = (duration > 0) & (end <= n_valid)
    if starts is not None and ends is not None:
        kept &= end < n_moments
        scores = scores * starts[begin] * ends[np.minimum(end, n_moments - 1)]
    order = np.lexsort((end[kept], begin[kept]))
    return np.stack([scores[kept], begin[kept] / rate_hz, end[kept] / rate_hz], axis=1)[order]


def suppressed(proposals: Numbers, how: Suppression) -> Numbers:
    """At most `how.most` of the proposals (m, 3), the best first, with their lowered scores.

    As published the very last of the list is never taken, unless it is the only one.
    """
    if len(proposals) < 2:
        return np.asarray(proposals, np.float64).copy()
    left = np.asarray(proposals, np.float64)
    left = left[np.argsort(-left[:, 0], kind="stable")]
    kept: list[Numbers] = []
    while len(left) > 1 and len(kept) < how.most:
        at = int(left[:, 0].argmax())
        best = left[at]
        kept.append(best)
        left = np.delete(left, at, axis=0)
        overlap = _overlap(left, best)
        near = overlap > how.t1 + (how.t2 - how.t1) * (best[2] - best[1])
        left[near, 0] *= np.exp(-np.square(overlap[near]) / how.alpha)
    return np.array(kept)


def _overlap(proposals: Numbers, best: Numbers) -> Numbers:
    start, end = proposals[:, 1], proposals[:, 2]
    shared = np.maximum(np.minimum(end, best[2]) - np.maximum(start, best[1]), 0)
    whole = (end - start) - shared + best[2] - best[1]
    return np.asarray(shared / np.maximum(whole, 1e-12))
