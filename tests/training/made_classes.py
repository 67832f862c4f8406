"""Two classes that a tiny network tells apart, without any file: for the tests of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.training.classify_data import Row
from assay.training.classify_loop import Task
from assay.training.nets.spec import Fit
from assay.training.nets.trunk import Outputs

SIDE_PX = 8
TINY_FIT = Fit(epochs=4, batch=8, learning_rate=1e-2)


class TinyNet(nn.Module):
    """uint8 (n, 8, 8, 3) in; a logit and features, after a batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, 2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.score = nn.Linear(6, 1)

    def forward(self, pictures: Tensor) -> Outputs:
        x = pictures.permute(0, 3, 1, 2).float() / 255
        pooled = torch.relu(self.norm(self.first(x))).mean(dim=(2, 3))
        return Outputs(self.score(self.drop(pooled))[:, 0], pooled)


def made_rows(n_items: int, n_frames: int = 4) -> list[Row]:
    """Rows of items that are real and fake in turn."""
    return [
        Row(item, 0, frame / 5, (frame, 0), item % 2 == 1)
        for item in range(n_items)
        for frame in range(n_frames)
    ]


def made_cut(row: Row, rng: np.random.Generator | None) -> NDArray[Any]:
    """Noise by the row's numbers; an even item is darker in red than an odd one."""
    own = np.random.default_rng([row.item, *row.place])
    picture = own.integers(60, 180, (SIDE_PX, SIDE_PX, 3))
    picture[..., 0] += 50 * (row.item % 2)
    if rng is not None:
        picture += rng.integers(-5, 6, picture.shape)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def made_task(n_items: int = 12) -> Task:
    """Rows to learn from, and others to check on."""
    checks = [Row(r.item + 100, 0, r.time_s, r.place, r.fake) for r in made_rows(6)]
    return Task(made_rows(n_items), checks, made_cut, made_cut)


def tiny_net(seed: int = 0) -> TinyNet:
    torch.manual_seed(seed)
    return TinyNet()
