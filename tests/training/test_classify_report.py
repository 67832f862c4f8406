from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("matplotlib", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles.aggregation import Aggregation  # noqa: E402
from assay.training.classify_data import Row  # noqa: E402
from assay.training.classify_report import (  # noqa: E402
    Rounds,
    by_method,
    predictions,
    round_line,
    say,
    test_lines,
    unseen_lines,
)
from assay.training.classify_scores import Answers, Scored, measured  # noqa: E402
from assay.training.datasets.prepared import PreparedFaces  # noqa: E402
from assay.training.datasets.records import Record  # noqa: E402

ROW: dict[str, Any] = {
    "epoch": 2, "loss": 0.51234, "accuracy": 0.75, "val_loss": 0.6, "val_accuracy": 0.7,
    "val_auc": 0.8125, "seconds": 12.34, "best": True,
}  # fmt: skip
test_lines.__test__ = False  # type: ignore[attr-defined]


def test_a_line_a_round_has_losses_accuracies_and_seconds() -> None:
    assert round_line(ROW, 10) == (
        "epoch 2 of 10: loss 0.5123, accuracy 0.7500; validation: loss 0.6000, accuracy 0.7000, "
        "AUC 0.8125; 12.3 s (best)"
    )
    triplets = {k: v for k, v in ROW.items() if k != "val_auc"} | {"best": False}
    assert round_line(triplets, 3, "features").endswith("accuracy 0.7000; 12.3 s")


def test_rounds_are_told_stored_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Rounds(tmp_path / "run", 10)
    told([ROW])
    told([ROW, {**ROW, "epoch": 3}])
    assert [line[:8] for line in capsys.readouterr().out.splitlines()] == ["epoch 2 ", "epoch 3 "]
    assert len(json.loads((tmp_path / "run" / "epochs.json").read_text())) == 2
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000


def test_names_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb\nc")
    assert "\x1b" not in capsys.readouterr().out


def files(n: int = 12) -> Answers:
    rng = np.random.default_rng(0)
    fake = np.arange(n) % 3 == 0
    return Answers(
        "file",
        rng.normal(0, 1, n) + fake,
        fake,
        tuple("" if not f else f"m{i % 2}" for i, f in enumerate(fake)),
        tuple(f"g{i}" for i in range(n)),
    )


def test_the_test_is_told_with_its_interval_its_size_and_what_guessing_gives() -> None:
    found = files()
    rows = measured(found, "tiny")
    (line,) = test_lines(rows, [found])
    accuracy = next(r for r in rows if (r["metric"], r["slice"]) == ("accuracy", "overall"))
    assert line.startswith("test, by file: accuracy ")
    assert f"accuracy {accuracy['value']:.4f} (95 %: {accuracy['low']:.4f} to" in line
    assert "on 8 real and 4 fake files of 12 groups" in line
    assert "(always the same answer: accuracy 0.6667)" in line
    many = measured(files(60), "tiny")
    methods = by_method(many)
    assert [m.partition(":")[0] for m in methods] == ["  m0", "  m1"]


def test_a_number_without_an_interval_says_why() -> None:
    found = files(24)
    sure = Answers("file", found.fake * 2.0 - 1, found.fake, ("",) * 24, found.groups)
    assert (
        "1.0000 (no interval: every draw gives the same)"
        in test_lines(measured(sure, "tiny"), [sure])[0]
    )
    few = Answers("file", found.scores, found.fake, ("",) * 24, ("a", "b") * 12)
    assert "(too few groups for an interval)" in test_lines(measured(few, "tiny"), [few])[0]


def test_a_test_of_one_label_says_so() -> None:
    real = files().only(~files().fake)
    assert test_lines(measured(real, "tiny"), [real]) == [
        "test, by file: only one label was scored, so no number."
    ]


def items() -> list[PreparedFaces]:
    real = Record("made", "r.mp4", "video", "real", split="test")
    fake = Record("made", "f.mp4", "video", "fake", method="m", split="test")
    return [
        PreparedFaces(real, "g1", Path("r.mp4")),
        PreparedFaces(fake, "g2", Path("f.mp4"), (), "no_face: None."),
    ]


def test_what_has_no_face_is_counted_by_label_and_reason() -> None:
    assert unseen_lines(items(), "test") == ["1 fake test items are left out: no_face"]
    assert unseen_lines(items()[:1], "test") == []


def test_every_item_is_in_the_matrix_with_a_score_or_a_reason() -> None:
    rows = [Row(0, 0, 0.0, (0, 0), False), Row(0, 0, 0.2, (1, 0), False)]
    found = Scored(items(), rows, np.array([1.0, 2.0]))
    made = predictions(found, files(), "tiny", "a" * 64, Aggregation("mean_logit", "max"))
    assert [(p.path, p.level, p.status, p.logit) for p in made] == [
        ("r.mp4", "file", "scored", 1.5),
        ("r.mp4", "frame", "scored", 1.0),
        ("r.mp4", "frame", "scored", 2.0),
        ("f.mp4", "file", "abstained", None),
    ]
    assert made[0].fired
    assert made[3].reason == "no_face: None."
