"""The tutorial's small network: three convolutions, three poolings, two dense layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.face import FaceInput
from assay.training.nets.spec import Fit, NetSpec

SIDE_PX = 128
WIDTHS = (32, 64, 128)
HIDDEN = 128


class SimpleCnn(nn.Module):
    """uint8 faces (n, 128, 128, 3) in, a logit (n,) out: higher = more likely fake."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for width in WIDTHS:
            layers += [nn.Conv2d(n_in, width, 3), nn.ReLU(), nn.MaxPool2d(2)]
            n_in = width
        self.features = nn.Sequential(*layers)
        side = SIDE_PX
        for _ in WIDTHS:
            side = (side - 2) // 2
        self.dense = nn.Linear(n_in * side * side, HIDDEN)
        self.score = nn.Linear(HIDDEN, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        x = self.features(pictures.permute(0, 3, 1, 2).to(self.score.weight.dtype) / 255.0)
        logit: Tensor = self.score(torch.relu(self.dense(x.flatten(1))))[:, 0]
        return logit


NETS = (
    NetSpec(
        name="simple_cnn",
        title="Small CNN of the tutorial",
        paper="the tutorial that this project started from",
        kind="face",
        recipe=FaceInput(size_px=SIDE_PX, scale=1.3),
        build=SimpleCnn,
        n_parameters=3_304_769,
        n_macs=143_316_480,
        fit=Fit(epochs=10, batch=32, optimiser="adam", learning_rate=1e-3, n_frames=20),
        aggregation=Aggregation("mean_probability", "max"),
        n_frames=20,
    ),
)
