"""What a reconstruction is judged by: ImageNet features, and a critic of small patches.

The recipe of the autoencoders behind latent diffusion: L1, perceptual and adversarial terms
(Esser et al., "Taming Transformers", CVPR 2021; Rombach et al., CVPR 2022).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn


class Features(nn.Module):
    """Distance of two pictures in the features of an ImageNet EfficientNet-Lite0, frozen.

    Made like LPIPS (Zhang et al., CVPR 2018), with equal weights: each stage's features are given
    unit length at every place, and compared. Raises ImportError without timm or the weights.
    """

    def __init__(self) -> None:
        super().__init__()
        import timm

        from assay.training.nets.face_blending import load_imagenet

        backbone: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
        load_imagenet(backbone)
        self.stem = nn.Sequential(backbone.conv_stem, backbone.bn1)
        self.stages = nn.ModuleList(list(backbone.blocks)[:5])
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor, others: Tensor) -> Tensor:
        """Mean distance of (n, 3, h, w) pictures in [0, 1]; a number, 0 for the same pictures."""
        x = self.stem((torch.cat([pictures, others]) * 255 - 127) / 128)
        total = torch.zeros((), device=pictures.device)
        for stage in self.stages:
            x = stage(x)
            unit = nn.functional.normalize(x.float(), dim=1, eps=1e-3)
            one, two = unit.chunk(2)
            total = total + (one - two).square().sum(dim=1).mean()
        return total / len(self.stages)


class PatchCritic(nn.Module):
    """A PatchGAN: (n, 3, h, w) in [0, 1] to (n, 1, h/8, w/8) scores, high for genuine patches.

    Source: Isola et al., CVPR 2017.
    """

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for channels in (width, 2 * width):
            layers += [nn.Conv2d(channels, 2 * channels, 4, 2, 1)]
            layers += [nn.GroupNorm(8, 2 * channels), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 3, padding=1))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return cast(Tensor, self.net(2 * pictures - 1)).float()


def critic_loss(genuine: Tensor, made: Tensor) -> Tensor:
    """The hinge loss of the critic's scores."""
    return (torch.relu(1 - genuine).mean() + torch.relu(1 + made).mean()) / 2


def balanced(
    wanted: Tensor, adversarial: Tensor, made: Tensor, last: Tensor, share: float
) -> Tensor:
    """`wanted` plus `adversarial`, two gradients with respect to the pictures `made`, scaled so
    that the second moves the weights `last` of the layer that made them by `share` of the first.

    The share is taken at the weights (Esser et al., 2021): of the pictures' gradients only the
    critic's is alike from place to place, and it would outweigh the other by far.
    """

    def length(gradient: Tensor) -> Tensor:
        (moved,) = torch.autograd.grad(made, last, gradient, retain_graph=True)
        return cast(Tensor, moved.norm())

    scale = share * length(wanted) / length(adversarial).clamp_min(1e-12)
    return wanted + adversarial * scale.clamp(max=1e4)
