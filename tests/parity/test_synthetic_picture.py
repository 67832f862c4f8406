"""The network of whole pictures that was trained and the one that ships give the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles.network import Network  # noqa: E402
from assay.training.export import export_onnx, whitened  # noqa: E402
from assay.training.nets.synthetic_picture import SyntheticPictureNet  # noqa: E402
from tests.real_faces import textured  # noqa: E402

SIDE = 64


@pytest.mark.parametrize("settings", [{}, {"first_stride": 1, "window_px": 48}])
def test_torch_and_onnx_runtime_agree(settings: dict[str, int], tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = SyntheticPictureNet(pretrained=False, **settings)
    crops = np.stack([textured(SIDE, SIDE, seed) for seed in range(60)])
    net.train()
    with torch.no_grad():
        net(torch.from_numpy(crops[:20]))  # running means as after training
    shipped = whitened(net, crops)
    difference = export_onnx(shipped, tmp_path / "n.onnx", SIDE, {"recipe_fingerprint": "abc"})
    assert 0 <= difference <= 1e-4
    network = Network(tmp_path / "n.onnx")
    assert set(network.output_names) == {"logit", "features"}
    for n in (1, 7):
        pictures = crops[:n]
        found = network.run(pictures)
        with torch.no_grad():
            trained = shipped.net(torch.from_numpy(pictures)).logit.numpy()
        assert found["logit"] == pytest.approx(trained, abs=1e-4)
        assert found["logit"].shape == (n,)
        assert found["features"].shape == (n, 32)
