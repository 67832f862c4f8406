from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import nn  # noqa: E402

from assay.bundles.aggregation import Aggregation  # noqa: E402
from assay.training.classify_data import Row  # noqa: E402
from assay.training.classify_scores import (  # noqa: E402
    OVERALL,
    Scored,
    answers,
    measured,
    score,
)
from assay.training.datasets.prepared import PreparedFaces  # noqa: E402
from assay.training.datasets.records import Label, Record  # noqa: E402
from tests.training.made_classes import made_cut, made_rows, tiny_net  # noqa: E402


def items(n: int = 12) -> list[PreparedFaces]:
    labels: list[Label] = ["real", "fake"]
    return [
        PreparedFaces(
            Record("made", f"{i}.mp4", "video", labels[i % 2], method=f"m{i % 4}" if i % 2 else ""),
            f"g{i // 2}",
            Path(f"{i}.mp4"),
        )
        for i in range(n)
    ]


def scored(n: int = 12, seed: int = 0) -> Scored:
    rows = made_rows(n)
    rng = np.random.default_rng(seed)
    logits = np.array([rng.normal(0.8 if row.fake else -0.3, 1) for row in rows])
    return Scored(items(n), rows, logits)


def test_every_row_is_scored_as_it_is_cut() -> None:
    net, rows = tiny_net(), made_rows(6)
    found = score(net, items(6), rows, made_cut, batch=5)
    with torch.no_grad():
        given = torch.from_numpy(np.stack([made_cut(row, None) for row in rows]))
        wanted = net.eval()(given).logit.numpy()
    np.testing.assert_allclose(found.logits, wanted, rtol=1e-4, atol=1e-5)


def test_a_network_that_gives_no_number_is_refused() -> None:
    class Broken(nn.Module):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return torch.full((len(given),), float("nan"))

    with pytest.raises(FloatingPointError, match="no numbers"):
        score(Broken(), items(2), made_rows(2), made_cut)


def test_files_are_joined_as_the_network_says() -> None:
    rows = [Row(0, track, 0.0, (track, 0), False) for track in (0, 0, 1)]
    rows.append(Row(1, 0, 0.0, (0, 0), True))
    found = Scored(items(4), rows, np.array([1.0, 3.0, -1.0, 0.5]))
    _, files = answers(found, Aggregation("mean_logit", "max"))
    assert files.scores.tolist() == [2.0, 0.5]
    assert files.fake.tolist() == [False, True]
    _, files = answers(found, Aggregation("max", "mean"))
    chance = (1 / (1 + np.exp(-3)) + 1 / (1 + np.exp(1))) / 2
    assert files.scores[0] == pytest.approx(float(np.log(chance / (1 - chance))))


def test_moments_that_may_be_genuine_do_not_count_as_frames_and_do_in_the_file() -> None:
    rows = [Row(1, 0, 0.0, (0, 0), True), Row(1, 0, 1.0, (1, 0), True, sure=False)]
    frames, files = answers(Scored(items(2), rows, np.array([1.0, 3.0])), Aggregation())
    assert frames.scores.tolist() == [1.0]
    assert files.scores.tolist() == [2.0]


def test_the_numbers_are_those_of_another_library() -> None:
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

    for found in answers(scored(), Aggregation()):
        rows = {r["metric"]: r for r in measured(found, "tiny") if r["slice"] == OVERALL}
        fired = found.scores > 0
        assert rows["auc"]["value"] == pytest.approx(roc_auc_score(found.fake, found.scores))
        assert rows["accuracy"]["value"] == pytest.approx(accuracy_score(found.fake, fired))
        assert rows["balanced_accuracy"]["value"] == pytest.approx(
            balanced_accuracy_score(found.fake, fired)
        )
        for row in rows.values():
            assert row["low"] <= row["value"] <= row["high"]
            assert (row["model"], row["n_groups"]) == ("tiny", 6)


def test_each_method_that_has_enough_stands_against_all_genuine_items() -> None:
    _, files = answers(scored(24), Aggregation())
    rows = [r for r in measured(files, "tiny") if r["metric"] == "auc"]
    assert [(r["slice"], r["n_fake"], r["n_real"]) for r in rows] == [
        (OVERALL, 12, 12), ("m1", 6, 12), ("m3", 6, 12),
    ]  # fmt: skip
    _, files = answers(scored(12), Aggregation())
    assert {r["slice"] for r in measured(files, "tiny")} == {OVERALL}


def test_few_groups_have_no_interval_and_one_label_has_no_number() -> None:
    _, files = answers(scored(4), Aggregation())
    rows: list[dict[str, Any]] = measured(files, "tiny")
    assert {(row["low"], row["high"]) for row in rows} == {(None, None)}
    assert measured(files.only(files.fake), "tiny") == []
