from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.evaluation.localisation import (
    AR_OVERLAPS,
    LocalisedClip,
    av_deepfake1m,
    average_precision,
    average_recall,
    found_by,
    lav_df,
    overlaps,
)

ANSWERS = json.loads(
    (Path(__file__).parent / "localisation_answers.json").read_text(encoding="utf-8")
)


def clip(proposals: Any, spans: Any) -> LocalisedClip:
    return LocalisedClip(np.array(proposals, np.float32), np.array(spans, np.float32))


def stored(case: dict[str, Any]) -> list[LocalisedClip]:
    clips = []
    for name, rows in case["proposals"].items():
        table = np.array(rows, np.float32)
        table[:, 1:] /= np.float32(25)
        clips.append(clip(table, case["spans"][name]))
    return clips


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda c: f"{len(c['spans'])} clips")
def test_both_are_what_the_evaluator_of_av_deepfake1m_answers(case: dict[str, Any]) -> None:
    clips = stored(case)
    for overlap, answer in case["ap"].items():
        assert average_precision(clips, float(overlap)) == pytest.approx(answer, abs=2e-6)
    for n, answer in case["ar"].items():
        assert average_recall(clips, int(n)) == pytest.approx(answer, abs=2e-6)
    assert any(answer > 0.3 for answer in case["ap"].values())


def by_hand(clips: list[LocalisedClip], overlap: float) -> float:
    """Average precision by the book, slowly: greedy matches, then the curve point by point."""
    rows, n_spans = [], 0
    for one in clips:
        taken: set[int] = set()
        for start, end in one.spans.tolist():
            for number, (_, a, b) in enumerate(one.proposals.tolist()):
                whole = max(b, end) - min(a, start)
                shared = max(0.0, min(b, end) - max(a, start))
                if number not in taken and whole > 0 and shared / whole > overlap:
                    taken.add(number)
                    break
        rows += [(row[0], n in taken) for n, row in enumerate(one.proposals.tolist())]
        n_spans += len(one.spans)
    rows.sort(key=lambda row: -row[0])
    points, hits = [], 0
    for n, (_, right) in enumerate(rows, 1):
        hits += right
        points.append((hits / n_spans, hits / n))
    area = 0.0
    for n, (recall, _) in enumerate(points[1:], 1):
        area += (recall - points[n - 1][0]) * max(p for _, p in points[n:])
    return area


def test_average_precision_is_that_of_a_slow_count() -> None:
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(8):
        starts = rng.uniform(0, 5, (12, 1))
        table = np.hstack([rng.random((12, 1)), starts, starts + rng.uniform(0.1, 2, (12, 1))])
        spans = np.sort(rng.uniform(0, 6, (int(rng.integers(0, 3)), 2)), axis=1)
        clips.append(clip(table, spans))
    for overlap in (0.3, 0.5, 0.75):
        assert average_precision(clips, overlap) == pytest.approx(by_hand(clips, overlap), abs=1e-6)


def test_an_overlap_at_the_threshold_is_not_enough() -> None:
    half = clip([[0.9, 0, 2]], [[1, 2]])
    assert overlaps(half.proposals[:, 1:], half.spans)[0, 0] == 0.5
    assert not found_by(half, 0.5).any()
    assert found_by(half, 0.49).all()


def test_one_span_is_found_by_one_proposal_and_each_proposal_finds_one_span() -> None:
    twice = clip([[0.9, 1, 2], [0.8, 1, 2]], [[1, 2]])
    assert found_by(twice, 0.5).tolist() == [True, False]
    shared = clip([[0.9, 1, 3]], [[1, 2.8], [1.2, 3]])
    assert found_by(shared, 0.5).tolist() == [True]


def test_proposals_count_by_their_scores_in_whatever_order_they_come() -> None:
    rows = [[0.2, 1, 2], [0.9, 5, 6], [0.5, 1, 2]]
    assert clip(rows, [[1, 2]]).proposals[:, 0].tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert average_recall([clip(rows, [[1, 2]])], 1) == 0
    assert average_recall([clip(rows, [[1, 2]])], 2) == 1


def test_the_curve_begins_at_the_first_proposal_unless_it_is_told_to_begin_at_zero() -> None:
    clips = [clip([[0.9, 1, 2]], [[1, 2]]), clip([[0.8, 0, 1]], [[0, 1]])]
    assert average_precision(clips, 0.5) == pytest.approx(0.5)
    assert average_precision(clips, 0.5, from_zero=True) == pytest.approx(1.0)
    assert average_precision(clips[:1], 0.5) == 0


def test_a_clip_without_proposals_misses_its_spans_and_one_without_spans_costs_precision() -> None:
    empty = clip(np.zeros((0, 3)), [[1, 2]])
    right = clip([[0.5, 1, 2]], [[1, 2]])
    assert average_recall([right, empty], 10) == 0.5
    genuine = clip([[0.9, 1, 2]], np.zeros((0, 2)))
    assert average_precision([right, genuine], 0.5, from_zero=True) == pytest.approx(0.5)
    assert average_recall([right, genuine], 10) == 1


def test_recall_is_the_mean_over_the_thresholds() -> None:
    # Overlap 0.8: over 0.5, 0.55, 0.6, 0.65, 0.7, 0.75.
    assert average_recall([clip([[0.9, 0, 8]], [[0, 10]])], 10) == pytest.approx(0.6)
    assert len(AR_OVERLAPS) == 10


def test_without_any_span_there_is_no_number() -> None:
    genuine = [clip([[0.9, 1, 2]], np.zeros((0, 2)))]
    assert np.isnan(average_precision(genuine, 0.5))
    assert np.isnan(average_recall(genuine, 10))


@pytest.mark.parametrize(
    ("proposals", "spans"),
    [
        ([[0.9, 2, 1]], [[0, 1]]),
        ([[0.9, 0, 1]], [[1, 0]]),
        ([[np.nan, 0, 1]], [[0, 1]]),
        ([[0.9, 0, np.inf]], [[0, 1]]),
    ],
)
def test_what_is_no_interval_is_refused(proposals: Any, spans: Any) -> None:
    with pytest.raises(ValueError, match="finite"):
        clip(proposals, spans)


def test_intervals_of_no_length_overlap_nothing() -> None:
    assert overlaps(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32))[0, 0] == 0


def test_both_sets_of_figures_are_complete() -> None:
    clips = stored(ANSWERS["cases"][2])
    assert list(lav_df(clips)) == [
        "ap@0.5", "ap@0.75", "ap@0.95", "ar@100", "ar@50", "ar@20", "ar@10",
    ]  # fmt: skip
    found = av_deepfake1m(clips)
    ap = np.mean([v for k, v in found.items() if k.startswith("ap")])
    ar = np.mean([v for k, v in found.items() if k.startswith("ar")])
    assert found["score"] == pytest.approx((ap + ar) / 2)
