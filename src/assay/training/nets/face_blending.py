"""A face network with a score head and a head that draws the forged region."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from assay.training.nets.trunk import POOLED, Outputs, Trunk, load_imagenet, scaled

__all__ = ["FaceBlendingNet", "load_imagenet"]

WIDTH = 48


class FaceBlendingNet(nn.Module):
    """uint8 crops (n, s, s, 3) in; score, drawn mask (n, s / 8, s / 8) and features out.

    Scaling to [-1, 1] is the graph's first layer; there is no resize of the picture inside it.
    """

    def __init__(
        self, pretrained: bool = True, dropout: float = 0.2, backbone: str = "lite0"
    ) -> None:
        super().__init__()
        self.trunk = Trunk(backbone, pretrained)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(POOLED + 2, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(n, WIDTH, 1) for n in self.trunk.channels)
        self.draw = nn.Sequential(
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, 1, 1),
        )

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        levels, pooled = self.trunk(scaled(pictures, self.score.weight.dtype))
        mask = self._mask(levels)
        drawn = torch.sigmoid(mask)
        summary = torch.stack([drawn.mean(dim=(1, 2)), drawn.amax(dim=(1, 2))], dim=1)
        features = torch.cat([self.dropout(pooled), summary.to(pooled.dtype)], dim=1)
        return Outputs(self.score(features)[:, 0], pooled, mask)

    def _mask(self, levels: list[Tensor]) -> Tensor:
        total = self.lateral[0](levels[0])
        size = (int(levels[0].shape[2]), int(levels[0].shape[3]))
        for lateral, level in zip(list(self.lateral)[1:], levels[1:], strict=True):
            total = total + nn.functional.interpolate(lateral(level), size=size, mode="nearest")
        return cast(Tensor, self.draw(total))[:, 0]
