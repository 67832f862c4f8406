"""The network that ships answers as the one that was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import load_card, open_network  # noqa: E402
from assay.bundles.network import Network  # noqa: E402
from assay.inputs.waveform import WaveformInput, cut_windows  # noqa: E402
from assay.training.export import export_onnx, probes, whitened  # noqa: E402
from assay.training.nets.voice_synthesis import VoiceSynthesisNet  # noqa: E402
from tests.training.sound_makers import voiced  # noqa: E402

SAMPLES = 8000
SMALL = (4, 4, 4, 4, 4)


def test_torch_and_onnx_runtime_agree(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = VoiceSynthesisNet(widths=SMALL, n_methods=3)
    sounds = np.stack([voiced(SAMPLES / 16000, seed) for seed in range(40)])
    sounds += np.random.default_rng(0).normal(0, 0.02, sounds.shape).astype(np.float32)
    with torch.no_grad():
        for _ in range(20):  # so that its norms know the sounds, as after training
            net(torch.from_numpy(sounds))
    shipped = whitened(net, sounds)
    path = tmp_path / "n.onnx"
    metadata = {"recipe_fingerprint": "abc"}
    assert export_onnx(shipped, path, SAMPLES, metadata, sound=True) <= 1e-4
    opened = Network(path)
    assert (opened.input_names, opened.output_names) == (("sound",), ("logit", "features"))
    found = opened.run(sounds[:3])
    with torch.no_grad():
        logit, features = shipped(torch.from_numpy(sounds[:3]))
    assert found["logit"] == pytest.approx(logit.numpy(), abs=1e-4)
    assert found["features"] == pytest.approx(features.numpy(), abs=1e-3)


@pytest.mark.parametrize("size", [32, 1200])
def test_a_large_picture_is_a_picture(size: int) -> None:
    assert probes(size).shape == (3, size, size, 3)
    assert probes(size, sound=True).shape == (3, size)


def test_the_shipped_network_takes_what_its_recipe_cuts() -> None:
    recipe = WaveformInput.from_card(load_card("voice_synthesis").recipe)
    network = open_network("voice_synthesis", recipe.fingerprint)
    outputs = network.run(cut_windows(voiced(6.0), recipe))
    assert outputs["logit"].shape == (2,)
    assert outputs["features"].shape == (2, 32)
    assert np.isfinite(outputs["logit"]).all()
