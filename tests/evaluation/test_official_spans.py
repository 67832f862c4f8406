from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.official_spans import proposals_of, stated  # noqa: E402
from assay.evaluation.predictions import Prediction  # noqa: E402


def frames(chances: list[float], track: int = 1) -> list[Prediction]:
    return [
        Prediction(
            "m", "h", "lav_df", "a.mp4", "fake", "g", "g", "val", "", "video",
            level="frame", track_id=track, time_s=i * 0.1, p_fake=chance,
        )
        for i, chance in enumerate(chances)
    ]  # fmt: skip


def test_runs_of_frames_become_intervals_with_their_mean() -> None:
    found = proposals_of(frames([0.0, 0.0, 0.85, 0.95, 0.0, 0.0]))
    best = found[found[:, 0].argmax()]
    assert best == pytest.approx([0.95, 0.25, 0.35], abs=1e-6)
    assert any(row == pytest.approx([0.9, 0.15, 0.35], abs=1e-6) for row in found)
    assert len(np.unique(found, axis=0)) == len(found)


def test_of_several_people_the_most_suspicious_counts() -> None:
    both = frames([0.1, 0.9, 0.1]) + frames([0.1, 0.1, 0.9], track=2)
    best = max(proposals_of(both).tolist())
    assert best == pytest.approx([0.9, 0.05, 0.25], abs=1e-6)


def test_nothing_to_join_proposes_nothing() -> None:
    assert proposals_of([]).shape == (0, 3)
    assert proposals_of(frames([0.9])).shape == (0, 3)
    assert proposals_of(frames([0.01, 0.02])).shape == (0, 3)


def test_a_models_own_proposals_are_taken_as_they_are() -> None:
    rows = [
        Prediction(
            "m", "h", "lav_df", "a.mp4", "fake", "g", "g", "val", "", "video",
            level="proposal", time_s=start, end_s=start + 0.5, logit=logit,
        )
        for start, logit in ((0.2, -3.0), (1.0, 2.0))
    ]  # fmt: skip
    assert stated(rows) == pytest.approx(np.array([[-3, 0.2, 0.7], [2, 1, 1.5]]), abs=1e-6)
    assert stated([]).shape == (0, 3)
