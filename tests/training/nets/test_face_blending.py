from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.nets.face_blending import FaceBlendingNet  # noqa: E402
from assay.training.nets.trunk import POOLED, scaled  # noqa: E402
from assay.training.pairs import MASK_STRIDE  # noqa: E402
from tests.real_faces import textured  # noqa: E402


@pytest.fixture(scope="module")
def net() -> FaceBlendingNet:
    torch.manual_seed(0)
    return FaceBlendingNet(pretrained=False).eval()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.from_numpy(np.stack([textured(224, 224, seed) for seed in (1, 2)]))


@torch.no_grad()
@pytest.mark.parametrize("side", [224, 256])
def test_uint8_pictures_in_a_logit_features_and_a_map_out(net: FaceBlendingNet, side: int) -> None:
    pictures = torch.from_numpy(np.stack([textured(side, side, seed) for seed in (1, 2)]))
    outputs = net(pictures)
    assert outputs.logit.shape == (2,)
    assert outputs.pooled.shape == (2, POOLED)
    assert outputs.mask is not None
    assert outputs.mask.shape == (2, side // MASK_STRIDE, side // MASK_STRIDE)
    assert all(torch.isfinite(part).all() for part in outputs[:3])


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
    _, wanted = net.trunk((pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0)
    assert torch.allclose(wanted, net(pictures).pooled, atol=1e-4)
    assert torch.equal(scaled(pictures), (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0)


def test_both_heads_teach_the_trunk(pictures: torch.Tensor) -> None:
    net = FaceBlendingNet(pretrained=False).train()
    for head in ("logit", "mask"):
        net.zero_grad(set_to_none=True)
        getattr(net(pictures), head).mean().backward()
        assert float(net.trunk.net.conv_stem.weight.grad.abs().sum()) > 0


@torch.no_grad()
def test_the_score_takes_note_of_the_map(net: FaceBlendingNet, pictures: torch.Tensor) -> None:
    before = net(pictures)
    bias = net.draw[-1].bias
    kept = bias.clone()
    bias += 3.0
    after = net(pictures)
    bias.copy_(kept)
    assert torch.equal(before.pooled, after.pooled)
    assert not torch.allclose(before.logit, after.logit)
