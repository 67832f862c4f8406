from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import numpy as np  # noqa: E402

from assay.training.clip_report import (  # noqa: E402
    Localisation,
    auc_by_method,
    auc_of,
    borrowed_figures,
    chance_figures,
    localisation_report,
)
from assay.training.datasets.records import FakeSpan, Record  # noqa: E402


def found(person: int, number: int, right: bool) -> Localisation:
    fake = number > 0
    method = ("", "sound_span", "mouth_span", "both_spans")[number]
    record = Record(
        dataset="made", path=f"{person}/{number}.mp4", modality="video",
        label="fake" if fake else "real", method=method, identity=f"p{person}", split="test",
    )  # fmt: skip
    spans = (FakeSpan(1.0, 1.6),) if fake else ()
    place = (1.0, 1.6) if right and fake else (0.1, 0.3)
    score = 0.9 if fake else 0.1
    rng = np.random.default_rng(4 * person + number)
    starts = rng.uniform(0, 2, 30)
    noise = np.stack([rng.uniform(0, 0.05, 30), starts, starts + 0.2], axis=1)
    table = np.vstack([[score, *place], noise])
    return Localisation(record, f"p{person}", spans, score, table, table, table)


def test_a_network_that_is_right_has_full_figures_and_chance_has_not() -> None:
    rows = [found(p, n, True) for p in range(6) for n in range(4)]
    report = localisation_report(rows, 0)
    full = report["localisation"]["full"]
    assert full["ap@0.5 from zero"]["value"] == pytest.approx(1, abs=1e-3)
    assert full["ap@0.5"]["value"] == pytest.approx(17 / 18, abs=1e-3)
    assert full["ar@10"]["value"] == 1
    assert full["ap@0.5"]["low"] <= full["ap@0.5"]["value"]
    assert report["chance"]["ap@0.5"] < 0.2
    assert report["clip_auc"]["auc"] == 1
    assert (report["test_clips"], report["test_people"]) == (24, 6)
    assert set(report["clip_auc_by_method"]) == {"sound_span", "mouth_span", "both_spans"}


def test_one_that_is_wrong_has_none() -> None:
    rows = [found(p, n, False) for p in range(6) for n in range(4)]
    full = localisation_report(rows, 0)["localisation"]["full"]
    assert full["ap@0.75"]["value"] < 0.05
    assert chance_figures(rows, 0)["ap@0.75"] < 0.05


def test_subsets_are_those_of_lav_df() -> None:
    rows = [found(p, n, n != 2) for p in range(5) for n in range(4)]
    held = localisation_report(rows, 0)["localisation"]
    assert held["audio_only"]["ar@10"]["value"] == 1
    assert held["visual_only"]["ar@10"]["value"] < 0.8


def test_an_interval_needs_five_people() -> None:
    rows = [found(p, n, True) for p in range(4) for n in range(4)]
    report = localisation_report(rows, 0)
    assert report["localisation"]["full"]["ap@0.5"]["low"] is None
    assert report["clip_auc"]["low"] is None


def test_a_label_alone_has_no_auc() -> None:
    assert auc_of(np.ones(3), np.ones(3, bool), ["a", "b", "c"], 0)["auc"] is None


def test_each_method_is_compared_with_all_genuine_clips() -> None:
    scores = np.array([0.1, 0.2, 0.9, 0.0])
    fake = np.array([False, False, True, True])
    rows = auc_by_method(scores, fake, list("abcd"), ["", "", "loud", "quiet"], 0)
    assert rows["loud"]["auc"] == 1
    assert rows["quiet"]["auc"] == 0


def test_proposals_of_another_clip_are_worth_what_spans_have_in_common() -> None:
    rows = [found(p, n, True) for p in range(6) for n in range(1, 4)]
    assert borrowed_figures(rows)["ar@10"] == 1  # all spans of these lie alike
    apart = [
        Localisation(
            r.record, r.group, (FakeSpan(k, k + 0.6),), 0.9, *[np.array([[0.9, k, k + 0.6]])] * 3
        )
        for k, r in enumerate(rows)
    ]
    assert borrowed_figures(apart)["ar@10"] == 0
    assert localisation_report(apart[:1] + rows, 0)["another_clips"]["ar@10"] > 0.8
