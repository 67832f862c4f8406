from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.bundles import load_card_of
from assay.inputs.bundle_words import file_logit, point_for, shown, title_of, told, trained_on
from tests.bundles.made import POINTS, make_folder


def test_texts_are_one_printable_line_of_bounded_length() -> None:
    assert shown("a\n b\tc\x1b[0m\u202e") == "a b c[0m"
    assert len(shown("x" * 999, 40)) == 40
    assert shown(["a"]) == ""
    assert shown(3) == "3"


def test_the_title_names_the_net_where_the_bundle_is_called_otherwise(tmp_path: Path) -> None:
    assert title_of(load_card_of(make_folder(tmp_path / "a"))) == "made_net (simple_cnn)"
    assert title_of(load_card_of(make_folder(tmp_path / "b", net="made_net"))) == "made_net"


def test_training_sets_are_bounded(tmp_path: Path) -> None:
    rows = [{"set": f"set {i}", "files": i} for i in range(99)]
    found = trained_on(load_card_of(make_folder(tmp_path, trained_on=rows)))
    assert found[1] == {"set": "set 1", "files": "1"}
    assert len(found) == 12
    assert trained_on(load_card_of(make_folder(tmp_path, trained_on="all"))) == []


def test_the_strictest_point_stands_in_for_an_unmeasured_one(tmp_path: Path) -> None:
    card = load_card_of(make_folder(tmp_path))
    assert (point := point_for(card, "far_5")) is not None
    assert point.name == "far_5"
    assert (point := point_for(card, "far_0.1")) is not None
    assert point.name == "far_1"
    assert point_for(load_card_of(make_folder(tmp_path, operating_points=[])), "far_1") is None


@pytest.mark.parametrize(("logit", "side"), [(1.0, "above"), (-3.0, "below")])
def test_a_score_is_told_beside_its_cut(logit: float, side: str, tmp_path: Path) -> None:
    card = load_card_of(make_folder(tmp_path))
    finding = told(card, "face 1", logit, "far_1", "", {})
    assert f"{side} its cut of 0.544 (far_1)" in finding.title
    assert "counts in the verdict" in finding.meaning
    assert "(why)" in told(card, "face 1", logit, "far_1", "why", {}).meaning
    assert finding.values["false_alarm_rate"] == pytest.approx(
        card.calibration.false_alarm_rate(logit) if card.calibration else None, abs=1e-4
    )


def test_without_a_measured_cut_the_title_says_so(tmp_path: Path) -> None:
    card = load_card_of(make_folder(tmp_path, operating_points=[POINTS[1]] * 0))
    assert "states no cut" in told(card, "face 1", 0.0, "far_1", "", {}).title


def test_people_are_joined_as_the_card_says(tmp_path: Path) -> None:
    card = load_card_of(make_folder(tmp_path))
    people = {1: np.array([0.0, 2.0], np.float32), 2: np.array([-4.0], np.float32)}
    assert file_logit(card, people) == {"file_logit": 1.0}
    assert file_logit(card, {1: people[1]}) == {}
