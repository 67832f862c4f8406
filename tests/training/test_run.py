from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training import run  # noqa: E402
from assay.training.cache import CachedView  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.pairs import Mixture, PairSource  # noqa: E402
from assay.training.run import provenance, read_config, split_views, training_items  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.makers import SMALL, make_view, write_config, write_manifest  # noqa: E402


def test_a_configuration_is_read_whole(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, '"a", "b"'))
    assert config.name == "tiny"
    assert config.folder == tmp_path / "data"
    assert config.calibration_groups == ("a", "b")
    assert config.recipe == SMALL
    assert config.mixture == Mixture(0.3, 0.2)
    assert (config.schedule.steps, config.schedule.device) == (3, "cpu")
    assert config.run_folder == Path("runs/tiny")
    assert config.raw["schedule"]["pairs"] == 2


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda p: p.stem)
def test_every_configuration_we_stand_by_can_be_read(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifest(tmp_path / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    config = read_config(path)
    assert config.folder == tmp_path / "data"
    assert config.name == path.stem


def test_the_configuration_trains_what_the_detector_cuts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.detectors.face_blending import FaceBlending

    write_manifest(tmp_path / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    config = read_config(ROOT / "configs" / "face_blending.toml")
    assert config.recipe.fingerprint == FaceBlending.input.fingerprint


@pytest.mark.parametrize(
    "replaced",
    [
        {"name": "name = "},
        {"name": "title = 'x'"},
        {"data": "[media]"},
        {"scale": "scales = 1.25"},
        {"steps": "stepz = 3"},
        {"swapped_twins": "twins = 0.3"},
        {"calibration_share": ""},
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    tmp_path: Path, replaced: dict[str, str]
) -> None:
    path = write_config(tmp_path, **replaced)
    with pytest.raises(ConfigError, match=r"tiny\.toml"):
        read_config(path)


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        read_config(tmp_path / "nowhere.toml")


def test_only_genuine_and_paired_media_of_the_train_split_are_used(tmp_path: Path) -> None:
    rows = [
        {"path": "a.png"},
        {"path": "b.png", "split": "val"},
        {"path": "c.png", "label": "fake"},
        {"path": "d.wav", "modality": "audio"},
        {"path": "train-E_F_0.mp4", "modality": "video", "label": "paired"},
    ]
    write_manifest(tmp_path, rows)
    assert [item.path.name for item in training_items(tmp_path)] == ["a.png", "train-E_F_0.mp4"]


def many_views() -> list[CachedView]:
    view = make_view()
    names = [f"person-{n}" for n in range(40)]
    values = {name: getattr(view, name) for name in CachedView.__dataclass_fields__}
    genuine = [CachedView(**{**values, "group": name}) for name in names for _ in range(2)]
    twins = [
        CachedView(**{**values, "group": f"dfl-{name}", "twin": view.rgb}) for name in ("x", "y")
    ]
    return genuine + twins


def test_no_group_is_trained_and_calibrated(tmp_path: Path) -> None:
    from assay.training.export import require_disjoint

    config = read_config(write_config(tmp_path, '"dfl-x", "person-0"'))
    views = many_views()
    training, calibration = split_views(views, config)
    assert len(training) + len(calibration) == len(views)
    groups = [{view.group for view in part} for part in (training, calibration)]
    assert groups[0].isdisjoint(groups[1])
    assert {"dfl-x", "person-0"} <= groups[1]
    assert "dfl-y" in groups[0]  # twins are few: only those named are kept out
    assert 4 <= len(groups[1]) <= 22
    assert split_views(views, config) == (training, calibration)
    require_disjoint(training, calibration)
    with pytest.raises(RuntimeError, match="person-0"):
        require_disjoint([*training, calibration[0]], calibration)


def test_a_group_to_keep_out_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, '"dfl-x", "dfl-misspelt"'))
    with pytest.raises(ConfigError, match="dfl-misspelt"):
        split_views(many_views(), config)


def test_provenance_is_enough_to_do_it_again(tmp_path: Path) -> None:
    write_manifest(tmp_path / "data", [{"path": "a.png"}])
    config = read_config(write_config(tmp_path, '"dfl-x"'))
    items = read_manifest(tmp_path / "data")
    training, calibration = split_views(many_views(), config)
    facts = json.loads(json.dumps(provenance(config, items, training, calibration)))
    assert facts["config"] == config.raw
    assert facts["recipe"]["size_px"] == 32
    assert len(facts["data_hash"]) == 16
    assert facts["commit"]
    assert facts["n_training_views"] == len(training)
    assert set(facts["calibration_groups"]) == {view.group for view in calibration}


class Oracle(torch.nn.Module):
    """Scores by brightness, in the direction it is told."""

    def __init__(self, sign: float) -> None:
        super().__init__()
        self.sign = sign

    def forward(self, pictures: Any) -> tuple[Any, Any]:
        return self.sign * pictures.float().mean(dim=(1, 2, 3)), pictures


class BrightForgeries(PairSource):
    """Every forgery is a little brighter than its genuine picture."""

    def draw(self, seed: int) -> Any:
        pair = super().draw(seed)
        bright = pair.genuine // 2 + 100
        fields = type(pair).__dataclass_fields__
        return type(pair)(**{**{n: getattr(pair, n) for n in fields}, "fake": bright})


@pytest.mark.parametrize(("sign", "order"), [(1.0, 1.0), (-1.0, 0.0)])
def test_the_check_counts_forgeries_above_their_own_pictures(
    monkeypatch: pytest.MonkeyPatch, sign: float, order: float
) -> None:
    monkeypatch.setattr(run, "CHECK_PAIRS", 20)
    views = [make_view("a", 1), make_view("b", 2), make_view("c", 3, twin=True)]
    dark = [type(v)(**{**_fields(v), "rgb": v.rgb // 2}) for v in views]
    source = BrightForgeries(dark, SMALL, Mixture(0.5, 0.0))
    numbers = run.check(Oracle(sign), source, torch.device("cpu"))
    assert set(numbers) == {"pair_order", "auc_blends", "auc_swaps"}
    assert numbers["pair_order"] == order
    assert (numbers["auc_blends"] > 0.5) == (sign > 0)


def test_the_check_does_without_paired_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHECK_PAIRS", 6)
    source = PairSource([make_view("a", 1), make_view("b", 2)], SMALL, Mixture())
    numbers = run.check(Oracle(1.0), source, torch.device("cpu"))
    assert set(numbers) == {"pair_order", "auc_blends"}


def _fields(view: CachedView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in CachedView.__dataclass_fields__}
