from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from torch import nn  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.training.export import export_onnx, whitened  # noqa: E402
from assay.training.nets.face_blending import FaceBlendingNet  # noqa: E402
from assay.training.nets.synthetic_picture import SyntheticPictureNet  # noqa: E402
from assay.training.weights import average_with, load_bundle, load_weights  # noqa: E402
from assay.types import Array  # noqa: E402
from tests.training.tiny_run import TinyNet  # noqa: E402

SIDE_PX = 96


def pictures(n: int = 24, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 12, 12, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return np.asarray(np.clip(coarse + rng.normal(0, 9, coarse.shape), 0, 255), np.uint8)


def as_if_trained(net: nn.Module) -> nn.Module:
    """With statistics, scales and shifts that no fresh network has."""
    torch.manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.6, 1.4)
            module.bias.data.normal_(0, 0.2)
    return net


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished bundle of faces, whose network also draws."""
    folder = tmp_path_factory.mktemp("bundle")
    net = as_if_trained(FaceBlendingNet(pretrained=False))
    exported = whitened(net, pictures(40))
    export_onnx(exported, folder / "network.onnx", SIDE_PX, {})
    torch.save(exported.net.state_dict(), folder / "weights.pt")
    return folder


def test_a_network_read_from_its_bundle_computes_the_same(bundle: Path) -> None:
    original, read = (FaceBlendingNet(pretrained=False) for _ in range(2))
    load_weights(original, bundle / "weights.pt")
    load_bundle(read, bundle, pictures(seed=1))
    others = torch.from_numpy(pictures(seed=2))
    with torch.no_grad():
        wanted, found = original.eval()(others), read.eval()(others)
    assert torch.allclose(wanted.logit, found.logit, atol=1e-3)
    assert torch.allclose(wanted.mask, found.mask, atol=1e-3)
    assert torch.allclose(wanted.pooled, found.pooled, atol=1e-3)
    assert float(wanted.logit.std()) > 1e-3


def test_its_norms_hold_the_statistics_of_the_pictures_and_can_learn(bundle: Path) -> None:
    net, given = FaceBlendingNet(pretrained=False, dropout=0.0), pictures()
    load_bundle(net, bundle, given)
    whole = torch.from_numpy(given)
    with torch.no_grad():
        still, moving = net.eval()(whole), net.train()(whole)
    # By the batch's own statistics nearly the same: it is the batch that they were taken from.
    assert torch.allclose(still.logit, moving.logit, atol=0.02)
    net.train()(whole).logit.sum().backward()
    assert net.trunk.net.bn1.weight.grad is not None
    assert float(net.trunk.net.bn1.weight.grad.abs().sum()) > 0


def test_the_bundle_of_another_network_is_refused(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="another network"):
        load_bundle(SyntheticPictureNet(pretrained=False), bundle, pictures(4))
    with pytest.raises(ConfigError, match="another network"):
        load_bundle(FaceBlendingNet(pretrained=False, backbone="lite2"), bundle, pictures(4))


def test_a_damaged_or_missing_bundle_is_refused(tmp_path: Path) -> None:
    net = SyntheticPictureNet(pretrained=False)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_bundle(net, tmp_path, pictures(4))
    (tmp_path / "network.onnx").write_bytes(b"\x08no graph at all" * 40)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_bundle(net, tmp_path, pictures(4))


def test_weights_are_averaged_with_those_of_the_start(tmp_path: Path) -> None:
    torch.manual_seed(0)
    first, second = TinyNet(), TinyNet()
    second.norm.num_batches_tracked += 5
    torch.save(first.state_dict(), tmp_path / "start.pt")
    before = {name: value.clone() for name, value in second.state_dict().items()}
    average_with(second, tmp_path / "start.pt")
    for name, value in second.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, (before[name] + first.state_dict()[name]) / 2)
    assert int(second.norm.num_batches_tracked) == 5
    with pytest.raises(ConfigError):
        average_with(second, tmp_path / "missing.pt")


def test_the_layer_that_names_methods_may_have_become_another(tmp_path: Path) -> None:
    from assay.training.nets.voice_synthesis import VoiceSynthesisNet

    small = (4, 4, 4, 4, 4)
    before, now = (VoiceSynthesisNet(widths=small, n_methods=n) for n in (3, 5))
    torch.save(before.state_dict(), tmp_path / "start.pt")
    load_weights(now, tmp_path / "start.pt")
    assert now.method is not None
    assert now.method.weight.shape[0] == 5
    assert torch.equal(now.score.weight, before.score.weight)
