"""A network and a source of pairs that are small enough for a test of the training loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from assay.training.loop import Schedule
from assay.training.nets.trunk import Outputs
from assay.training.pairs import Pair

LOSSES = {"loss", "score", "mask", "ranking", "accuracy"}


class TinyNet(nn.Module):
    """The shape of a face network: uint8 pictures in; logit, features and mask out."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.score = nn.Linear(8, 1)
        self.mask = nn.Conv2d(8, 1, 4, stride=4)

    def forward(self, pictures: Tensor) -> Outputs:
        x = (pictures.permute(0, 3, 1, 2).to(self.score.weight.dtype) - 127.0) / 128.0
        x = torch.relu(self.norm(self.depthwise(self.first(x))))
        pooled = x.mean(dim=(2, 3))
        return Outputs(self.score(pooled)[:, 0], pooled, self.mask(x)[:, 0])


class TinySource:
    """Pairs of three methods at two places, told by the first pixel; remembers what it drew."""

    tags = ("method a", "method b", "method c", "place 0", "place 1")

    def __init__(self) -> None:
        self.drawn: list[int] = []

    @staticmethod
    def kind(code: int) -> tuple[str, str]:
        """The method and the place of a pair whose genuine picture has this first pixel."""
        return TinySource.tags[code % 3], TinySource.tags[3 + code // 3]

    def draw(self, seed: int) -> Pair:
        """A pair whose forgery is brighter in its lower half."""
        self.drawn.append(seed)
        rng = np.random.default_rng(seed)
        genuine = rng.integers(60, 180, (16, 16, 3)).astype(np.uint8)
        fake = genuine.copy()
        fake[8:] += 40
        code = int(rng.integers(6))
        genuine[0, 0, 0] = code
        mask = np.array([[0, 0], [1, 1]], np.float32)
        return Pair(genuine, fake, *self.kind(code), mask, bool(rng.random() < 0.5))


def schedule(steps: int = 3, **changes: Any) -> Schedule:
    """A few steps of two pairs, checked after every second one, on the processor."""
    values: dict[str, Any] = {"pairs": 2, "warmup": 1, "check_every": 2, "check_pairs": 6}
    return Schedule(steps=steps, **{**values, "workers": 0, "device": "cpu", **changes})
