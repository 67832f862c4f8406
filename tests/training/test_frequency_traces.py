from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is part of the training extra")
pytest.importorskip("cv2", reason="degradations are part of the training extra")

from assay.errors import ConfigError
from assay.inputs.spectrum import FEATURES, NAMES
from assay.training.frequency_measuring import SpectrumTable
from assay.training.frequency_traces import (
    SPOKEN,
    calibration,
    export,
    judged,
    kept_for_calibration,
    read_config,
    usable,
)
from assay.training.frequency_worth import weigh
from tests.training.test_frequency_worth import FIT, made_table

CONFIG = Path(__file__).parents[2] / "configs" / "frequency_traces.toml"
DATA = {"calibration_share": 0.3, "calibration_sources": ["web-one"]}
LIMITS = {"max_picture_blockiness": 1.6, "min_picture_sharpness": 0.16}
RAW: dict[str, Any] = {"fit": FIT, "data": DATA, "in_domain": LIMITS}


def with_val(table: SpectrumTable) -> SpectrumTable:
    """The same once more as another split, of other people."""
    twice = table.rows(np.tile(np.arange(len(table)), 2))
    split = np.repeat(["train", "val"], len(table))
    group = np.char.add(np.char.add(split, " "), twice.group)
    return replace(twice, split=split, group=group)


def test_the_configuration_that_we_stand_by_can_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").write_text("")
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    config = read_config(CONFIG)
    assert config.folders[0] == tmp_path / "data"
    assert config.run_folder == Path("runs/frequency_traces")
    assert "web-uikit" in config.raw["data"]["calibration_sources"]


@pytest.mark.parametrize(
    ("old", "new"), [("c = 0.01", "c = 0"), ("[fit]", "[feat]"), ("folds = 5", "folds = ")]
)
def test_an_unusable_configuration_is_refused(tmp_path: Path, old: str, new: str) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "config.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match="no usable configuration"):
        read_config(path)


def test_the_network_says_what_the_weighing_says(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the network is written with onnx")
    from assay.bundles.network import Network

    weighing = weigh(made_table(), FIT)
    path = tmp_path / "network.onnx"
    export(weighing, path, {"recipe_fingerprint": "abc"})
    network = Network(path)
    rows = np.random.default_rng(3).normal(size=(50, len(NAMES))).astype(np.float32) * 3
    rows[3, 5:20] = np.nan
    outputs = network.run(rows)
    np.testing.assert_allclose(outputs["logit"], weighing.logits(rows), atol=1e-4)
    assert outputs["evidence"].shape == (50, len(SPOKEN))
    total = outputs["evidence"].sum(axis=1) + weighing.bias
    np.testing.assert_allclose(total, outputs["logit"], atol=1e-4)
    colour = [n for n, feature in enumerate(FEATURES) if feature.group == "colour"]
    only = np.full((1, len(NAMES)), np.nan, np.float32)
    only[0, colour] = rows[0, colour]
    heard = network.run(only)["evidence"][0]
    assert heard[:-1] == pytest.approx(0, abs=1e-6)
    assert heard[SPOKEN.index("colour")] == pytest.approx(
        outputs["evidence"][0, SPOKEN.index("colour")], abs=1e-5
    )
    assert network.metadata["recipe_fingerprint"] == "abc"


def test_whole_sources_and_groups_are_kept_out() -> None:
    table = made_table()
    kept = kept_for_calibration(table, DATA)
    assert kept[table.source == "web-one"].all()
    assert 0.1 < kept[table.source == "cfp"].mean() < 0.5
    others = set(table.group[~kept & (table.source != "web-one")].tolist())
    assert not others & set(table.group[kept & (table.source != "web-one")].tolist())


def test_cuts_hold_on_what_they_were_measured_on() -> None:
    table = made_table()
    rng = np.random.default_rng(5)
    logits = rng.normal(size=len(table)) + 2.0 * table.fake
    card = calibration(logits, table, FIT, "made up")
    assert card["calibration"]["scale"] > 0
    assert card["calibration"]["interval_width_logit"] > 0
    genuine = logits[~table.fake]
    for point in card["operating_points"]:
        assert (genuine >= point["threshold"]).mean() <= point["false_alarm_rate"]
    one, five = card["operating_points"]
    assert one["threshold"] > five["threshold"]
    assert one["detection_rate"] < five["detection_rate"]


def test_a_score_that_is_turned_round_is_flattened_instead() -> None:
    table = made_table()
    logits = -3.0 * table.fake + np.random.default_rng(5).normal(size=len(table))
    assert calibration(logits, table, FIT, "made up")["calibration"]["scale"] == 1e-3


@pytest.mark.parametrize(("shift", "scores"), [(0.0, False), (2.0, True)])
def test_it_may_score_only_where_unseen_generators_are_found(shift: float, scores: bool) -> None:
    table = with_val(made_table(shift))
    card, weighing = judged(table, table, RAW)
    assert card["scores"] is scores
    assert set(card["features"]) == set(NAMES)
    assert card["groups"] == list(SPOKEN)
    assert np.isfinite(weighing.weight).all()
    low = card["held_out"]["found_at_1_percent"]["mean"]["low"]
    assert (low >= 0.05) is scores
    if scores:
        genuine = [n["far_5"] for name, n in card["val"].items() if name.startswith("genuine")]
        fakes = [n["far_5"] for name, n in card["val"].items() if name.startswith("fake")]
        assert min(fakes) > max(genuine)


def test_what_the_detector_abstains_from_is_not_learnt_from() -> None:
    table = made_table()
    blocks = table.blockiness.copy()
    blocks[:10] = 3
    sharp = table.sharpness.copy()
    sharp[10:15] = 0.05
    table = replace(table, blockiness=blocks, sharpness=sharp)
    assert (~usable(table, LIMITS)).nonzero()[0].tolist() == list(range(15))
