"""EfficientNet-B4 that looks where it decides to: an attention mask over its features at 28 × 28.

EfficientNetB4Att of Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs",
ICPR 2020: after the tenth block (index 9, 56 channels) a convolution of one pixel and a sigmoid
give each place a weight.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from assay.training.nets import efficientnet_b4 as base

ATTENTION_AFTER = 2  # stages; its last block is the tenth
CHANNELS = 56


class EfficientNetB4Att(base.EfficientNetB4):
    """As EfficientNetB4; `mask` (n, 28, 28) of its outputs is the logit of each place's weight.

    It shows what was looked at, not what was changed: nothing teaches it but the score.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Conv2d(CHANNELS, 1, 1)

    def features(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """See EfficientNetB4."""
        trunk = self.trunk
        x = trunk.bn1(trunk.conv_stem(base.normalised(pictures, self.score.weight)))
        for stage in trunk.blocks[: ATTENTION_AFTER + 1]:
            x = stage(x)
        mask = self.attention(x)
        x = x * torch.sigmoid(mask)
        for stage in trunk.blocks[ATTENTION_AFTER + 1 :]:
            x = stage(x)
        return trunk.global_pool(trunk.bn2(trunk.conv_head(x))), mask[:, 0]


NETS = (
    replace(
        base.NETS[0],
        name="efficientnet_b4_att",
        title="EfficientNetB4Att of the ICPR 2020 ensemble",
        build=EfficientNetB4Att,
        n_parameters=17_550_466,
        n_macs=1_501_964_128,
        checkpoint="EfficientNetAutoAttB4_{FFPP,DFDC}_bestval-*.pth",
    ),
)
