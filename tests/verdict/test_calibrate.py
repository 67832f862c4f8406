from __future__ import annotations

import math
from pathlib import Path

import pytest

from assay.types import Span
from assay.verdict.calibrate import calibrate, cut_logit, installed_cards
from tests.verdict.doubles import (
    FaceDetector,
    install_cards,
    make_evidence,
    make_patch,
    make_picture_evidence,
    write_card,
)


def test_score_spans_threshold_and_rate_come_from_the_card(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    raw = make_evidence(1.0, spans=(Span(0.0, 0.0, -1.0), Span(0.1, 0.1, 3.0)))
    (one,) = calibrate([raw], "far_5", {"test_detector": card})
    assert one.p_fake == pytest.approx(1 / (1 + math.exp(-1)))
    assert one.threshold == pytest.approx(1 / (1 + math.exp(-1.5)))
    above = sum(logit >= 1.0 for logit in card.calibration.bona_fide_logits)  # type: ignore[union-attr]
    assert one.false_alarm_rate == pytest.approx((above + 1) / 1000)
    assert [span.p_fake for span in one.spans] == pytest.approx([0.2689, 0.9526], abs=1e-4)
    assert one.logit == 1.0
    assert one.bundle_sha256 == "a" * 64


def test_unscored_evidence_passes_untouched(tmp_path: Path) -> None:
    abstained = make_evidence(None)
    reported = make_evidence(None, status="reported", reason=None)
    assert calibrate([abstained, reported], "far_1", {}) == [abstained, reported]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"calibration": None}, "not_calibrated"),
        ({"operating_points": []}, "operating_point_unmeasured"),
    ],
)
def test_a_score_that_cannot_be_calibrated_is_an_abstention(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    card = write_card(tmp_path, **changes)
    (one,) = calibrate([make_evidence(5.0)], "far_1", {"test_detector": card})
    assert one.status == "abstained"
    assert one.p_fake is None
    assert one.reason is not None
    assert one.reason.startswith(f"{code}: ")


def test_a_detector_without_bundle_cannot_be_calibrated() -> None:
    (one,) = calibrate([make_evidence(5.0)], "far_1", {})
    assert (one.status, one.logit) == ("abstained", None)


def test_cards_are_found_through_the_detectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_card(tmp_path)
    install_cards(monkeypatch, tmp_path)

    class Bare(FaceDetector):
        bundle = None

    class Missing(FaceDetector):
        bundle = "never_built"

    cards = installed_cards({"a": FaceDetector, "b": Bare, "c": Missing})
    assert list(cards) == ["a"]


def test_the_cut_rises_with_the_number_of_scores_until_none_can_fire(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    point = card.operating_point("far_1")
    cuts = [cut_logit(card, point, n) for n in (1, 2, 4, 8)]
    assert cuts[0] == point.threshold
    assert cuts == sorted(cuts)
    assert len(set(cuts)) == 4
    assert cut_logit(card, point, 40) is None


def test_the_corrected_cut_keeps_the_files_rate(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    fit, point = card.calibration, card.operating_point("far_5")
    assert fit is not None
    for n in (2, 3, 5, 10):
        cut = cut_logit(card, point, n)
        assert cut is not None
        assert 1 - (1 - fit.false_alarm_rate(cut)) ** n <= point.false_alarm_rate + 1e-12


def test_the_corrected_rate_holds_on_drawn_files(tmp_path: Path) -> None:
    import numpy as np

    random = np.random.default_rng(5)
    logits = sorted(random.normal(size=4000).tolist())
    fit = {"scale": 1.0, "bias": 0.0, "bona_fide_logits": logits, "interval_width_logit": 0.1}
    card = write_card(tmp_path, calibration={**fit, "fitted_on": "drawn"})
    point = card.operating_point("far_5")
    files = random.normal(size=(20_000, 4))
    cut = cut_logit(card, point, 4)
    assert cut is not None
    assert 0.035 < (files.max(axis=1) >= cut).mean() < 0.06


def test_the_windows_of_a_picture_are_calibrated_as_its_score_is(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    patches = (make_patch(0.0), make_patch(2.0))
    (found,) = calibrate([make_picture_evidence(1.0, patches=patches)], "far_1", {"other": card})
    assert [patch.p_fake for patch in found.patches] == pytest.approx([0.5, 0.8808], abs=1e-4)
    (silent,) = calibrate([make_picture_evidence(1.0, patches=patches)], "far_1", {})
    assert (silent.status, silent.patches) == ("abstained", ())
