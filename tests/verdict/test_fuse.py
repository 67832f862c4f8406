from __future__ import annotations

import math
from pathlib import Path

import pytest

from assay.bundles import Card
from assay.types import Evidence, Span
from assay.verdict.calibrate import calibrate
from assay.verdict.fuse import Fused, fuse, rate_of_file
from tests.verdict.doubles import make_evidence, make_picture_evidence, write_card


@pytest.fixture
def cards(tmp_path: Path) -> dict[str, Card]:
    card = write_card(tmp_path)
    return {"test_detector": card, "other": card}


def fused(cards: dict[str, Card], *evidence: Evidence, point: str = "far_1") -> Fused:
    found = fuse(calibrate(evidence, point, cards), point, cards)
    assert found is not None
    return found


def test_nothing_scored_is_nothing_fused(cards: dict[str, Card]) -> None:
    assert fuse([make_evidence(None)], "far_1", cards) is None
    assert fuse([], "far_1", cards) is None


def test_one_face_fires_exactly_at_its_cut(cards: dict[str, Card]) -> None:
    assert fused(cards, make_evidence(1.9)).fired
    assert not fused(cards, make_evidence(1.899)).fired


def test_the_highest_face_decides(cards: dict[str, Card]) -> None:
    result = fused(cards, make_evidence(-3.0, 1), make_evidence(4.0, 2))
    assert result.top.subject == "face 2"
    assert [one.subject for one in result.fired] == ["face 2"]
    assert result.p_fake == pytest.approx(0.982, abs=1e-3)


def test_more_faces_raise_the_cut_and_the_threshold_shown(cards: dict[str, Card]) -> None:
    alone = fused(cards, make_evidence(1.95, 1))
    crowd = fused(cards, *(make_evidence(1.95 if i == 1 else -5.0, i) for i in range(1, 6)))
    assert alone.fired
    assert not crowd.fired
    assert crowd.operating_point.threshold > alone.operating_point.threshold
    assert all(one.threshold == crowd.operating_point.threshold for one in crowd.evidence)
    assert crowd.p_fake == alone.p_fake


def test_the_files_rate_follows_sidak(cards: dict[str, Card]) -> None:
    assert rate_of_file(0.01, 1) == pytest.approx(0.01)
    assert rate_of_file(0.01, 10) == pytest.approx(0.0956, abs=1e-4)
    pair = fused(cards, make_evidence(4.0, 1), make_evidence(-4.0, 2))
    assert pair.file_false_alarm_rate == pytest.approx(1 - 0.999**2)


def test_too_many_faces_for_the_measured_rate_cannot_fire_and_it_is_said(
    cards: dict[str, Card],
) -> None:
    crowd = [make_evidence(9.0 if i == 1 else -5.0, i) for i in range(1, 41)]
    result = fused(cards, *crowd)
    assert not result.fired
    assert result.beyond_measure
    crowd[0] = make_evidence(1.95, 1)
    assert not fused(cards, *crowd).beyond_measure


def test_the_interval_holds_calibration_and_frame_spread(cards: dict[str, Card]) -> None:
    still = fused(cards, make_evidence(0.0))
    calm = tuple(Span(i, i, 0.0) for i in range(9))
    wild = tuple(Span(i, i, (-1) ** i * 3.0) for i in range(9))
    width = still.interval[1] - still.interval[0]
    assert width == pytest.approx(2 * 0.0498, abs=1e-3)
    steady = fused(cards, make_evidence(0.0, spans=calm)).interval
    assert steady == pytest.approx(still.interval)
    low, high = fused(cards, make_evidence(0.0, spans=wild)).interval
    assert low < still.interval[0]
    assert high > still.interval[1]


def test_families_are_counted_apart(cards: dict[str, Card]) -> None:
    ours, theirs = make_evidence(5.0), make_evidence(5.0, detector="other", family="second")
    assert fused(cards, ours, theirs).families_fired == ("second", "test")
    same = make_evidence(5.0, detector="other")
    assert fused(cards, ours, same).families_fired == ("test",)


def test_conflict_is_a_firing_family_against_a_clear_no_on_the_same_face(
    cards: dict[str, Card],
) -> None:
    def against(logit: float, **changes: object) -> bool:
        other = make_evidence(logit, **{"detector": "other", "family": "second", **changes})  # type: ignore[arg-type]
        return fused(cards, make_evidence(5.0), other).agreement.conflict

    assert against(-4.0)
    assert not against(0.1)
    assert not against(-4.0, family="test")
    assert not against(-4.0, subject="0:12–0:16", track_id=None)


def test_agreement_counts_detectors(cards: dict[str, Card]) -> None:
    agreement = fused(
        cards,
        make_evidence(5.0, 1),
        make_evidence(None, 2),
        make_evidence(None, 1, detector="quiet"),
        make_evidence(None, 1, detector="broken", status="failed"),
        make_evidence(None, 1, detector="reader", status="reported", reason=None),
    ).agreement
    assert (agreement.fired, agreement.ran) == (1, 1)
    assert (agreement.abstained, agreement.failed) == (1, 1)


def test_the_shown_score_is_the_one_that_fires(tmp_path: Path, cards: dict[str, Card]) -> None:
    points = [{**p, "threshold": 6.0} for p in cards["other"].raw["operating_points"]]
    cards["other"] = write_card(tmp_path, "strict", operating_points=points)
    strict = make_evidence(5.0, detector="other", family="second")
    result = fused(cards, make_evidence(4.0), strict)
    assert result.top.detector == "test_detector"
    assert result.p_fake >= result.operating_point.threshold


def test_the_picture_and_a_face_are_different_questions(cards: dict[str, Card]) -> None:
    """A face's no does not contradict the picture's yes, nor the reverse."""
    for face, picture in ((-6.0, 5.0), (5.0, -6.0)):
        result = fused(cards, make_evidence(face), make_picture_evidence(picture))
        assert len(result.fired) == 1
        assert not result.agreement.conflict
    both = fused(cards, make_evidence(5.0), make_picture_evidence(5.0))
    assert both.families_fired == ("picture_test", "test")


def test_two_families_may_contradict_each_other_on_the_picture(cards: dict[str, Card]) -> None:
    other = make_picture_evidence(-6.0, detector="test_detector", family="spectrum")
    assert fused(cards, make_picture_evidence(5.0), other).agreement.conflict


def test_the_picture_counts_as_one_more_score(cards: dict[str, Card]) -> None:
    assert fused(cards, make_evidence(1.95)).fired
    assert not fused(cards, make_evidence(1.95), make_picture_evidence(-3.0)).fired


@pytest.mark.parametrize(("distance", "factor"), [(1.9, 1.0), (2.0, 1.0), (2.2, 2.0), (2.96, 2.19)])
def test_the_interval_of_an_unfamiliar_subject_is_widened(
    cards: dict[str, Card], distance: float, factor: float
) -> None:
    details = {"domain_distance": distance, "domain_limit": 2.0}
    low, high = fused(cards, make_evidence(0.0, details=details)).interval
    half = math.log(high / (1 - high))
    assert half == pytest.approx(0.2 * factor, rel=1e-3)
    assert low == pytest.approx(1 - high)


def test_what_is_set_aside_counts_and_does_not_fire_beside_another(cards: dict[str, Card]) -> None:
    evidence = calibrate([make_evidence(6.0), make_picture_evidence(5.0)], "far_1", cards)
    result = fuse(evidence, "far_1", cards, [("test_detector", "face 1")])
    assert result is not None
    assert [one.subject for one in result.fired] == ["picture"]
    assert [one.subject for one in result.set_aside] == ["face 1"]
    assert result.top.subject == "picture"
    alone = fuse(evidence[:1], "far_1", cards, [("test_detector", "face 1")])
    assert alone is not None
    assert [one.subject for one in alone.fired] == ["face 1"]
    assert alone.set_aside == ()
