from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from torch import Tensor, nn  # noqa: E402

from assay.bundles import load_card, network, open_network, verify  # noqa: E402
from assay.bundles.network import Network  # noqa: E402
from assay.training import export  # noqa: E402
from assay.training.calibration import Measured  # noqa: E402
from assay.training.config import read_config  # noqa: E402
from assay.training.datasets.manifest import read_manifest  # noqa: E402
from assay.training.export import (  # noqa: E402
    export_onnx,
    finish,
    require_disjoint,
    whitened,
)
from assay.training.nets.trunk import Outputs  # noqa: E402
from assay.training.run import Prepared  # noqa: E402
from tests.training.makers import SMALL, make_view, write_config, write_manifest  # noqa: E402
from tests.verdict.doubles import install_cards, make_point  # noqa: E402


class TinyNet(nn.Module):
    """uint8 pictures in; a logit, pooled features and, if it draws, a mask's logit out."""

    def __init__(self, draws: bool = True) -> None:
        super().__init__()
        self.draw = nn.Conv2d(3, 5, 5, stride=1)
        self.draws = draws

    def forward(self, pictures: Tensor) -> Outputs:
        x = pictures.permute(0, 3, 1, 2).to(self.draw.weight.dtype) / 255.0
        maps = self.draw(x)
        pooled = maps.mean(dim=(2, 3))
        return Outputs(pooled[:, 0], pooled, maps[:, 0] if self.draws else None)


def crops(n: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (n, 32, 32, 3)) * rng.random((n, 1, 1, 3))).astype(np.uint8)


@pytest.fixture
def net() -> TinyNet:
    torch.manual_seed(1)
    return TinyNet()


@pytest.mark.parametrize("draws", [True, False])
def test_the_graph_answers_as_torch_does_for_any_number_of_pictures(
    draws: bool, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    exported = whitened(TinyNet(draws), crops())
    difference = export_onnx(exported, tmp_path / "n.onnx", 32, {"recipe_fingerprint": "abc"})
    assert 0.0 <= difference <= 1e-4
    opened = Network(tmp_path / "n.onnx")
    assert opened.metadata["recipe_fingerprint"] == "abc"
    names = ["logit", "mask", "features"] if draws else ["logit", "features"]
    assert (opened.input_names, list(opened.output_names)) == (("pictures",), names)
    for n in (1, 5):
        pictures = np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3)).astype(np.uint8)
        found = opened.run(pictures)
        with torch.no_grad():
            outputs = exported.net(torch.from_numpy(pictures))
        assert found["logit"] == pytest.approx(outputs.logit.numpy(), abs=1e-4)
        if draws:
            assert found["mask"] == pytest.approx(torch.sigmoid(outputs.mask).numpy(), abs=1e-4)


def test_features_have_mean_zero_and_no_correlation_on_the_crops(net: TinyNet) -> None:
    exported = whitened(net, crops())
    with torch.no_grad():
        features = exported(torch.from_numpy(crops()))[-1].numpy()
    assert features.shape == (60, 5)
    assert np.abs(features.mean(axis=0)).max() < 1e-3
    assert np.cov(features.T) == pytest.approx(np.eye(5), abs=0.05)


def test_axes_without_spread_are_left_out(net: TinyNet) -> None:
    with torch.no_grad():
        net.draw.weight[3] = net.draw.weight[1]
        net.draw.bias[3] = net.draw.bias[1]  # type: ignore[index]
    exported = whitened(net, crops())
    with torch.no_grad():
        features = exported(torch.from_numpy(crops(seed=4)))[-1].numpy()
    assert features.shape == (60, 4)
    assert np.abs(features).max() < 50


def test_a_graph_that_drifted_is_not_exported(
    net: TinyNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "parity", lambda *_: 3e-4)
    with pytest.raises(RuntimeError, match="differ"):
        export_onnx(whitened(net, crops()), tmp_path / "n.onnx", 32, {})


def test_parity_notices_another_networks_graph(net: TinyNet, tmp_path: Path) -> None:
    export_onnx(whitened(net, crops()), tmp_path / "n.onnx", 32, {})
    torch.manual_seed(2)
    other = whitened(TinyNet(), crops())
    assert export.parity(other, tmp_path / "n.onnx", 32, ["logit", "mask", "features"]) > 1e-3


def prepared(training: list[Any], calibration: list[Any], items: list[Any]) -> Prepared:
    return Prepared(items, training, calibration, [])


def test_people_on_both_sides_are_refused() -> None:
    a, b = make_view("a"), make_view("b")
    require_disjoint(prepared([a], [b], []))
    with pytest.raises(RuntimeError, match="'b'"):
        require_disjoint(prepared([a, b], [b], []))


def told(*_: object) -> Measured:
    bona_fide = np.linspace(-4.0, 1.0, 200)
    forged = np.linspace(0, 5, 50)
    return Measured(bona_fide, forged, 1.1, -0.2, 0.3, 2.5, "people", "fakes", {"faithful": True})


def test_finish_leaves_a_bundle_that_verifies_and_opens(
    net: TinyNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "measure_faces", told)
    rows = [{"path": f"{n}.png", "identity": f"p{n}", "licence": "CC BY"} for n in range(3)]
    write_manifest(tmp_path / "data", rows)
    config = read_config(write_config(tmp_path))
    items = read_manifest(tmp_path / "data")
    folder = finish(net, config, prepared([make_view("a")], [make_view("b")], items))
    assert folder.resolve() == (tmp_path / "runs" / "tiny" / "bundle").resolve()

    raw = json.loads((folder / "card.json").read_text())
    assert raw["trained_on"] == [{"set": "made", "label": "real", "licence": "CC BY", "files": 3}]
    assert raw["training"]["n_calibration"] == 1
    assert raw["parity_max_difference"] <= 1e-4
    card = load_card("tiny", folder)
    assert card.recipe_fingerprint == SMALL.fingerprint
    SMALL.require(dict(card.recipe))
    assert card.calibration is not None
    assert card.calibration.scale == 1.1
    assert card.operating_point("far_1").name == make_point("far_1", 0.0, 0.01)["name"]
    assert verify("tiny", folder) == card.network_sha256

    (folder.parent / "bundle").rename(tmp_path / "tiny")
    install_cards(monkeypatch, tmp_path)
    network._opened.cache_clear()
    opened = open_network("tiny", SMALL.fingerprint)
    network._opened.cache_clear()
    assert opened.metadata["recipe_fingerprint"] == SMALL.fingerprint
    assert opened.metadata["data_hash"] == raw["training"]["data_hash"]


def test_finish_refuses_people_on_both_sides(
    net: TinyNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "measure_faces", told)
    write_manifest(tmp_path / "data", [])
    config = read_config(write_config(tmp_path))
    with pytest.raises(RuntimeError, match="calibration"):
        finish(net, config, prepared([make_view("a")], [make_view("a", 2)], []))
    assert not (tmp_path / "runs" / "tiny" / "bundle" / "card.json").exists()
