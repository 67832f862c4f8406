from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.nets.synthetic_picture import SyntheticPictureNet  # noqa: E402
from assay.training.nets.trunk import POOLED  # noqa: E402
from tests.real_faces import textured  # noqa: E402


@pytest.fixture(scope="module")
def net() -> SyntheticPictureNet:
    torch.manual_seed(0)
    return SyntheticPictureNet(pretrained=False, window_px=64).eval()


def pictures(side: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([textured(side, side, seed) for seed in (1, 2)]))


@torch.no_grad()
def test_uint8_patches_in_a_logit_and_features_out(net: SyntheticPictureNet) -> None:
    outputs = net(pictures(64))
    assert outputs.logit.shape == (2,)
    assert outputs.pooled.shape == (2, POOLED)
    assert outputs.mask is None
    assert torch.isfinite(outputs.logit).all()
    assert torch.allclose(net(pictures(64)[1:]).logit[0], outputs.logit[1], atol=1e-4)


@torch.no_grad()
def test_of_larger_patches_the_middle_is_seen_and_of_smaller_ones_all(
    net: SyntheticPictureNet,
) -> None:
    large = pictures(80)
    edges = large.clone()
    edges[:, :8], edges[:, -8:], edges[:, :, :8], edges[:, :, -8:] = 0, 255, 9, 7
    assert torch.equal(net(large).logit, net(edges).logit)
    assert torch.equal(net(large).logit, net(large[:, 8:72, 8:72]).logit)
    small = pictures(48)
    changed = small.clone()
    changed[:, :4] = 0
    assert not torch.equal(net(small).logit, net(changed).logit)


@torch.no_grad()
def test_full_resolution_is_another_network_of_the_same_weights(net: SyntheticPictureNet) -> None:
    fine = SyntheticPictureNet(pretrained=False, window_px=64, first_stride=1).eval()
    fine.load_state_dict(net.state_dict())
    assert not torch.allclose(fine(pictures(64)).pooled, net(pictures(64)).pooled)


def test_the_score_teaches_the_trunk() -> None:
    net = SyntheticPictureNet(pretrained=False, window_px=64).train()
    net(pictures(64)).logit.sum().backward()
    assert float(net.trunk.net.conv_stem.weight.grad.abs().sum()) > 0
