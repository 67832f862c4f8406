from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.proposals import Suppression, proposals_of, suppressed


def slowly(rows: list[list[float]], how: Suppression) -> list[list[float]]:
    """Soft suppression as the repository of LAV-DF writes it down, one number at a time."""
    rows = sorted(([*row] for row in rows), key=lambda row: -row[0])
    kept: list[list[float]] = []
    while len(rows) > 1 and len(kept) < how.most:
        best = max(range(len(rows)), key=lambda k: (rows[k][0], -k))
        for k, row in enumerate(rows):
            if k == best:
                continue
            shared = max(0.0, min(row[2], rows[best][2]) - max(row[1], rows[best][1]))
            whole = (row[2] - row[1]) - shared + rows[best][2] - rows[best][1]
            if shared / whole > how.t1 + (how.t2 - how.t1) * (rows[best][2] - rows[best][1]):
                row[0] *= float(np.exp(-((shared / whole) ** 2) / how.alpha))
        kept.append(rows.pop(best))
    return kept


@pytest.mark.parametrize("seed", range(3))
def test_suppression_is_that_of_a_slow_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 4, 60)
    rows = np.stack([rng.random(60), starts, starts + rng.uniform(0.1, 1.5, 60)], axis=1)
    how = Suppression(most=40)
    assert np.allclose(suppressed(rows, how), slowly(rows.tolist(), how))


def test_at_most_so_many_are_kept_and_the_last_never_is() -> None:
    rows = np.array([[k / 500, k, k + 1.0] for k in range(1, 300)])
    assert len(suppressed(rows, Suppression())) == 101
    assert len(suppressed(rows[:5], Suppression())) == 4
    assert suppressed(rows[:1], Suppression()).tolist() == rows[:1].tolist()


def test_a_map_becomes_proposals_in_seconds() -> None:
    scores = np.zeros((6, 10), np.float32)
    scores[4, 3] = 0.9
    scores[0, 5] = 1.0  # row 0 stands for no proposal
    found = proposals_of(scores, 10, rate_hz=5.0)
    assert found[0].tolist() == pytest.approx([0.9, 0.6, 1.4])


def test_proposals_that_leave_the_clip_are_none() -> None:
    scores = np.ones((6, 10), np.float32)
    found = proposals_of(scores, 4, rate_hz=1.0, suppression=Suppression(most=1000))
    assert found[:, 2].max() <= 4
    # 5 begins of each length from 1 on, as far as they end in time: 4 + 3 + 2 + 1, the last is lost
    assert len(found) == 9
    assert proposals_of(scores, 0, 1.0).shape == (0, 3)


def test_edges_weigh_the_scores() -> None:
    scores = np.full((4, 8), 0.5, np.float32)
    starts, ends = np.full(8, 0.1), np.full(8, 0.1)
    starts[2] = ends[4] = 1.0
    found = proposals_of(scores, 8, 1.0, starts=starts, ends=ends)
    assert found[0].tolist() == pytest.approx([0.5, 2.0, 4.0])
