from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.generators import state_of, training_summary  # noqa: E402
from assay.evaluation.models import About  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402


def about(entries: Any) -> About:
    return About("m", "h", "s", "logit", trained_on=entries)


@pytest.mark.parametrize(
    ("entries", "method", "state"),
    [
        (None, "Face2Face", "unknown"),
        ((), "Face2Face", "unseen"),
        (({"dataset": "ff", "method": "face_2_face"},), "Face2Face", "seen"),
        (({"dataset": "ff", "method": "Deepfakes"},), "Face2Face", "unseen"),
        (({"dataset": "ff", "methods": ["Deepfakes", "Face2Face"]},), "Face2Face", "seen"),
        (({"dataset": "ff", "methods": {"Face2Face": 12}},), "Face2Face", "seen"),
        (({"set": "ff"},), "Face2Face", "seen"),  # the whole set
        (({"set": "ff", "label": "real"},), "Face2Face", "unseen"),
        (({"set": "face2face", "label": "fake"},), "Face2Face", "seen"),  # assay's own cards
        (({"set": "dfdc"},), "Face2Face", "unseen"),
    ],
)
def test_what_a_card_says_of_a_generator(entries: Any, method: str, state: str) -> None:
    assert state_of(about(entries), "ff", method) == state


def test_a_training_manifest_speaks_where_the_card_is_silent() -> None:
    trained = [
        Record("ff", "a.mp4", "video", "fake", method="Deepfakes"),
        Record("ff", "b.mp4", "video", "real"),
    ]
    assert state_of(about(None), "ff", "Deepfakes", trained) == "seen"
    assert state_of(about(None), "ff", "FaceSwap", trained) == "unseen"


def test_the_summary_is_short() -> None:
    entries = ({"set": "grid", "label": "real", "files": 7}, {"dataset": "ff", "method": "DF"})
    assert training_summary(about(entries)) == ["grid (real)", "ff/DF"]
    assert training_summary(about(None)) is None
