from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("tqdm", reason="the train extra is not installed")

from assay.bundles.network import Network
from assay.errors import ConfigError
from assay.inputs.face_cues import CUES, CueInput
from assay.training.cue_measuring import CueTable
from assay.training.face_geometry import (
    Weighing,
    balanced_weights,
    export,
    held_out_card,
    joined,
    judge_cues,
    out_of_fold,
    read_config,
    weigh,
)
from tests.training.test_cue_worth import made

FIT = {"folds": 3, "interval": 0.99, "draws": 25, "ridge": 1.0, "bound": 0.75, "seed": 7}
ROOT = Path(__file__).parents[2]


def both_copies(table: CueTable) -> CueTable:
    """Each row as found and levelled."""
    columns = {n: np.concatenate([getattr(table, n)] * 2) for n in CueTable.__slots__}
    columns["degraded"] = np.arange(2 * len(table)) >= len(table)
    return CueTable(**columns)


def weighing() -> Weighing:
    rng = np.random.default_rng(3)
    n = len(CUES)
    return Weighing(rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=n), 0.75)


def test_the_shipped_configuration_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.csv").write_text("path\n")
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    config = read_config(ROOT / "configs" / "face_geometry.toml")
    assert config.run_folder == Path("runs/face_geometry")
    assert config.levelling.eye_distance_px == (50, 84)
    assert config.recipe == CueInput()


@pytest.mark.parametrize("text", ["", "name = 1", "[data]\nfolder = 'x'", "nonsense ="])
def test_a_bad_configuration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_config(tmp_path / "bad.toml")


def test_a_cue_that_tells_is_weighed_and_the_others_are_not() -> None:
    table = both_copies(made(n=300, shift=1.2))
    signs = [report.sign for report in judge_cues(table, FIT)]
    assert signs[0] == 1
    assert sum(map(abs, signs)) <= 2  # at 99 %, hardly one of eleven by chance
    fitted = weigh(table, signs, FIT)
    assert fitted.weight[0] > 0.3
    assert all(
        (weight == 0) == (sign == 0) for weight, sign in zip(fitted.weight, signs, strict=True)
    )


def test_cues_that_tell_nothing_give_no_score() -> None:
    table = both_copies(made(n=200))
    fitted = weigh(table, [0] * len(CUES), FIT)
    assert not fitted.weight.any()
    assert np.isnan(fitted.logits(table.cues)).all()
    card = held_out_card(np.full(len(table), np.nan), table, len(table), FIT)
    assert card["scores"] is False
    assert card["calibration"]["scale"] > 0


def test_a_cue_that_tells_much_may_score() -> None:
    table = both_copies(made(n=600, shift=4.0))
    logits = weigh(table, [1] + [0] * (len(CUES) - 1), FIT).logits(table.cues)
    strong = Weighing(np.zeros(12), np.ones(12), np.eye(12)[0], 99.0).logits(table.cues)
    assert held_out_card(strong, table, len(table), FIT)["scores"] is True
    assert np.abs(logits).max() <= FIT["bound"]
    card = held_out_card(strong, table, len(table), FIT)
    points = {point["name"]: point for point in card["operating_points"]}
    assert points["far_1"]["threshold"] > points["far_5"]["threshold"]
    genuine = strong[~table.fake]
    assert (genuine >= points["far_1"]["threshold"]).mean() <= 0.01
    assert card["calibration"]["bona_fide_logits"] == sorted(
        card["calibration"]["bona_fide_logits"]
    )
    assert card["held_out"]["train_out_of_fold"]["mean"]["auc"] > 0.9
    assert card["held_out"]["val"] == {}


def test_scores_out_of_fold_are_blind_to_noise() -> None:
    table = both_copies(made(n=240))
    logits = out_of_fold(table, FIT)
    seen = np.isfinite(logits)
    if seen.any():  # a cue may pass by chance in one fold; it must not tell anything
        difference = logits[seen & table.fake].mean() - logits[seen & ~table.fake].mean()
        assert abs(difference) < 0.2


def test_no_cue_moves_the_logit_beyond_its_bound() -> None:
    model = weighing()
    cues = np.random.default_rng(0).normal(0, 1e6, (50, len(CUES)))
    assert np.abs(model.evidence(cues)).max() <= 0.75


def test_the_network_says_what_the_weighing_says(tmp_path: Path) -> None:
    model = weighing()
    export(model, tmp_path / "network.onnx", {"recipe_fingerprint": "abc"})
    network = Network(tmp_path / "network.onnx")
    cues = np.random.default_rng(1).normal(size=(20, len(CUES))).astype(np.float32)
    cues[::3, 2] = np.nan
    cues[4] = np.nan
    outputs = network.run(cues)
    assert outputs["evidence"] == pytest.approx(model.evidence(cues.astype(np.float64)), abs=1e-5)
    assert outputs["logit"] == pytest.approx(outputs["evidence"].sum(axis=1), abs=1e-5)
    assert outputs["logit"][4] == 0.0
    assert np.isnan(model.logits(cues.astype(np.float64))[4])
    assert network.metadata["recipe_fingerprint"] == "abc"


def test_generators_count_alike_and_genuine_faces_as_much_as_all_of_them() -> None:
    table = made(40)
    method = table.method.copy()
    method[-3:] = "rare"
    columns = {name: getattr(table, name) for name in CueTable.__slots__}
    uneven = CueTable(**{**columns, "method": method})
    weights = balanced_weights(uneven)
    sums = {m: weights[uneven.fake & (method == m)].sum() for m in ("g", "rare")}
    assert sums["g"] == pytest.approx(sums["rare"])
    assert weights[uneven.fake].sum() == pytest.approx(weights[~uneven.fake].sum())


def test_a_method_of_one_person_becomes_one_group() -> None:
    table = joined(made(20), ["g"])
    assert set(table.group[table.fake]) == {"g"}
    assert len(set(table.group[~table.fake])) == 10
