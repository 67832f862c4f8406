"""The shipped speaker network computes what its layers say: an LSTM of 3 x 256, read by numpy."""

from __future__ import annotations

import numpy as np
import pytest

from assay.bundles import bundle_folder, open_network

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")


def weights() -> dict[str, np.ndarray]:
    graph = onnx.load(bundle_folder("speaker_identity") / "network.onnx").graph
    return {value.name: onnx.numpy_helper.to_array(value).copy() for value in graph.initializer}


def lstms() -> list[list[str]]:
    graph = onnx.load(bundle_folder("speaker_identity") / "network.onnx").graph
    return [list(node.input) for node in graph.node if node.op_type == "LSTM"]


def torch_order(rows: np.ndarray) -> torch.Tensor:
    """ONNX keeps the gates as input, output, forget, cell; torch as input, forget, cell, output."""
    i, o, f, c = np.split(rows, 4)
    return torch.from_numpy(np.concatenate([i, f, c, o]))


def network() -> torch.nn.LSTM:
    held = weights()
    lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
    with torch.no_grad():
        for layer, (_, inner, outer, bias, *_) in enumerate(lstms()):
            getattr(lstm, f"weight_ih_l{layer}").copy_(torch_order(held[inner][0]))
            getattr(lstm, f"weight_hh_l{layer}").copy_(torch_order(held[outer][0]))
            getattr(lstm, f"bias_ih_l{layer}").copy_(torch_order(held[bias][0][:1024]))
            getattr(lstm, f"bias_hh_l{layer}").copy_(torch_order(held[bias][0][1024:]))
    return lstm


@pytest.mark.parametrize("shape", [(1, 160, 40), (5, 90, 40)])
def test_onnx_and_torch_agree(shape):
    mels = np.random.default_rng(0).random(shape, np.float32) ** 4
    held = weights()
    with torch.no_grad():
        _, (hidden, _) = network()(torch.from_numpy(mels))
        linear = torch.from_numpy(held["linear.weight"]), torch.from_numpy(held["linear.bias"])
        raw = torch.relu(torch.nn.functional.linear(hidden[-1], *linear))
    expected = torch.nn.functional.normalize(raw, dim=1).numpy()
    found = open_network("speaker_identity").run(mels)["embeddings"]
    assert np.abs(found - expected).max() < 1e-5
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)
